// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// --default-resolver: this dnslet as the host's nameserver. The life of its entry in resolv.conf;
// what is written there is decided in policy/resolv_conf_edit. A file that can't be read or written
// costs a warning, never the service.

#include <string>
#include <utility>

#include "base/result.h"
#include "io/files.h"
#include "io/log.h"

namespace dnslet::app {

class HostResolver {
 public:
  // `path`: of resolv.conf. `server`: as from policy::entry_for(). `log` must outlive this.
  HostResolver(const std::string& path, std::string server, io::Log& log)
      : server_(std::move(server)), log_(log), file_(path), watch_(path) {}

  // Opens the file while this process may write it: it stays open across --user. A failure shows
  // in start(), which tries again.
  void open() { (void)file_.open(); }
  // Undoes what a run that was killed left behind, whosever entry that is, and puts the entry in.
  void start();
  // The same later, when something else may have written the file; another dnslet's entry is left
  // alone then.
  void keep();
  // Gives the file its original back; what came without our entry stays as it is.
  void stop();

  // Whether something may have happened to the file since; to be asked at intervals.
  bool has_changed() { return watch_.has_changed(); }

 private:
  enum class Entry { In, Out };
  enum class Others { Replace, Leave };  // another dnslet's entry

  void bring(Entry entry, Others others);
  Status edit(const std::string& from, const std::string& to);

  std::string server_;
  io::Log& log_;
  io::FileInPlace file_;
  io::FileWatch watch_;
};

}  // namespace dnslet::app

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// --default-resolver: this dnslet as the host's nameserver. The life of its entry in resolv.conf;
// what is written there is decided in policy/resolv_conf_edit. A file that can't be read or written
// costs a warning, never the service.

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/files.h"
#include "io/log.h"
#include "policy/resolv_conf_edit.h"

namespace dnslet::app {

class HostResolver {
 public:
  static constexpr std::size_t kMaxEdited = 64U << 10;  // bytes; a longer file is left alone

  // What clients are to be told: `servers` as from policy::entry_for(), at least one.
  struct Told {
    std::vector<std::string> servers;
    policy::ClientOptions options = policy::ClientOptions::Keep;
  };

  // `path`: of resolv.conf. `log` must outlive this.
  HostResolver(const std::string& path, Told told, io::Log& log)
      : told_(std::move(told)), log_(log), file_(path), watch_(path) {}

  // Opens the file while this process may write it: it stays open across --user. A failure shows
  // in start(), which tries again.
  void open() { (void)file_.open(); }
  // Undoes what a run that was killed left behind, whosever entry that is, and puts the entry in.
  void start();
  // The same later, when something else may have written the file. The entry of another dnslet is
  // left alone as long as its address is served.
  void keep();
  // Gives the file its original back; what came without our entry stays as it is.
  void stop();

  // Whether there may be something to do for keep(); to be asked at intervals.
  bool is_due() { return watch_.has_changed() || is_due_; }

 private:
  enum class Entry { In, Out };
  enum class Others { Replace, Leave };  // another dnslet's entry
  enum class Outcome {
    Written,
    Unchanged,  // the file was as it should be
    Foreign,    // another dnslet's entry is there
    Disturbed,  // something else wrote the file at the same time
  };

  Outcome bring(Entry entry, Others others);
  Result<Outcome> try_to_bring(Entry entry, Others others);
  Result<Outcome> edit(const std::string& from, const std::string& to);
  Result<Outcome> take_zeros_off();
  Status overwrite(const std::string& from, const std::string& to, const Error& trouble);
  bool holds(const std::string& text) const;
  void warn(const io::LogLine& line);

  Told told_;
  io::Log& log_;
  io::FileInPlace file_;
  io::FileWatch watch_;
  bool is_due_ = false;  // keep() has to try again
  std::string warned_of_;
};

}  // namespace dnslet::app

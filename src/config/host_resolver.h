// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// --default-resolver: this dnslet as the host's nameserver. The life of its entry in resolv.conf;
// what is written there is decided in config/resolv_conf_edit. A file that can't be read or written
// costs a warning, never the service. No file that ever held the entry keeps it: one that has lost
// the path (moved away, a link that was changed) gets its original back through its descriptor.
//
// Edits wait for locks and disks: they are for io/background, one thread at a time.

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/stop_flag.h"
#include "config/resolv_conf_edit.h"
#include "io/files.h"
#include "io/log.h"

namespace dnslet::config {

class HostResolver {
 public:
  static constexpr std::size_t kMaxFormer = 8;
  static constexpr std::size_t kMaxEdited = 64U << 10;  // bytes; a longer file is left alone

  // What clients are to be told: `servers` as from entry_for(), at least one.
  struct Told {
    std::vector<std::string> servers;
    ClientOptions options = ClientOptions::Keep;
  };

  // `path`: of resolv.conf. `log` must outlive this.
  HostResolver(const std::string& path, Told told, io::Log& log)
      : told_(std::move(told)), log_(log), file_(path) {}

  // Opens the file while this process may write it: it stays open across --user. A failure shows
  // in start(), which tries again.
  void open() { (void)file_.open(); }
  // Undoes what a run that was killed left behind, whosever entry that is, and puts the entry in.
  // When stopped it waits for no lock, here and below.
  void start(const StopFlag& stop);
  // The same later, when something else may have written the file. The entry of another dnslet is
  // left alone as long as its address is served.
  void keep(const StopFlag& stop);
  // Gives each file its original back; what came without our entry stays as it is. A lock that
  // others hold for longer than a moment is passed over: the host would be left without DNS.
  void stop();

  // Whether there may be something to do for keep(); to be asked at intervals.
  bool is_due();

 private:
  enum class Entry { In, Out };
  enum class Others { Replace, Leave };  // another dnslet's entry
  enum class Outcome {
    Written,
    Unchanged,  // the file was as it should be
    Foreign,    // another dnslet's entry is there
    Disturbed,  // something else wrote the file at the same time
    Locked,     // by another program, for too long
  };
  enum class Locks { Respect, PassOver };  // where one is held for long
  struct Wish {
    Entry entry;
    Others others;
    const StopFlag& stop;
    Locks locks = Locks::Respect;
  };

  Outcome bring(const Wish& wish);
  void tell(Outcome outcome, Entry entry);
  Status follow_path(const StopFlag& stop);
  void restore_former(const Wish& wish);
  Result<Outcome> edit(const io::FileInPlace& file, const Wish& wish) const;
  void warn(const io::LogLine& line);

  Told told_;
  io::Log& log_;
  io::FileInPlace file_;
  std::vector<io::FileInPlace> former_;  // that have lost the path and may still hold the entry
  io::FileWatch watch_;
  bool is_due_ = false;  // keep() has to try again
  std::string warned_of_;
};

}  // namespace dnslet::config

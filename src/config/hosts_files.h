// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The hosts files of the command line as one table: reads them, notices changes, reads them again.
//
// A file that can't be read any more keeps the entries it had, with a warning; a file that has left
// its directory takes them along. A table in use is never changed, only replaced. One thread at a
// time may use it; io/background sees to that.

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/loaded_files.h"
#include "io/files.h"
#include "io/log.h"
#include "policy/hosts.h"

namespace dnslet::config {

class HostsFiles {
 public:
  static constexpr std::size_t kMaxFile = 64U << 20;  // bytes

  // `paths`: files and directories, in order. `seed`: see dns/hash.h.
  HostsFiles(std::vector<std::string> paths, uint64_t seed, io::Log& log);

  // The first reading: fails with a sentence if anything can't be read.
  Status load() { return read(OnTrouble::Fail, kNeverStopped); }
  // Reads everything again; what can't be read keeps its entries. When stopped, all stays.
  void reload(const StopFlag& stop) {
    (void)read(OnTrouble::KeepEntries, stop);
  }  // can't fail then
  // Whether a file or a directory has changed since it was last read.
  bool has_changed() const;

  // What this process may not read any more, of what it has read: "cannot read 'PATH': reason".
  std::vector<std::string> unreadable() const;

  // How many files were read last, and their paths by number of the table's source.
  std::size_t files() const { return sources_.size(); }
  Loaded loaded() const { return loaded_; }
  const std::string& path_of(std::size_t source) const { return sources_[source - 1].path; }
  // What was read last; a table never changes.
  std::shared_ptr<const policy::HostsTable> table() const { return table_; }

 private:
  struct Source {
    std::string path;
    io::FileStamp stamp;  // when it was last read
  };
  enum class OnTrouble { Fail, KeepEntries };

  struct Reading {
    OnTrouble on_trouble;
    const StopFlag& stop;
    policy::HostsTable& table;
    bool is_told = false;  // that the path which is being read can't be
  };

  Status read(OnTrouble on_trouble, const StopFlag& stop);
  Status read_source(const std::string& path, const Reading& reading);

  std::vector<std::string> sources_below(const std::string& path) const;
  void report(const std::string& path, const policy::HostsReport& report);

  std::vector<Source> listings_;  // the paths of the command line
  uint64_t seed_;
  io::Log& log_;
  std::vector<Source> sources_;  // in the order of the table's sources
  std::shared_ptr<const policy::HostsTable> table_;
  Loaded loaded_;
};

}  // namespace dnslet::config

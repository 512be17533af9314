// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The records of --record, those of its files among them, as one table: reads the files, notices
// changes, reads them again.
//
// The records hold together (CNAMEs), so that a line that turned bad, or a file that can't be read
// any more, keeps all records as they were. A table in use is never changed, only replaced. One
// thread at a time may use it; io/background sees to that.

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop_flag.h"
#include "config/loaded_files.h"
#include "config/options.h"
#include "io/files.h"
#include "io/log.h"
#include "policy/records.h"

namespace dnslet::config {

class RecordFiles {
 public:
  static constexpr std::size_t kMaxFile = 64U << 20;  // bytes

  using Table = std::shared_ptr<const policy::Records>;

  // `options` must outlive it. `seed`: see dns/hash.h.
  RecordFiles(const Options& options, uint64_t seed, io::Log& log);

  // The first reading: fails with a sentence that names the file and the line, or the record.
  Status load();
  // Reads everything again; what is wrong gets a warning, and all stays. When stopped, all stays.
  void reload(const StopFlag& stop);
  // Whether a file has changed since it was last read; to be asked at intervals.
  bool has_changed();
  bool has_files() const { return !options_.record_files.empty(); }

  // What this process may not read any more: "cannot read 'PATH': reason".
  std::vector<std::string> unreadable() const;

  // What was read last; null: there is no record. A table never changes.
  Table table() const { return table_; }
  Loaded loaded() const { return loaded_; }

 private:
  Result<Table> read(const StopFlag& stop);

  const Options& options_;
  uint64_t seed_;
  io::Log& log_;
  io::ChangeWatch<std::vector<io::FileStamp>> watch_;
  Table table_;
  Loaded loaded_;
};

}  // namespace dnslet::config

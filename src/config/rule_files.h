// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The rules of the command line and of its files as one set: reads the files, notices changes,
// reads them again.
//
// A file has one rule a line; a # at the start of a line or behind a blank begins a comment. Where
// a file can't be read any more, or a line has turned bad, all rules stay as they were, with one
// warning. A set in use is never changed, only replaced. One thread at a time may use it;
// io/background sees to that.

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop_flag.h"
#include "config/loaded_files.h"
#include "config/options.h"
#include "config/rule_match.h"
#include "io/files.h"
#include "io/log.h"
#include "policy/rule_set.h"

namespace dnslet::config {

class RuleFiles {
 public:
  using Rules = std::shared_ptr<const policy::RuleSet>;
  static constexpr std::size_t kMaxFile = 64U << 20;  // bytes

  // `options` must outlive this. `seed`: see dns/hash.h.
  RuleFiles(const Options& options, uint64_t seed, io::Log& log);

  // Whether there is no file; the rules never change then.
  bool empty() const { return paths_.empty(); }
  // The first reading: fails with a sentence that names the option, the file and the line.
  Status load();
  // Reads everything again. When stopped, all stays.
  void reload(const StopFlag& stop);
  // Whether a file has changed since it was last read, and has not since this was asked last. To be
  // asked at intervals.
  bool has_changed();
  // What this process may not read any more: "cannot read 'PATH': reason".
  std::vector<std::string> unreadable() const { return io::unreadable(paths_); }
  // What was read last; null: there is no rule.
  Rules rules() const { return rules_; }
  Loaded loaded() const { return loaded_; }

 private:
  using List = std::vector<policy::Rule>;

  Status read(const StopFlag& stop);
  Status read_file(const std::string& path, const StopFlag& stop, List& rules) const;
  Status add_line(std::string_view line, const std::string& origin, List& rules) const;

  const Options& options_;
  RuleNames known_;
  uint64_t seed_;
  io::Log& log_;
  std::vector<std::string> paths_;
  io::ChangeWatch<std::vector<io::FileStamp>> watch_;
  Rules rules_;
  Loaded loaded_;
};

}  // namespace dnslet::config

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// --cache-file: has the cache survive a restart. What was there is read beside the service, block
// by block, and written every kPeriod and at the end; the disk is waited for by a thread of its
// own.
//
// In the file stand the answers, and what decided them: rules, zones, the search. Where that is not
// the same any more the answers are not taken over.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/name_sources.h"
#include "config/rule_files.h"
#include "dns/wire.h"
#include "io/background.h"
#include "io/block_file.h"
#include "io/log.h"
#include "io/loop.h"
#include "policy/cache.h"
#include "policy/stored_answer.h"

namespace dnslet::app {

// What decides about answers, as of now.
struct Basis {
  uint64_t fingerprint = 0;
  uint32_t rules = 0;  // their generation
};
// `deciding`: of the options. Without them: nothing is forwarded; there are no rules.
Basis basis_of(uint64_t deciding, const std::optional<config::Forwarding>& forwarding,
               const config::RuleFiles::Rules& rules);

class CacheKeeper {
 public:
  static constexpr io::Milliseconds kPeriod{600'000};

  struct Sources {
    policy::Cache& cache;
    policy::CacheTtls ttls;
    std::function<Basis()> basis;
    std::function<bool(const policy::StoredEntry& entry)> may_restore;
    policy::FakeAddresses* fakes = nullptr;  // null: none; may be used by several threads
  };

  // `path` empty: does nothing. All of it is for the loop's thread, or while that does not run.
  CacheKeeper(io::Loop& loop, io::Log& log, std::string path, Sources sources);

  // Warns where the file could not be written; reads the names of fake addresses, for which it
  // waits, and begins to read the cache.
  void start();
  // Whether what was in the file is still being put into the cache.
  bool is_reading() const { return reader_ != nullptr; }
  // Writes the file soon: what it holds by now is not to come back.
  void write_again();
  // Writes it for the last time. False: the disk hangs, and the process has to end without waiting.
  // REQUIRES: the loop does not run any more, nor does anybody use the cache.
  [[nodiscard]] bool stop();

 private:
  // What the thread has read of the file.
  struct Batch {
    std::vector<policy::StoredEntry> entries;  // kept for their memory
    std::size_t size = 0;                      // how many of them count
    bool is_last = false;
  };
  using Writing = std::shared_ptr<io::BlockWriter>;

  void warn_of_folder();
  void warn(const Error& error, const std::string& what);
  void read_next();
  void take();
  void on_read();
  void begin_walk();
  void write();
  void begin_to_write();
  void write_if_overtaken();
  void write_next(const Writing& writer);
  bool fill_block(dns::Bytes& block);
  void use(const Status& status);
  Status write_names();
  Status write_cache();

  io::Loop& loop_;
  io::Log& log_;
  std::string path_;
  Sources sources_;
  bool is_read_ = false;
  bool is_overtaken_ = false;         // what is being written is to be written again
  bool has_nothing_to_read_ = false;  // there is no file: known to the thread before

  std::unique_ptr<io::BlockReader> reader_;  // the thread's, while it is at work
  Basis basis_;                              // of what is read, and then of what is written
  uint32_t clearings_ = 0;                   // of the cache, when that began
  Batch batch_;
  std::size_t taken_ = 0;  // entries

  policy::Cache::Walk walk_;  // of what is written
  io::Timer timer_;
  io::Background work_;
  io::Background last_work_;
};

}  // namespace dnslet::app

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The log: one line per event, `2026-01-02T03:04:05Z level message key=value …` or an object of
// JSON, to standard output or to syslog; or, for a program that has something else to say there,
// the warnings and errors alone to standard error.
//
// A reader that does not keep up never holds the loop: lines wait in a bounded buffer, what does
// not fit is dropped and counted, and the count is told when there is room again.
//
// May be used by several threads.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "io/log_line.h"
#include "io/loop.h"

namespace dnslet::io {

class Log {
 public:
  enum class Target { StandardOutput, Syslog, StandardError };
  enum class Format { Text, Json };
  static constexpr std::size_t kMaxWaiting = 256U << 10;  // bytes
  static constexpr std::size_t kTopics = 64;              // from here on they are tidied up

  // `most`: lines beyond this level are left out.
  Log(Target target, Format format, Level most = Level::Info);

  void write(Level level, const LogLine& line);
  // For events that somebody else can cause again and again: the first line, then at most one in
  // 10 s for the same `topic`, which tells how many were left out.
  void write_limited(Level level, std::string_view topic, LogLine line, Milliseconds now);

  // Hands waiting lines to the reader as far as it takes them without blocking. Call once a turn.
  // True: some have to wait.
  bool flush();
  uint64_t dropped() const;

 private:
  // With the lock held, here and below.
  void put(Level level, const LogLine& line);
  void append(const std::string& line);
  void flush_output();
  void send_to_syslog(Level level, std::string_view line);

  struct Topic {
    Milliseconds next{0};  // when a line may be written again
    uint64_t left_out = 0;
  };

  Target target_;
  Format format_;
  Level most_;
  int output_;
  Descriptor terminal_;  // `output_`, where that is one
  Descriptor syslog_;
  mutable std::mutex mutex_;  // over all that follows
  std::string waiting_;
  std::atomic<bool> has_waiting_ = false;  // told without the lock, as nearly every turn asks
  uint64_t dropped_ = 0;                   // since the last time it was told
  uint64_t dropped_total_ = 0;
  bool has_told_ = false;                          // that nobody reads what goes to syslog
  std::unordered_map<std::string, Topic> topics_;  // those of the last interval, and some more
};

}  // namespace dnslet::io

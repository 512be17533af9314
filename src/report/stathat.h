// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Posts what has been counted to StatHat's EZ API every 10 s, one request for a batch.
//
// What a post has not brought there is told by the next one; after failures posts are left out,
// more and more of them. Where the host has several addresses the first that connects is used.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/options.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/tcp_connection.h"
#include "report/metric_formats.h"
#include "upstream/named_host.h"

namespace dnslet::report {

class StatHat {
 public:
  static constexpr io::Milliseconds kInterval{10'000};  // a post takes no longer either
  static constexpr unsigned kMostLeftOut = 31;          // posts, after many failures
  static constexpr std::size_t kMaxResponse = 1024;     // bytes in which its status must be

  using OnValues = std::function<void(std::vector<Named> values)>;
  // Hands what has been counted to `on_values` in a later turn, or never.
  using Count = std::function<void(OnValues on_values)>;

  struct Account {
    std::string key;
    config::HttpUrl url;
  };

  // What it works with, and what must outlive it.
  struct Environment {
    io::Loop& loop;
    io::Log& log;
    upstream::ServerNames& names;
  };
  StatHat(const Environment& environment, Account account, Count count);

  void start();

 private:
  void on_time();
  void post();
  std::string request() const;
  void on_data(std::string_view bytes);
  void on_gone(const std::string& reason);
  void succeed();
  void fail(const std::string& reason);

  // How far a post is; there is none in State::Idle.
  enum class State { Idle, Counting, Nameless, Connecting, Open };

  io::Loop& loop_;
  io::Log& log_;
  Account account_;
  upstream::NamedHost host_;
  Count count_;
  State state_ = State::Idle;
  std::vector<Named> values_;             // of the post under way
  std::map<std::string, double> before_;  // counters as last told
  uint64_t round_ = 0;                    // what comes late belongs to another one
  unsigned failures_ = 0;
  unsigned left_out_ = 0;  // posts that are still to be left out
  std::string response_;
  std::unique_ptr<io::TcpConnection> connection_;
  io::Timer timer_;
};

}  // namespace dnslet::report

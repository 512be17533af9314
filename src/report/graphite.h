// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Pushes batches of text to a Graphite server every 10 s over one TCP connection, which is opened
// again with growing pauses when it is lost. Where the server has several addresses the first that
// connects is used.
//
// A batch holds totals, so one that can't be sent is dropped: the next one tells it all. No more
// than one waits for the server to take it.

#include <functional>
#include <memory>
#include <string>

#include "base/server_address.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/tcp_connection.h"
#include "upstream/named_host.h"

namespace dnslet::report {

class Graphite {
 public:
  static constexpr io::Milliseconds kInterval{10'000};
  static constexpr io::Milliseconds kFirstPause{1000};
  static constexpr io::Milliseconds kLongestPause{60'000};
  static constexpr int kMaxStalled = 3;  // batches in a row that the server did not take

  // Makes a batch and hands it to `send`, now or later, or never.
  using MakeBatch = std::function<void(std::function<void(std::string batch)> send)>;

  // What it works with, and what must outlive it.
  struct Environment {
    io::Loop& loop;
    io::Log& log;
    upstream::ServerNames& names;
  };
  Graphite(const Environment& environment, const ServerAddress& server, MakeBatch make_batch);

  void start() { connect(); }

 private:
  // What the timer stands for: how long to wait before the next attempt, for the connection to
  // open, or for the next batch. While no address is known it stands still.
  enum class State { Nameless, Pausing, Connecting, Open };

  void connect();
  void on_time();
  void on_open();
  void push();
  void on_gone(const std::string& reason);

  io::Loop& loop_;
  io::Log& log_;
  std::string server_;  // as it was written
  upstream::NamedHost host_;
  MakeBatch make_batch_;
  State state_ = State::Pausing;
  io::Milliseconds pause_ = kFirstPause;
  io::Milliseconds opened_{0};
  int stalled_ = 0;
  std::unique_ptr<io::TcpConnection> connection_;
  io::Timer timer_;
};

}  // namespace dnslet::report

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// --shared-cache, as one worker uses it: answers are looked for there before servers are asked, and
// put there when these have given some.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/redis_server.h"
#include "io/log.h"
#include "io/loop.h"
#include "policy/lookup.h"
#include "policy/outstanding.h"
#include "serve/server_counters.h"
#include "upstream/redis_client.h"
#include "upstream/ways.h"

namespace dnslet::serve {

class SharedAnswers {
 public:
  struct Callbacks {
    // What is there for the question of this number; empty: nothing that could be had. Once for
    // each ask() while it is up, never from inside. Returns of what use it was.
    std::function<policy::SharedUse(uint64_t number, dns::BytesView value)> on_value;
    // Whether it can be asked from now on.
    std::function<void(bool is_up)> on_change;
    // All known addresses of the host have refused.
    std::function<void(const std::string& host)> on_refused;
  };

  // What belongs to the worker. All of it must outlive this.
  struct Place {
    io::Loop& loop;
    io::Log& log;
    upstream::Ways& ways;
  };

  SharedAnswers(const Place& place, const RedisServer& server, Callbacks callbacks);

  // Of a server that is written by name; others are none of its own.
  void use_addresses(const std::string& host, const std::vector<IpAddress>& addresses);

  bool is_up() const { return client_.is_up(); }
  // `mark`: see policy/shared_key.
  void ask(uint64_t number, const policy::UpstreamQuestion& question, uint64_t mark);
  // Keeps an answer of upstream for so long.
  void keep(const policy::UpstreamQuestion& question, uint64_t mark, const dns::Answer& answer,
            std::chrono::seconds lifetime);
  // Calls `then` when it is up, or has failed to be: soon, but not from inside.
  void when_settled(std::function<void()> then);
  // A question has gone without it, as it is not up.
  void note_skipped() { ++counted_.results[static_cast<std::size_t>(policy::SharedUse::Skipped)]; }

  const SharedCounters& counters() const { return counted_; }

 private:
  void settle();
  void on_outcome(const upstream::RedisClient::Outcome& outcome);
  void on_change(bool is_up);
  void warn(const char* what, const std::string& reason);

  io::Loop& loop_;
  io::Log& log_;
  upstream::Ways& ways_;
  RedisServer server_;
  Callbacks callbacks_;
  upstream::Ways::Below below_;       // by which it is reached, where that is no socket
  std::vector<IpAddress> addresses_;  // of a name
  SharedCounters counted_;
  dns::Bytes key_;                    // kept for its memory
  dns::Bytes value_;                  // likewise
  std::function<void()> on_settled_;  // none: nobody waits for it
  upstream::RedisClient client_;
  io::Timer settling_;
};

}  // namespace dnslet::serve

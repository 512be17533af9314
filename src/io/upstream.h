// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// c-ares: one question to one server → the answer's bytes or a failure.
//
// Each question leaves with a fresh random ID from a fresh port; c-ares matches ID, question and
// address, retries TC over TCP and falls back where a server does not know EDNS. Which server is
// asked, when, and what is to be made of its answer is decided elsewhere.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "dns/wire.h"
#include "io/loop.h"
#include "io/socket.h"

namespace dnslet::io {

// How questions travel.
enum class UpstreamTransport { UdpThenTcp, TcpOnly };

struct UpstreamSettings {
  Milliseconds timeout{4500};  // after this nobody waits for the answer
  UpstreamTransport transport = UpstreamTransport::UdpThenTcp;
};

enum class UpstreamResult {
  Answer,
  Unreadable,   // something came that is no DNS message
  Unreachable,  // refused, no route, no descriptor
};

class Upstream {
 public:
  // `packet` is valid during the call only, and empty but for an Answer. Called at most once per
  // question and never from inside ask(); a question that is not answered in its time hears
  // nothing. May ask again; must not destroy this object.
  using OnResult =
      std::function<void(uint64_t token, UpstreamResult result, dns::BytesView packet)>;

  Upstream(Loop& loop, const Endpoint& server, const UpstreamSettings& settings,
           OnResult on_result);
  ~Upstream();
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  const Endpoint& server() const { return server_; }
  // Sends the query; its ID is replaced. `token` comes back with the result; questions may share
  // it.
  void ask(uint64_t token, dns::BytesView query);
  // Questions under way whose time is not over.
  std::size_t open() const { return pending_.size(); }

 private:
  class Channel;
  struct Pending {
    uint64_t token = 0;
    Channel* channel = nullptr;  // lives at least as long as this
  };
  struct Deadline {
    Milliseconds at;
    uint64_t sequence;
  };

  struct Result {
    uint64_t sequence;
    UpstreamResult result;
    dns::Bytes packet;
  };

  void on_done(uint64_t sequence, UpstreamResult result, dns::BytesView packet);
  void tell_later(Result result);
  void tell();
  void on_deadline();

  Loop& loop_;
  Endpoint server_;
  UpstreamSettings settings_;
  OnResult on_result_;
  uint64_t next_sequence_ = 1;
  std::unordered_map<uint64_t, Pending> pending_;  // by sequence
  std::deque<Deadline> deadlines_;                 // in order: all questions get the same time
  std::vector<Result> untold_;                     // to be told in the next turn of the loop
  bool is_asking_ = false;                         // inside ask(): nothing may be told
  std::unique_ptr<Channel> current_;
  std::vector<std::unique_ptr<Channel>> retired_;
  Timer deadline_timer_;
  Timer tell_timer_;
};

}  // namespace dnslet::io

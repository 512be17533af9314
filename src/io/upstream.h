// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One question to one server → the answer's bytes or a failure, by way of c-ares.
//
// Each question leaves with a fresh random ID from a fresh port; an answer has to match both and
// the question; TC is retried over TCP. Which server is asked, when, and what is to be made of its
// answer is decided elsewhere.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/slots.h"
#include "dns/wire.h"
#include "io/ares_channel.h"
#include "io/loop.h"

namespace dnslet::io {

struct UpstreamSettings {
  Milliseconds timeout{4500};  // after this nobody waits for the answer
  UpstreamTransport transport = UpstreamTransport::UdpThenTcp;
};

// What came of a question. Borrows the packet, which is empty but for an answer, also a truncated
// one.
struct UpstreamReply {
  UpstreamResult result = UpstreamResult::Unreachable;
  dns::BytesView packet{};
  std::chrono::nanoseconds taken{0};  // since the question was sent; for an Answer
  bool was_cut = false;               // a Truncated came before it
};

// Once, before the first Upstream. False: c-ares can't be used.
[[nodiscard]] bool prepare_upstream();

class Upstream {
 public:
  // The packet is valid during the call only. Called once per question, but for Truncated, and
  // never from inside ask(). May ask again; must not destroy this object.
  using OnReply = std::function<void(uint64_t token, const UpstreamReply& reply)>;

  Upstream(Loop& loop, const Endpoint& server, const UpstreamSettings& settings, OnReply on_reply);
  ~Upstream();
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  // The server's address and port, as logs name it.
  const std::string& name() const { return name_; }
  // Sends the query, together with the others of this turn of the loop; its ID is replaced. `token`
  // comes back with the reply; questions may share it.
  void ask(uint64_t token, const dns::QueryBytes& query);

 private:
  struct Pending {
    uint64_t token = 0;
    Milliseconds deadline;
    AresChannel* channel = nullptr;  // lives at least as long as this
    uint64_t asked = 0;              // the question's number there; 0: no channel could take it
    uint64_t asked_ns = 0;           // when; the loop's clock is too coarse for a server nearby
    bool was_cut = false;            // a Truncated has been told
  };

  void renew_channel();
  void send_datagrams();
  void tell_soon();
  void tell(AresChannel& channel);
  void on_reply(uint64_t number, UpstreamReply reply, uint64_t came_ns = 0);
  void on_turn();
  void on_deadline();

  Loop& loop_;
  Endpoint server_;
  std::string name_;
  UpstreamSettings settings_;
  OnReply on_reply_;
  Slots<Pending> pending_;        // the oldest has the first deadline: all get the same time
  std::vector<uint64_t> unsent_;  // no channel could take them
  std::vector<AresChannel::Outcome> outcomes_;  // those being told; empty otherwise
  std::unique_ptr<AresChannel> current_;
  Milliseconds renewed_{0};  // when current_ was made
  std::vector<std::unique_ptr<AresChannel>> retired_;
  Milliseconds ports_checked_{0};  // when those that are not needed were closed
  bool has_ports_ = true;          // some were left then
  Timer deadline_timer_;
  Timer turn_timer_;
  BeforeWaiting before_waiting_;
};

}  // namespace dnslet::io

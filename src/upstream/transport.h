// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The seam between who decides whom to ask and the ways to a server (UDP, TCP, TLS, HTTPS).
//
// A transport carries questions to one server and tells what comes of each: bytes or a failure. It
// judges no answer beyond ID and question, and keeps no time of a question's own: silence is judged
// by whoever asked, who forgets a question that is over.

#include <chrono>
#include <cstdint>
#include <functional>

#include "dns/wire.h"

namespace dnslet::upstream {

enum class Outcome {
  Answer,       // a whole message with the question's ID and question, TC clear
  Truncated,    // likewise, TC set; over a stream, too
  Unreachable,  // refused, reset, no route, the connection ended and no new one could be had
  Failed,       // it was reached, and has failed: the log has the reason
  Declined,     // the server is there, and has no answer to this question
  NoResources,  // not sent: this host lacks descriptors or memory; says nothing about the server
};

// What came of a question. Borrows the packet for the length of the call; empty but for an answer.
struct Report {
  uint64_t token = 0;
  Outcome outcome = Outcome::Unreachable;
  dns::BytesView packet{};            // the ID is the one that travelled
  std::chrono::nanoseconds taken{0};  // since it was sent; of Answer and Truncated
  std::chrono::seconds pause{0};      // of Failed: the server asks to be left alone for so long
};

class Transport {
 public:
  // Called once a question at most, from the loop, never from inside send(), flush() or forget().
  // May send(), flush() and forget(); must not destroy the transport.
  using OnReport = std::function<void(const Report&)>;

  virtual ~Transport() = default;

  // Takes a query (a copy is made), whose ID is replaced by a fresh random one. It leaves with the
  // next flush(), together with the others of this turn. `token` comes back with the report, and is
  // unique among the questions that are open on this transport.
  virtual void send(uint64_t token, const dns::QueryBytes& query) = 0;
  // Sends what has gathered. Called by the one hook per turn of the loop, for those transports
  // that have something unsent only.
  virtual void flush() = 0;
  // Nobody waits for it any more: no report comes, everything held for it is given back. Unknown
  // tokens are ignored.
  virtual void forget(uint64_t token) = 0;
  // Questions that are open here.
  virtual std::size_t open() const = 0;
};

}  // namespace dnslet::upstream

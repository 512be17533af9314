// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A loop that runs until something has happened, and servers on the loopback that a test plays
// itself, packet by packet.

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "dns/packet.h"
#include "dns/wire.h"
#include "io/loop.h"
#include "io/socket.h"
#include "upstream/transport.h"

namespace dnslet::test {

inline constexpr int kLongMs = 5000;  // by then it has gone wrong

// Runs the loop until the condition holds. False: it did not within kLongMs.
inline bool run_until(io::Loop& loop, const std::function<bool()>& holds) {
  int ticks = 0;  // it may have come to hold without an event
  io::Timer guard(loop, [&] { ++ticks; });
  guard.start_every(io::Milliseconds(10));
  while (!holds() && ticks < kLongMs / 10) uv_run(loop.get(), UV_RUN_ONCE);
  return holds();
}

// Handles what is there, and what follows from it at once.
inline void run_turns(io::Loop& loop, int turns = 20) {
  for (int i = 0; i < turns; ++i) uv_run(loop.get(), UV_RUN_NOWAIT);
}

inline io::Descriptor bind_to(const Endpoint& endpoint, int type = SOCK_DGRAM) {
  const io::SocketAddress address(endpoint);
  io::Descriptor bound(socket(address.any.sa_family, type | SOCK_CLOEXEC, 0));
  if (!bound || bind(bound.get(), &address.any, address.size) != 0) return {};
  return bound;
}

inline bool is_readable(int fd, int milliseconds) {
  pollfd waiting = {fd, POLLIN, 0};
  return poll(&waiting, 1, milliseconds) == 1;
}

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1U : 0U;
  return count;
}

// An address of the loopback that refuses everybody. Its port is taken, so that no question leaves
// from there and comes back as its own answer: it is talking with somebody else, or not listening.
class Refuser {
 public:
  explicit Refuser(int type = SOCK_DGRAM)
      : socket_(bind_to({IpAddress::loopback(Family::V4), 0, ""}, type)) {
    const io::SocketAddress other(Endpoint{IpAddress::v4(127, 0, 0, 2), 9, ""});
    if (type == SOCK_DGRAM) REQUIRE(connect(socket_.get(), &other.any, other.size) == 0);
  }
  io::SocketAddress address() const { return io::SocketAddress(io::bound_endpoint(socket_)); }

 private:
  io::Descriptor socket_;
};

inline dns::QueryBytes query_for(std::string_view name, Type type = Type::A) {
  return dns::QueryBytes(Packet(name, type).flags(0x0120));
}

// What a server makes of a query: the same with QR set, and more flags.
inline Bytes answer_to(BytesView query, uint16_t flags = 0) {
  Bytes answer(query.begin(), query.end());
  answer[2] = static_cast<uint8_t>(answer[2] | 0x80 | flags >> 8);
  answer[3] = static_cast<uint8_t>(answer[3] | (flags & 0xff));
  return answer;
}

// Reports, with their packets owned.
struct Reports {
  struct Told {
    uint64_t token;
    upstream::Outcome outcome;
    Bytes packet;
    std::chrono::nanoseconds taken;
  };
  std::vector<Told> all;

  upstream::Transport::OnReport keep() {
    return [this](const upstream::Report& report) {
      all.push_back({report.token, report.outcome,
                     Bytes(report.packet.begin(), report.packet.end()), report.taken});
    };
  }
  // How often this came of the question.
  std::size_t count(uint64_t token, upstream::Outcome outcome) const {
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const Told& told) {
      return told.token == token && told.outcome == outcome;
    }));
  }
  std::size_t count(upstream::Outcome outcome) const {
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [&](const Told& told) { return told.outcome == outcome; }));
  }
};

}  // namespace dnslet::test

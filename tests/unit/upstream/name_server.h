// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A DNS server on the loopback for tests, in the loop of the code under test. Its messages are made
// by hand: a mistake made on both sides would not be seen.

#include <sys/socket.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "dns/packet.h"
#include "io/loop.h"
#include "io/socket.h"

namespace dnslet::test {

class NameServer {
 public:
  struct Record {
    dns::Type type = dns::Type::A;
    uint32_t ttl = 0;
    Bytes rdata{};
    Bytes owner = kToQuestion;
  };
  struct Answer {
    std::vector<Record> records{};
    uint8_t rcode = 0;
    bool is_silent = false;
  };
  using Asked = std::pair<std::string, dns::Type>;

  explicit NameServer(io::Loop& loop, uint16_t port = 0) : loop_(loop) {
    auto bound = io::bind_socket({IpAddress::loopback(Family::V4), port, ""}, io::SocketKind::Udp);
    REQUIRE(bound);
    socket_ = std::move(*bound);
    watch_.emplace(loop_, socket_.get(), [this](int) { answer_all(); });
    watch_->start(UV_READABLE);
  }

  Endpoint endpoint() const { return io::bound_endpoint(socket_); }

  // What is there under a name. Whoever asks for anything else gets NXDOMAIN.
  std::map<Asked, Answer> zone;
  std::vector<Asked> asked;

  void has(const std::string& name, const std::vector<std::string>& addresses, uint32_t ttl) {
    zone[{name, dns::Type::A}] = {};
    zone[{name, dns::Type::AAAA}] = {};
    for (const std::string& text : addresses) {
      const IpAddress address = *IpAddress::from_text(text);
      const dns::Type type = address.family == Family::V4 ? dns::Type::A : dns::Type::AAAA;
      const Bytes rdata(address.data().begin(), address.data().end());
      zone[{name, type}].records.push_back({type, ttl, rdata});
    }
  }
  void is_silent(const std::string& name) {
    for (const dns::Type type : {dns::Type::A, dns::Type::AAAA})
      zone[{name, type}] = {.is_silent = true};
  }
  void fails(const std::string& name) {
    for (const dns::Type type : {dns::Type::A, dns::Type::AAAA}) zone[{name, type}] = {.rcode = 2};
  }

 private:
  void answer_all() {
    Bytes query(512);
    io::SocketAddress from;
    while (true) {
      from.size = sizeof from.v6;
      const ssize_t size =
          recvfrom(socket_.get(), query.data(), query.size(), 0, &from.any, &from.size);
      if (size < 0) return;
      answer({query.begin(), query.begin() + size}, from);
    }
  }

  void answer(const Bytes& query, const io::SocketAddress& from) {
    std::string name;
    std::size_t at = 12;
    for (; query[at] != 0; at += query[at] + 1U) {
      if (!name.empty()) name += '.';
      name.append(query.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                  query.begin() + static_cast<std::ptrdiff_t>(at) + 1 + query[at]);
    }
    const Asked question{name, static_cast<dns::Type>(u16_at(query, at + 1))};
    asked.push_back(question);
    const auto found = zone.find(question);
    const Answer made = found == zone.end() ? Answer{.rcode = 3} : found->second;
    if (made.is_silent) return;
    Bytes packet(query.begin(), query.begin() + 2);
    for (const std::size_t word : {0x8180U | made.rcode, 1U}) append_u16(packet, word);
    append_u16(packet, made.records.size());
    append_u32(packet, 0);
    packet.insert(packet.end(), query.begin() + 12,
                  query.begin() + static_cast<std::ptrdiff_t>(at) + 5);
    for (const Record& record : made.records) {
      append(packet, record.owner);
      append_u16(packet, static_cast<uint16_t>(record.type));
      append_u16(packet, 1);
      append_u32(packet, record.ttl);
      append_u16(packet, record.rdata.size());
      append(packet, record.rdata);
    }
    (void)sendto(socket_.get(), packet.data(), packet.size(), 0, &from.any, from.size);
  }

  io::Loop& loop_;
  io::Descriptor socket_;
  std::optional<io::Watch> watch_;
};

// Runs the loop until the condition holds. False: it does not within the time.
template <typename Condition>
bool run_until(io::Loop& loop, Condition holds, io::Milliseconds limit = io::Milliseconds(10'000)) {
  const io::Milliseconds begin = loop.now();
  io::Timer tick(loop, [] { /* has the condition looked at */ });
  tick.start_every(io::Milliseconds(1));
  while (!holds() && loop.now() - begin < limit) uv_run(loop.get(), UV_RUN_ONCE);
  return holds();
}

inline void run_for(io::Loop& loop, io::Milliseconds time) {
  (void)run_until(
      loop, [] { return false; }, time);
}

}  // namespace dnslet::test

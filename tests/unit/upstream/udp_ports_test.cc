// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/udp_ports.h"

#include <array>
#include <set>

#include "upstream/network.h"

namespace dnslet::upstream {
namespace {

using test::bind_to, test::is_readable, test::kLongMs, test::open_descriptors;

using Packet = std::array<uint8_t, 12>;

Packet packet(uint16_t id) {
  return {static_cast<uint8_t>(id >> 8), static_cast<uint8_t>(id & 0xff)};
}

// A server on the loopback, and ports to it. Questions are numbered by their IDs.
struct Fixture {
  explicit Fixture(Family family = Family::V4)
      : address(IpAddress::loopback(family)), server(bind_to({address, 0, ""})) {
    if (server) to = io::SocketAddress(io::bound_endpoint(server));
    REQUIRE(ports.prepare());
  }

  // Sends a question. The place and the port from which it came.
  struct Sent {
    UdpPorts::Place place;
    io::SocketAddress from;
    uint16_t port() const { return from.endpoint().port; }
  };
  Sent ask(uint16_t id) {
    const auto place = ports.open(to, id);
    REQUIRE(place);
    REQUIRE(ports.send(*place, packet(id)));
    Sent sent = {*place, {}};
    Packet got{};
    REQUIRE(is_readable(server.get(), kLongMs));
    const ssize_t size =
        recvfrom(server.get(), got.data(), got.size(), 0, &sent.from.any, &sent.from.size);
    REQUIRE(size == static_cast<ssize_t>(got.size()));
    CHECK(got == packet(id));
    return sent;
  }
  void answer(const Sent& sent, uint16_t id) {
    const Packet bytes = packet(id);
    REQUIRE(sendto(server.get(), bytes.data(), bytes.size(), 0, &sent.from.any, sent.from.size) >
            0);
  }
  // The ID of what has come; -1: nothing. Refuses what has another ID than its question's.
  int receive(int milliseconds = 0) {
    if (milliseconds > 0 && !is_readable(ports.fd(), milliseconds)) return -1;
    std::array<uint8_t, 512> buffer{};
    while (const auto arrival = ports.receive(buffer)) {
      if (arrival->size < 0) {
        unreachable.push_back(arrival->question);
        continue;
      }
      const int id = buffer[0] << 8 | buffer[1];
      if (static_cast<uint64_t>(id) == arrival->question) return id;
      ports.refuse(arrival->place);
    }
    return -1;
  }

  IpAddress address;
  io::Descriptor server;
  io::SocketAddress to;
  std::vector<uint64_t> unreachable;
  UdpPorts ports;
};

TEST_CASE("two sockets serve many questions, each from another port") {
  Fixture fixture(GENERATE(Family::V4, Family::V6));
  if (!fixture.server) return;  // a host without IPv6
  std::set<uint16_t> ports;
  for (uint16_t id = 0; id < 300; ++id) {
    const auto sent = fixture.ask(id);
    CHECK(sent.place < 2);
    ports.insert(sent.port());
    fixture.answer(sent, id);
    CHECK(fixture.receive(kLongMs) == id);
    fixture.ports.close(sent.place);
  }
  CHECK(ports.size() > 280);
}

TEST_CASE("a port is free as soon as its question is over") {
  Fixture fixture;
  const auto sent = fixture.ask(7);
  CHECK_FALSE(bind_to({fixture.address, sent.port(), ""}));
  fixture.ports.close(sent.place);
  CHECK(bind_to({fixture.address, sent.port(), ""}));
}

TEST_CASE("what came to a port before is not the answer to a question from the next one") {
  Fixture fixture;
  const auto first = fixture.ask(7);
  for (int i = 0; i < 3; ++i) fixture.answer(first, 7);
  CHECK(fixture.receive(kLongMs) == 7);
  fixture.ports.close(first.place);

  const auto second = fixture.ask(7);
  CHECK(second.place != first.place);
  CHECK(fixture.receive() == -1);
  const auto third = fixture.ask(7);  // the first socket has been given up
  CHECK(fixture.receive() == -1);
  for (const auto& sent : {second, third}) {
    fixture.answer(sent, 7);
    CHECK(fixture.receive(kLongMs) == 7);
    fixture.ports.close(sent.place);
  }
}

TEST_CASE("a packet with another ID is dropped and its socket is not used again") {
  Fixture fixture;
  const auto sent = fixture.ask(7);
  fixture.answer(sent, 8);
  CHECK(fixture.receive() == -1);
  fixture.answer(sent, 7);
  CHECK(fixture.receive(kLongMs) == 7);
  const std::size_t before = open_descriptors();
  fixture.ports.close(sent.place);
  CHECK(open_descriptors() == before - 1);
}

TEST_CASE("an ICMP error is told for its question, and for no later one") {
  Fixture fixture;
  const auto first = fixture.ask(1);
  fixture.server = io::Descriptor();
  const auto second = fixture.ports.open(fixture.to, 2);
  REQUIRE(second);
  REQUIRE(fixture.ports.send(*second, packet(2)));
  CHECK(is_readable(fixture.ports.fd(), kLongMs));
  CHECK(fixture.receive() == -1);
  CHECK(fixture.unreachable == std::vector<uint64_t>{2});
  fixture.ports.close(*second);
  fixture.ports.close(first.place);
  CHECK(fixture.receive() == -1);
  CHECK(fixture.unreachable.size() == 1);
}

TEST_CASE("sockets that nobody needs any more are closed") {
  Fixture fixture;
  const std::size_t before = open_descriptors();
  for (int round = 0; round < 2; ++round) {
    std::vector<Fixture::Sent> open;
    for (uint16_t id = 0; id < 300; ++id) open.push_back(fixture.ask(id));
    CHECK(open_descriptors() == before + 300);
    for (const auto& sent : open) fixture.ports.close(sent.place);
    CHECK(fixture.receive() == -1);
    CHECK(open_descriptors() == before + UdpPorts::kMaxIdle);
  }
  while (fixture.ports.close_unneeded()) continue;
  CHECK(open_descriptors() == before);
  fixture.ports.end();
  CHECK(open_descriptors() == before - 1);
  REQUIRE(fixture.ports.prepare());
  const auto sent = fixture.ask(7);
  fixture.answer(sent, 7);
  CHECK(fixture.receive(kLongMs) == 7);
}

TEST_CASE("a socket of the other family is not taken for a server of this one") {
  Fixture fixture;
  const io::Descriptor other = bind_to({IpAddress::loopback(Family::V6), 0, ""});
  if (!other) return;  // a host without IPv6
  for (uint16_t id = 1; id <= 4; ++id) {
    const auto sent = fixture.ask(id);
    fixture.answer(sent, id);
    CHECK(fixture.receive(kLongMs) == id);
    fixture.ports.close(sent.place);
    const auto place = fixture.ports.open(io::SocketAddress(io::bound_endpoint(other)), id);
    REQUIRE(place);
    CHECK(fixture.ports.send(*place, packet(id)));
    CHECK(is_readable(other.get(), kLongMs));
    Packet got{};
    CHECK(recv(other.get(), got.data(), got.size(), 0) == static_cast<ssize_t>(got.size()));
    fixture.ports.close(*place);
  }
}

}  // namespace
}  // namespace dnslet::upstream

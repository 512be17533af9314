// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/udp_ports.h"

#include <fcntl.h>
#include <poll.h>

#include <array>
#include <set>

#include "catch.h"

namespace dnslet::io {
namespace {

using Packet = std::array<uint8_t, 12>;

Packet packet(uint16_t id) {
  return {static_cast<uint8_t>(id >> 8), static_cast<uint8_t>(id & 0xff)};
}

Descriptor bind_to(Endpoint endpoint) {
  const SocketAddress address(endpoint);
  Descriptor bound(socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!bound || bind(bound.get(), &address.any, address.size) != 0) return {};
  return bound;
}

bool is_readable(int fd, int milliseconds) {
  pollfd waiting = {fd, POLLIN, 0};
  return poll(&waiting, 1, milliseconds) == 1;
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1U : 0U;
  return count;
}

// A server on the loopback, and ports to it.
struct Fixture {
  explicit Fixture(Family family = Family::V4)
      : address(IpAddress::loopback(family)),
        server(bind_to({address, 0, ""})),
        ports(SocketAddress(bound_endpoint(server)),
              [this](uint16_t id) { unreachable.push_back(id); }) {}

  // Sends a question. The place and the port from which it came.
  struct Sent {
    UdpPorts::Place place;
    SocketAddress from;
    uint16_t port() const { return from.endpoint().port; }
  };
  Sent ask(uint16_t id) {
    const auto place = ports.open(id);
    REQUIRE(place);
    REQUIRE(ports.send(*place, packet(id)));
    Sent sent = {*place, {}};
    Packet got{};
    REQUIRE(is_readable(server.get(), 5000));
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
  // The ID of what has come; -1: nothing.
  int receive(int milliseconds = 0) {
    if (milliseconds > 0 && !is_readable(ports.fd(), milliseconds)) return -1;
    std::array<uint8_t, 512> buffer{};
    return ports.receive(buffer) < 0 ? -1 : buffer[0] << 8 | buffer[1];
  }

  IpAddress address;
  Descriptor server;
  std::vector<uint16_t> unreachable;
  UdpPorts ports;
};

TEST_CASE("for c-ares: a flood of forgeries holds nobody up, and the answer behind it comes") {
  Fixture fixture;
  const auto sent = fixture.ask(7);
  for (int i = 0; i < 2 * UdpPorts::kMaxRefused; ++i) fixture.answer(sent, 8);
  fixture.answer(sent, 7);

  CHECK(fixture.receive(5000) == -1);
  CHECK(is_readable(fixture.ports.fd(), 0));
  int received = -1;
  for (int turn = 0; turn < 3 && received < 0; ++turn) received = fixture.receive();
  CHECK(received == 7);
}

TEST_CASE("for c-ares: two sockets serve many questions, each from another port") {
  Fixture fixture(GENERATE(Family::V4, Family::V6));
  if (!fixture.server) return;  // a host without IPv6
  std::set<uint16_t> ports;
  for (uint16_t id = 0; id < 300; ++id) {
    const auto sent = fixture.ask(id);
    CHECK(sent.place < 2);
    ports.insert(sent.port());
    fixture.answer(sent, id);
    CHECK(fixture.receive(5000) == id);
    fixture.ports.close(sent.place);
  }
  CHECK(ports.size() > 280);
}

TEST_CASE("for c-ares: a port is free as soon as its question is over") {
  Fixture fixture;
  const auto sent = fixture.ask(7);
  CHECK_FALSE(bind_to({fixture.address, sent.port(), ""}));
  fixture.ports.close(sent.place);
  CHECK(bind_to({fixture.address, sent.port(), ""}));
}

TEST_CASE("for c-ares: what came to a port before is not the answer to a question from the next one") {
  Fixture fixture;
  const auto first = fixture.ask(7);
  for (int i = 0; i < 3; ++i) fixture.answer(first, 7);
  CHECK(fixture.receive(5000) == 7);
  fixture.ports.close(first.place);

  const auto second = fixture.ask(7);
  CHECK(second.place != first.place);
  CHECK(fixture.receive() == -1);
  const auto third = fixture.ask(7);  // the first socket has been given up
  CHECK(fixture.receive() == -1);
  for (const auto& sent : {second, third}) {
    fixture.answer(sent, 7);
    CHECK(fixture.receive(5000) == 7);
    fixture.ports.close(sent.place);
  }
}

TEST_CASE("for c-ares: a packet with another ID is dropped and its socket is not used again") {
  Fixture fixture;
  const auto sent = fixture.ask(7);
  fixture.answer(sent, 8);
  CHECK(fixture.receive() == -1);
  fixture.answer(sent, 7);
  CHECK(fixture.receive(5000) == 7);
  const std::size_t before = open_descriptors();
  fixture.ports.close(sent.place);
  CHECK(open_descriptors() == before - 1);
}

TEST_CASE("for c-ares: an ICMP error is told for its question, and for no later one") {
  Fixture fixture;
  const auto first = fixture.ask(1);
  fixture.server = Descriptor();
  const auto second = fixture.ports.open(2);
  REQUIRE(second);
  REQUIRE(fixture.ports.send(*second, packet(2)));
  CHECK(is_readable(fixture.ports.fd(), 5000));
  CHECK(fixture.receive() == -1);
  CHECK(fixture.unreachable == std::vector<uint16_t>{2});
  fixture.ports.close(*second);
  fixture.ports.close(first.place);
  CHECK(fixture.receive() == -1);
  CHECK(fixture.unreachable.size() == 1);
}

TEST_CASE("for c-ares: sockets that nobody needs any more are closed") {
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
}

}  // namespace
}  // namespace dnslet::io

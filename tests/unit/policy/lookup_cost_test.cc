// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// What an answer costs follows what is sent, not what is stored. By the clock, the quickest of many
// tries each, with a wide margin: before this held the ratios were hundreds and thousands.

#include <chrono>

#include "catch.h"
#include "dns/packet.h"
#include "policy/lookup.h"
#include "policy/storing.h"
#include "read_answer.h"

namespace dnslet::policy {
namespace {

using dns::Type;
using test::Bytes;
using test::kToQuestion;
using test::Packet;

constexpr std::size_t kMany = 4050;  // A records, as many as a message holds
constexpr double kTimes = 25;

// A server that has one answer to give.
class Server {
 public:
  Server() { settings_.ttls = {std::chrono::seconds(300), std::chrono::seconds(10)}; }

  Settings& settings() { return settings_; }
  HostsTable& hosts() { return hosts_; }
  void pass(Milliseconds time) { now_ += time; }

  void keep(const Packet& packet) {
    const auto message = dns::Message::parse(packet);
    REQUIRE(message);
    const UpstreamQuestion question{message->question(), {}};
    UpstreamAnswer read;
    REQUIRE(read_answer(packet, question, read));
    answer_ = read.answer;
    (void)store_answer(tables(), storing_of(question, Existence::Unknown, now_), answer_);
  }

  // What one answer takes from the start of a lookup; `lands`: from its landing.
  double cost(const Packet& query, bool lands = false) {
    turns_.hosts.resize(hosts_.owners() + 1);
    double least = 1e9;
    for (int i = 0; i < 400; ++i) {
      Lookup lookup({IpAddress::v4(127, 0, 0, 1), Protocol::Udp});
      const auto start = std::chrono::steady_clock::now();
      Step step = lookup.start({tables(), now_, slot_}, query);
      const auto landed = std::chrono::steady_clock::now();
      if (lands) step = lookup.on_answer({tables(), now_, slot_}, {answer_});
      const auto end = std::chrono::steady_clock::now();
      REQUIRE(std::holds_alternative<Reply>(step));
      const auto& reply = std::get<Reply>(step);
      REQUIRE(reply.size <= dns::kMinUdpPayload);
      REQUIRE(dns::Message::parse(dns::BytesView(slot_).first(reply.size))
                  ->count(dns::Section::Answer) > 0);
      least =
          std::min(least, std::chrono::duration<double>(end - (lands ? landed : start)).count());
    }
    return least;
  }

 private:
  Tables tables() {
    return {settings_, addresses_, hosts_, blocked_, zones_,
            cache_,    failures_,  turns_, scratch_, scratch_error_};
  }

  Settings settings_;
  HostsTable addresses_{1};
  HostsTable hosts_{1};
  KeyTable blocked_{1};
  Zones zones_{1};
  Cache cache_{1000, 1, 1, std::chrono::seconds(600)};
  Cache failures_{16, 1};
  Turns turns_;
  Bytes scratch_ = Bytes(dns::kMaxMessage);
  dns::ExtendedError scratch_error_;
  Bytes slot_ = Bytes(dns::kMaxUdpPayload);
  Milliseconds now_{1'000'000};
  Answer answer_;
};

Packet question() { return Packet("db.test", Type::A).flags(0x0100); }
Packet small() {
  return Packet("db.test", Type::A).flags(0x8180).answer({kToQuestion, Type::A, 60});
}

Packet large() {
  Packet packet = Packet("db.test", Type::A).flags(0x8180);
  for (std::size_t i = 0; i < kMany; ++i) packet.answer({kToQuestion, Type::A, 60});
  return packet;
}

// A chain of pointers, and owners that point to its end as often as is allowed: 65,536 jumps.
Packet crafted() {
  Packet packet = Packet("db.test", Type::A).flags(0x8180);
  packet.answer();
  Bytes chain;
  std::size_t target = dns::kHeaderSize;
  const std::size_t start = packet.bytes().size() + 12;
  for (std::size_t i = 0; i < 110; ++i) {
    test::append_u16(chain, 0xc000 | target);
    target = start + 2 * i;
  }
  packet.answer({kToQuestion, Type::TXT, 60, chain});
  Bytes owner;
  test::append_u16(owner, 0xc000 | target);
  for (std::size_t i = 0; i < 590; ++i) packet.answer({owner, Type::A, 60});
  for (std::size_t i = 0; i < 3000; ++i) packet.answer({kToQuestion, Type::A, 60});
  return packet;
}

// An alias, and the addresses of its target.
Packet alias() {
  Packet packet = Packet("db.test", Type::A).flags(0x8180);
  const Bytes target = test::wire_name("a-name-of-some-length.of-a-zone.test");
  packet.answer({kToQuestion, Type::CNAME, 60, target});
  const std::size_t place = packet.bytes().size() - target.size();
  Bytes owner;
  test::append_u16(owner, 0xc000 | place);
  for (std::size_t i = 0; i < kMany - 10; ++i) packet.answer({owner, Type::A, 60});
  return packet;
}

// Of a kept answer and of one that has just come, with and without rotation.
void expect_cheap(const Packet& packet, const Packet& query) {
  for (const Rotation rotation : {Rotation::Off, Rotation::On}) {
    CAPTURE(static_cast<int>(rotation));
    Server few;
    few.settings().rotation = rotation;
    few.keep(small());
    few.pass(std::chrono::seconds(5));
    Server many;
    many.settings().rotation = rotation;
    many.keep(packet);
    many.pass(std::chrono::seconds(5));
    const double measure = few.cost(query);
    CHECK(many.cost(query) < kTimes * measure);
    CHECK(many.cost(query, true) < kTimes * measure);

    few.pass(std::chrono::seconds(200));  // they have ended
    many.pass(std::chrono::seconds(200));
    CHECK(many.cost(query, true) < kTimes * measure);
  }
}

TEST_CASE("an answer of 64 KB costs no more than what is sent of it") {
  expect_cheap(large(), question());
  expect_cheap(large(), question().additional(test::opt(512)));
}

TEST_CASE("an answer whose owners are far to look up costs no more than what is sent of it") {
  expect_cheap(crafted(), question());
  expect_cheap(crafted(), question().additional(test::opt(512)));
}

TEST_CASE("an answer that is flattened costs no more than what is sent of it") {
  expect_cheap(alias(), question());
}

TEST_CASE("a name with thousands of addresses of its own costs no more than what is sent of it") {
  std::string text;
  for (int i = 0; i < 4096; ++i)
    text += "10.1." + std::to_string(i / 256) + "." + std::to_string(i % 256) + " db.test\n";
  for (const Rotation rotation : {Rotation::Off, Rotation::On}) {
    Server few;
    few.settings().rotation = rotation;
    (void)few.hosts().add_text("10.0.0.1 db.test\n");
    Server many;
    many.settings().rotation = rotation;
    (void)many.hosts().add_text(text);
    CHECK(many.cost(question()) < kTimes * few.cost(question()));
  }
}

}  // namespace
}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/patch.h"

#include <algorithm>

#include "catch.h"
#include "dns/packet.h"

namespace dnslet::dns {
namespace {

using test::hex;
using test::kDo;
using test::kToQuestion;
using test::opt;
using test::Packet;
using test::u16_at;
using test::u32_at;

Packet query_packet(uint16_t flags = 0) {
  return Packet("Db.TeSt", Type::A).id(0x1234).flags(flags);
}
Packet answer_packet() { return Packet("db.test", Type::A).id(0xffff).flags(0x8180); }

Query query(const Packet& packet) {
  const ReceivedQuery received = parse_query(packet);
  REQUIRE(received.verdict == Verdict::Usable);
  return received.query;
}

Query plain_query() { return query(query_packet()); }
Query dnssec_query() { return query(query_packet().additional(opt(1232, kDo))); }

// address_to.

uint16_t flags_for(uint16_t answer_flags, const Query& asked) {
  Bytes message = answer_packet().flags(answer_flags).bytes();
  address_to(message, asked);
  return u16_at(message, 2);
}

TEST_CASE("an answer gets the id and the spelling of its query") {
  Bytes message = answer_packet().answer().bytes();
  const Bytes before = message;
  address_to(message, plain_query());
  CHECK(u16_at(message, 0) == 0x1234);
  const Bytes expected = query_packet().bytes();
  CHECK(std::equal(message.begin() + 12, message.begin() + 25, expected.begin() + 12));
  CHECK(std::equal(message.begin() + 21, message.end(), before.begin() + 21));
  CHECK(Message::parse(message)->question() == plain_query().question);
}

TEST_CASE("an answer repeats the client's RD and CD, whatever upstream sent") {
  for (const uint16_t from_upstream : std::vector<uint16_t>{0x8000, 0x8080, 0x8110, 0x8190}) {
    CHECK(flags_for(from_upstream, query(query_packet(0))) == 0x8080);
    CHECK(flags_for(from_upstream, query(query_packet(flag::kRd))) == 0x8180);
    CHECK(flags_for(from_upstream, query(query_packet(flag::kCd))) == 0x8090);
    CHECK(flags_for(from_upstream, query(query_packet(flag::kRd | flag::kCd))) == 0x8190);
  }
}

TEST_CASE("an answer keeps TC and the code, and loses AA and the reserved bit") {
  CHECK(flags_for(0x8000 | flag::kAa, plain_query()) == 0x8080);
  CHECK(flags_for(0x8000 | flag::kTc, plain_query()) == 0x8280);
  CHECK(flags_for(0x8040, plain_query()) == 0x8080);
  for (uint16_t rcode = 0; rcode < 16; ++rcode)
    CHECK(flags_for(static_cast<uint16_t>(0x8000 | rcode), plain_query()) == (0x8080 | rcode));
}

TEST_CASE("AD is for clients that sent AD or DO") {
  const uint16_t validated = 0x8000 | flag::kAd;
  CHECK(flags_for(validated, plain_query()) == 0x8080);
  CHECK(flags_for(validated, query(query_packet().additional(opt()))) == 0x8080);
  CHECK(flags_for(validated, query(query_packet(flag::kAd))) == 0x80a0);
  CHECK(flags_for(validated, dnssec_query()) == 0x80a0);
  CHECK(flags_for(0x8000, query(query_packet(flag::kAd))) == 0x8080);
}

TEST_CASE("nothing of a query's other flags comes back") {
  CHECK(flags_for(0x8000, query(query_packet(0x06cf))) == 0x8080);
}

TEST_CASE("a folded question forgets its spelling") {
  Bytes message = Packet("Db.TeSt", Type::A).answer().bytes();
  fold_question(message, plain_query().question.name);
  CHECK(message == Packet("db.test", Type::A).answer().bytes());
}

// Counting down.

Bytes counted_down(const Bytes& message, const std::vector<uint16_t>& offsets, uint32_t age) {
  Bytes copy(message.size());
  copy_counted_down(message, copy, offsets, age);
  return copy;
}

TEST_CASE("all TTLs count down, but not the one of OPT, and never below zero") {
  const Packet packet = answer_packet()
                            .answer({kToQuestion, Type::A, 100})
                            .answer({kToQuestion, Type::A, 30})
                            .authority({kToQuestion, Type::NS, 31, test::wire_name("ns")})
                            .additional(opt(1232, kDo))
                            .additional({kToQuestion, Type::A, 0xffffffff});
  Bytes message = packet.bytes();
  std::vector<uint16_t> offsets = {7};
  find_ttls(*Message::parse(message), offsets);
  REQUIRE(offsets.size() == 4);
  message = counted_down(message, offsets, 31);
  std::vector<uint32_t> ttls;
  for (const uint16_t offset : offsets) ttls.push_back(u32_at(message, offset));
  CHECK(ttls == std::vector<uint32_t>{69, 0, 0, 0xffffffff - 31});
  CHECK(Message::parse(message)->edns()->dnssec_ok);
}

TEST_CASE("counting down in steps is counting down at once, and changes TTLs only") {
  const Bytes before = answer_packet().answer({kToQuestion, Type::A, 9}).answer().bytes();
  std::vector<uint16_t> offsets;
  find_ttls(*Message::parse(before), offsets);
  for (uint32_t age = 0; age < 12; ++age) {
    Bytes at_once = counted_down(before, offsets, age);
    Bytes in_steps = before;
    for (uint32_t i = 0; i < age; ++i) in_steps = counted_down(in_steps, offsets, 1);
    CHECK(at_once == in_steps);
    CHECK(u32_at(at_once, offsets[0]) == (age < 9 ? 9 - age : 0));
    for (const uint16_t offset : offsets)
      std::copy_n(before.begin() + offset, 4, at_once.begin() + offset);
    CHECK(at_once == before);
  }
}

// Cutting.

// A question of 25 bytes, then records of 16 bytes.
Packet with_records(int answers, int authorities, int additionals) {
  Packet packet = answer_packet();
  for (int i = 0; i < answers; ++i) packet.answer();
  for (int i = 0; i < authorities; ++i) packet.authority();
  for (int i = 0; i < additionals; ++i) packet.additional();
  return packet;
}

struct Cut {
  std::size_t size = 0;
  bool is_truncated = false;
  std::size_t counts[3] = {};

  bool operator==(const Cut&) const = default;
};

Cut cut_to(const Packet& packet, std::size_t limit, const Query& asked) {
  Bytes message = packet.bytes();
  const std::size_t size = cut(message, limit, asked);
  REQUIRE(size <= message.size());
  message.resize(size);
  const auto parsed = Message::parse(message);
  REQUIRE(parsed);
  CHECK(parsed->size() == size);
  return {size,
          parsed->has(flag::kTc),
          {parsed->count(Section::Answer), parsed->count(Section::Authority),
           parsed->count(Section::Additional)}};
}

TEST_CASE("a message that fits is left as it is") {
  Bytes message = with_records(2, 2, 2).bytes();
  const Bytes before = message;
  CHECK(cut(message, message.size(), plain_query()) == before.size());
  CHECK(message == before);
}

TEST_CASE("the additional section goes first, without TC") {
  const Packet packet = with_records(2, 2, 2);
  CHECK(cut_to(packet, 25 + 6 * 16 - 1, plain_query()) == Cut{25 + 64, false, {2, 2, 0}});
  CHECK(cut_to(packet, 25 + 64, dnssec_query()) == Cut{25 + 64, false, {2, 2, 0}});
}

TEST_CASE("the authority section goes next, without TC where the answer is whole") {
  const Packet packet = with_records(2, 2, 2);
  CHECK(cut_to(packet, 25 + 63, plain_query()) == Cut{25 + 32, false, {2, 0, 0}});
  CHECK(cut_to(packet, 25 + 32, plain_query()) == Cut{25 + 32, false, {2, 0, 0}});
}

TEST_CASE("whole answer records go last, with TC") {
  const Packet packet = with_records(3, 1, 1);
  CHECK(cut_to(packet, 25 + 47, plain_query()) == Cut{25 + 32, true, {2, 0, 0}});
  CHECK(cut_to(packet, 25 + 16, plain_query()) == Cut{25 + 16, true, {1, 0, 0}});
  CHECK(cut_to(packet, 25 + 15, plain_query()) == Cut{25, true, {0, 0, 0}});
}

TEST_CASE("an authority section that proves the answer goes with TC") {
  CHECK(cut_to(with_records(1, 1, 1), 25 + 16, dnssec_query()) == Cut{25 + 16, true, {1, 0, 0}});
  CHECK(cut_to(with_records(0, 1, 1), 25 + 8, plain_query()) == Cut{25, true, {0, 0, 0}});
  CHECK(cut_to(with_records(0, 0, 1), 25 + 8, dnssec_query()) == Cut{25, false, {0, 0, 0}});
}

TEST_CASE("TC from upstream stays when nothing has to go") {
  Packet packet = with_records(1, 0, 1);
  packet.flags(0x8380);
  CHECK(cut_to(packet, 25 + 16, plain_query()) == Cut{25 + 16, true, {1, 0, 0}});
}

// A message of up to 40 records with RDATA of up to 60 bytes.
Packet random_packet(test::Dice& dice) {
  Packet packet = answer_packet();
  for (const Section section : {Section::Answer, Section::Authority, Section::Additional})
    for (std::size_t left = dice.roll(14); left > 0; --left)
      packet.add(section, {dice.roll(2) == 0 ? kToQuestion : test::wire_name("other.test"),
                           static_cast<Type>(256 + dice.roll(99)), 60, Bytes(dice.roll(60))});
  return packet;
}

TEST_CASE("whatever is cut parses, fits and is the same as far as it goes") {
  test::Dice dice(3);
  for (int i = 0; i < 3'000; ++i) {
    const Bytes whole = random_packet(dice).bytes();
    const std::size_t limit = 25 + dice.roll(whole.size());
    Bytes message = whole;
    const std::size_t size =
        cut(message, limit, dice.roll(2) == 0 ? plain_query() : dnssec_query());
    REQUIRE(size <= std::min(limit, whole.size()));
    REQUIRE(std::equal(message.begin() + 12, message.begin() + static_cast<std::ptrdiff_t>(size),
                       whole.begin() + 12));
    message.resize(size);
    const auto parsed = Message::parse(message);
    REQUIRE(parsed);
    REQUIRE(parsed->size() == size);
    const bool lost_answers = u16_at(message, 6) < u16_at(whole, 6);
    REQUIRE((!lost_answers || parsed->has(flag::kTc)));
    REQUIRE((size == whole.size() || u16_at(message, 10) == 0));
  }
}

TEST_CASE("cutting again to the same limit changes nothing") {
  test::Dice dice(4);
  for (int i = 0; i < 500; ++i) {
    Bytes message = random_packet(dice).bytes();
    const std::size_t limit = 25 + dice.roll(message.size());
    message.resize(cut(message, limit, plain_query()));
    const Bytes once = message;
    REQUIRE(cut(message, limit, plain_query()) == once.size());
    REQUIRE(message == once);
  }
}

TEST_CASE("the front of a message is cut like the whole") {
  test::Dice dice(5);
  for (int i = 0; i < 2'000; ++i) {
    Bytes whole = random_packet(dice).bytes();
    const std::size_t limit = 25 + dice.roll(whole.size());
    if (whole.size() <= limit) continue;
    const std::size_t size = std::min(whole.size(), limit + 1 + dice.roll(200));
    Bytes front(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const Query query = dice.roll(2) == 0 ? plain_query() : dnssec_query();
    whole.resize(cut(whole, limit, query));
    front.resize(cut(front, limit, query));
    REQUIRE(front == whole);
  }
}

TEST_CASE("in the front of a message the addresses that are there change places") {
  Packet packet = answer_packet();
  for (uint8_t i = 0; i < 5; ++i) packet.answer({kToQuestion, Type::A, 60, {10, 0, 0, i}});
  Bytes front = packet.bytes();
  front.resize(25 + 3 * 16 + 10);
  rotate(front, 1);
  for (const std::size_t i : {0U, 1U, 2U}) CHECK(front[25 + 16 * i + 15] == (i + 1) % 3);
}

}  // namespace
}  // namespace dnslet::dns

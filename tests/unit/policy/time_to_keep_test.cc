// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// time_to_keep: for how long an answer may be cached.

#include "catch.h"
#include "dns/packet.h"
#include "policy/storing.h"

namespace dnslet::policy {
namespace {

using dns::Type;
using std::chrono::seconds;
using test::kToQuestion;
using test::Packet;
using test::soa_rdata;

constexpr uint16_t kNxDomain = 0x8183;
constexpr CacheTtls kLong{seconds(100'000), seconds(50'000)};

Packet answer_packet(Type type = Type::A) { return Packet("db.test", type).flags(0x8180); }

int64_t kept(const Packet& packet, const CacheTtls& ttls = kLong) {
  const auto message = dns::Message::parse(packet);
  REQUIRE(message);
  dns::Answer answer;
  answer.read(*message);
  return time_to_keep(answer, ttls).count();
}

test::TestRecord address(uint32_t ttl) { return {kToQuestion, Type::A, ttl}; }
test::TestRecord soa(uint32_t ttl, uint32_t minimum) {
  return {kToQuestion, Type::SOA, ttl, soa_rdata(minimum)};
}
test::TestRecord cname(uint32_t ttl) {
  return {kToQuestion, Type::CNAME, ttl, test::wire_name("a.test")};
}

// Answers with records.

TEST_CASE("an answer is kept for its smallest TTL in any section") {
  CHECK(kept(answer_packet().answer(address(300)).answer(address(200))) == 200);
  CHECK(kept(answer_packet().answer(cname(20)).answer(address(200))) == 20);
  CHECK(kept(answer_packet().answer(address(300)).authority(address(30))) == 30);
  CHECK(kept(answer_packet().answer(address(300)).additional(address(3))) == 3);
}

TEST_CASE("of several SOA records the one that ends first counts") {
  CHECK(kept(answer_packet().authority(soa(300, 2)).authority(soa(300, 200))) == 2);
  CHECK(kept(answer_packet().authority(soa(300, 200)).authority(soa(300, 2))) == 2);
}

TEST_CASE("the TTL of OPT is no TTL") {
  CHECK(kept(answer_packet().answer(address(300)).additional(test::opt())) == 300);
}

TEST_CASE("an answer is kept no longer than the limit") {
  CHECK(kept(answer_packet().answer(address(300)), {seconds(60), seconds(10)}) == 60);
  CHECK(kept(answer_packet().answer(address(60)), {seconds(60), seconds(10)}) == 60);
  CHECK(kept(answer_packet().answer(address(59)), {seconds(60), seconds(10)}) == 59);
  CHECK(kept(answer_packet().answer(address(60)), {seconds(60), seconds(0)}) == 60);
}

TEST_CASE("a TTL of 0 keeps nothing, in any section") {
  CHECK(kept(answer_packet().answer(address(0))) == 0);
  CHECK(kept(answer_packet().answer(address(300)).answer(address(0))) == 0);
  CHECK(kept(answer_packet().answer(address(300)).authority(address(0))) == 0);
}

TEST_CASE("a TTL with its top bit set counts as 0") {
  CHECK(kept(answer_packet().answer(address(0x80000000))) == 0);
  CHECK(kept(answer_packet().answer(address(0xffffffff))) == 0);
  CHECK(kept(answer_packet().answer(address(0x7fffffff))) == kLong.max.count());
}

TEST_CASE("an answer to ANY is an answer whatever its types") {
  CHECK(kept(answer_packet(Type::ANY).answer(address(30))) == 30);
}

TEST_CASE("an answer with records of the type asked needs no SOA, and none limits it") {
  CHECK(kept(answer_packet(Type::CNAME).answer(cname(20))) == 20);
  CHECK(kept(answer_packet().answer(address(300)).authority(soa(250, 5))) == 250);
}

// Negative answers.

TEST_CASE("NXDOMAIN and NODATA are kept for the smaller of the SOA's TTL and MINIMUM") {
  const auto flags = static_cast<uint16_t>(GENERATE(0x8180, 0x8183));
  CHECK(kept(answer_packet().flags(flags).authority(soa(300, 40))) == 40);
  CHECK(kept(answer_packet().flags(flags).authority(soa(40, 300))) == 40);
}

TEST_CASE("a negative answer is kept no longer than either limit") {
  const Packet packet = answer_packet().flags(kNxDomain).authority(soa(300, 300));
  CHECK(kept(packet, {seconds(60), seconds(10)}) == 10);
  CHECK(kept(packet, {seconds(5), seconds(10)}) == 5);
  CHECK(kept(packet, {seconds(60), seconds(0)}) == 0);
}

TEST_CASE("a negative answer without SOA is not kept") {
  CHECK(kept(answer_packet()) == 0);
  CHECK(kept(answer_packet().flags(kNxDomain)) == 0);
  CHECK(kept(answer_packet().flags(kNxDomain).authority(address(300))) == 0);
  CHECK(kept(answer_packet().flags(kNxDomain).additional(soa(300, 300))) == 0);
  CHECK(kept(answer_packet().answer(soa(300, 300))) == 0);
}

TEST_CASE("a negative answer with a SOA of 0 is not kept") {
  CHECK(kept(answer_packet().authority(soa(0, 300))) == 0);
  CHECK(kept(answer_packet().authority(soa(300, 0))) == 0);
  CHECK(kept(answer_packet().authority(soa(0x80000000, 300))) == 0);
}

TEST_CASE("an alias that leads nowhere is a negative answer") {
  CHECK(kept(answer_packet().answer(cname(300))) == 0);
  CHECK(kept(answer_packet().answer(cname(300)).authority(soa(300, 40))) == 40);
  CHECK(kept(answer_packet().answer(cname(7)).authority(soa(300, 40))) == 7);
  CHECK(kept(answer_packet().flags(kNxDomain).answer(cname(300)).authority(soa(300, 40))) == 40);
}

TEST_CASE("NXDOMAIN is negative even with records of the type asked") {
  CHECK(kept(answer_packet().flags(kNxDomain).answer(address(300))) == 0);
}

// What is never kept.

TEST_CASE("a truncated answer is never kept") {
  CHECK(kept(answer_packet().flags(0x8380).answer(address(300))) == 0);
  CHECK(kept(answer_packet().flags(0x8383).authority(soa(300, 300))) == 0);
}

TEST_CASE("other codes are never kept") {
  for (uint16_t rcode = 1; rcode < 16; ++rcode) {
    if (rcode == 3) continue;
    const auto flags = static_cast<uint16_t>(0x8180 | rcode);
    CHECK(kept(answer_packet().flags(flags).answer(address(300))) == 0);
    CHECK(kept(answer_packet().flags(flags).authority(soa(300, 300))) == 0);
  }
}

}  // namespace
}  // namespace dnslet::policy

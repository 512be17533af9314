// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/answer.h"

#include "catch.h"
#include "dns/packet.h"

namespace dnslet::dns {
namespace {

using std::chrono::seconds;
using test::kToQuestion;
using test::Packet;
using test::soa_rdata;

constexpr uint16_t kNxDomain = 0x8183;

Packet packet(Type type = Type::A) { return Packet("db.test", type).flags(0x8180); }
test::TestRecord address(uint32_t ttl) { return {kToQuestion, Type::A, ttl}; }
test::TestRecord alias(uint32_t ttl) {
  return {kToQuestion, Type::CNAME, ttl, test::wire_name("a.test")};
}
test::TestRecord soa(uint32_t ttl) { return {kToQuestion, Type::SOA, ttl, soa_rdata(40)}; }

Answer read(const Packet& packet) {
  const auto message = Message::parse(packet);
  REQUIRE(message);
  Answer answer;
  answer.read(*message);
  return answer;
}

TEST_CASE("an alias that leads to no record of the type asked is told from data") {
  CHECK(read(packet().answer(address(60))).kind() == AnswerKind::Data);
  CHECK(read(packet().answer(alias(60)).answer(address(60))).kind() == AnswerKind::Data);
  CHECK(read(packet().answer(alias(60))).kind() == AnswerKind::Alias);
  CHECK(read(packet(Type::ANY).answer(alias(60))).kind() == AnswerKind::Data);
  CHECK(read(packet().authority(address(60))).kind() == AnswerKind::NoData);
  CHECK(read(packet().flags(kNxDomain).answer(alias(60))).kind() == AnswerKind::NxDomain);
  CHECK(read(packet().flags(0x8182).answer(address(60))).kind() == AnswerKind::Failure);
}

TEST_CASE("what is read from a packet is what its bytes say, before its OPT") {
  Packet whole = packet().answer(alias(60)).answer(address(50)).authority(soa(40));
  whole.additional({kToQuestion, Type::A, 30}).additional(test::opt(1232, 0));
  whole.additional({kToQuestion, Type::A, 20});
  for (const Packet& one : {whole, packet().authority(soa(50)).additional(test::opt(1232, 0))}) {
    const Answer answer = read(one);
    const Answer same(Bytes(answer.message().begin(), answer.message().end()));
    CHECK(answer.kind() == same.kind());
    CHECK(answer.is_whole());
    CHECK(answer.lifetime() == same.lifetime());
    CHECK(std::ranges::equal(answer.ttls(), same.ttls()));
  }
  CHECK(read(whole).lifetime() == seconds(30));
  CHECK(read(whole).ttls().size() == 4);
}

TEST_CASE("both count where records of any type do") {
  CHECK(read(packet().answer(alias(60))).has_records());
  CHECK(read(packet().answer(address(60))).has_records());
  CHECK_FALSE(read(packet()).has_records());
  CHECK_FALSE(read(packet().flags(kNxDomain).answer(alias(60))).has_records());
}

TEST_CASE("an answer lives as long as its records, an alias without data as its proof") {
  CHECK(read(packet().answer(address(90000))).lifetime() == seconds(90000));
  CHECK(read(packet().answer(alias(60))).lifetime() == seconds(0));
  CHECK(read(packet().answer(alias(60)).authority(soa(50))).lifetime() == seconds(40));
  CHECK(read(packet().flags(0x8182).answer(address(60))).lifetime() == seconds(0));
}

TEST_CASE("a cut answer is not whole and is not kept") {
  const Answer answer = read(packet().flags(0x8380).answer(address(60)));
  CHECK_FALSE(answer.is_whole());
  CHECK(answer.lifetime() == seconds(0));
  CHECK(answer.kind() == AnswerKind::Data);
}

TEST_CASE("memory used again leaves nothing of the answer before") {
  const Bytes error = test::hex("0016 6869");
  Answer answer(packet().answer(address(60)).answer(address(60)).bytes(), ExtendedError(error));
  CHECK(answer.ttls().size() == 2);
  answer.read(*Message::parse(packet().flags(kNxDomain).authority(soa(50))));
  CHECK(answer.ttls().size() == 1);
  CHECK(answer.error().empty());
  CHECK(answer.kind() == AnswerKind::NxDomain);
  CHECK(answer.lifetime() == seconds(40));
}

TEST_CASE("NXDOMAIN of a name that exists becomes NODATA, or its alias") {
  Answer answer = read(packet().flags(kNxDomain).authority(soa(50)));
  answer.make_no_data();
  CHECK(answer.kind() == AnswerKind::NoData);
  CHECK(answer.lifetime() == seconds(40));
  Answer chain = read(packet().flags(kNxDomain).answer(alias(60)).authority(soa(50)));
  chain.make_no_data();
  CHECK(chain.kind() == AnswerKind::Alias);
}

TEST_CASE("bytes that are no message are neither whole nor kept") {
  Bytes broken = packet().answer(address(60)).bytes();
  broken.pop_back();
  const Answer answer{broken};
  CHECK_FALSE(answer.is_whole());
  CHECK(answer.ttls().empty());
  CHECK(answer.lifetime() == seconds(0));
}

}  // namespace
}  // namespace dnslet::dns

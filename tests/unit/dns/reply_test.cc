// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/reply.h"

#include "catch.h"
#include "dns/packet.h"
#include "dns/patch.h"
#include "dns/without_opt.h"

namespace dnslet::dns {
namespace {

using test::hex;
using test::kDo;
using test::kToQuestion;
using test::opt;
using test::Packet;
using test::TestRecord;
using test::u16_at;

const Bytes kText = hex("0016 6e6f206b6579");  // an extended error: code 22, "no key"

Packet query_packet() { return Packet("Db.TeSt", Type::A).id(0x1234).flags(0x0100); }

Query query(const Packet& packet) { return parse_query(packet).query; }

// Appends OPT to a message of one record in a buffer with `room` bytes behind it.
Bytes with_opt(const Query& asked, std::size_t room, const Bytes& error, Rcode rcode = {}) {
  Bytes out = Packet("db.test", Type::A).answer().bytes();
  const std::size_t size = out.size();
  out.resize(size + room, 0xee);
  const ExtendedError extended(error);
  out.resize(append_opt(out, size, asked, {rcode, &extended}));
  return out;
}

Bytes expected_opt(uint32_t ttl, const Bytes& options = {}) {
  return Packet("db.test", Type::A).answer().additional(opt(1232, ttl, options)).bytes();
}

// ReplyWriter.

Bytes address_reply(const Query& asked, std::size_t limit, int addresses) {
  Bytes out(limit);
  ReplyWriter reply(out, asked.question.view(), Rcode::NoError);
  for (int i = 0; i < addresses; ++i)
    reply.add_address(IpAddress::v4(10, 0, 0, static_cast<uint8_t>(i)), 10);
  out.resize(reply.finish().size());
  return out;
}

Bytes refusal(const Query& asked, Rcode rcode) {
  Bytes out(512);
  out.resize(write_refusal(out, asked, rcode));
  return out;
}

TEST_CASE("a reply is nobody's until it is addressed; then it is the client's, of our authority") {
  const Query asked = query(query_packet().flags(0x0130));
  Bytes reply = address_reply(asked, 512, 1);
  const TestRecord record = {kToQuestion, Type::A, 10, {10, 0, 0, 0}};
  CHECK(reply == Packet("db.test", Type::A).flags(0x8000).answer(record).bytes());
  address_to(reply, asked, Authority::Own);
  CHECK(reply == Packet("Db.TeSt", Type::A).id(0x1234).flags(0x8590).answer(record).bytes());
}

TEST_CASE("a refusal repeats id, RD, CD and the question as it was spelled, of no authority") {
  CHECK(refusal(query(query_packet().flags(0x0130)), Rcode::Refused) ==
        query_packet().flags(0x8195).bytes());
}

TEST_CASE("a refusal of a message without a question has none") {
  CHECK(refusal(query(query_packet().count(0, 0).flags(0x2100)), Rcode::NotImp) ==
        hex("1234 a184 0000 0000 0000 0000"));
}

TEST_CASE("a reply holds records of every kind that we own") {
  const Query asked = query(Packet("db.test", Type::ANY));
  Bytes out(512);
  ReplyWriter reply(out, asked.question.view(), Rcode::NoError);
  reply.add_address(*IpAddress::from_text("fd00::5"), 1);
  reply.add_ptr(*Name::from_text("host.test"), 2);
  reply.add_text("dnslet 1.0", 0);
  reply.add_text("", 0);
  out.resize(reply.finish().size());
  CHECK(out == Packet("db.test", Type::ANY)
                   .flags(0x8000)
                   .answer({kToQuestion, Type::AAAA, 1, hex("fd00 000000000000000000000000 0005")})
                   .answer({kToQuestion, Type::PTR, 2, test::wire_name("host.test")})
                   .answer({kToQuestion, Type::TXT, 0, hex("0a 646e736c657420312e30")})
                   .answer({kToQuestion, Type::TXT, 0, hex("00")})
                   .bytes());
}

TEST_CASE("a text of 255 bytes is one string") {
  const Query asked = query(query_packet());
  Bytes out(512);
  ReplyWriter reply(out, asked.question.view(), Rcode::NoError);
  reply.add_text(std::string(255, 'x'), 0);
  CHECK(reply.finish().size() == 25 + 12 + 256);
}

TEST_CASE("records that do not fit are left out, with TC") {
  const Query asked = query(query_packet());
  const Bytes fits = address_reply(asked, 512, 30);
  CHECK(fits.size() == 25 + 30 * 16);
  CHECK((fits[2] & 0x02) == 0);
  const Bytes cut = address_reply(asked, 512, 31);
  CHECK(cut.size() == fits.size());
  CHECK((cut[2] & 0x02) != 0);
  CHECK(u16_at(cut, 6) == 30);
}

TEST_CASE("nothing that fits is put behind a record that did not") {
  const Query asked = query(query_packet());
  Bytes out(512);
  ReplyWriter reply(out, asked.question.view(), Rcode::NoError);
  reply.add_text(std::string(255, 'x'), 0);
  reply.add_text(std::string(255, 'y'), 0);
  reply.add_text("z", 0);
  out.resize(reply.finish().size());
  CHECK(u16_at(out, 6) == 1);
  CHECK(Message::parse(out)->size() == out.size());
}

TEST_CASE("an answer of 64 KiB is full, not overrun") {
  const Bytes reply = address_reply(query(query_packet()), 65535, 5000);
  CHECK(reply.size() <= 65535);
  const auto message = Message::parse(reply);
  REQUIRE(message);
  CHECK(message->count(Section::Answer) == (65535 - 25) / 16);
  CHECK(message->has(flag::kTc));
}

TEST_CASE("BADVERS has its upper bits in OPT") {
  const Query asked = query(query_packet().additional(opt(1232, 0x10000)));
  CHECK(refusal(asked, Rcode::BadVers) ==
        query_packet().flags(0x8180).additional(opt(1232, 0x01000000)).bytes());
}

// OPT.

TEST_CASE("a client without OPT gets none") {
  const Bytes bare = Packet("db.test", Type::A).answer().bytes();
  CHECK(with_opt(query(query_packet()), 100, kText) == bare);
}

TEST_CASE("a client's DO comes back, its options do not") {
  const Query plain = query(query_packet().additional(opt(4096, 0, hex("000a 0002 ffff"))));
  CHECK(with_opt(plain, 100, {}) == expected_opt(0));
  const Query dnssec = query(query_packet().additional(opt(4096, kDo)));
  CHECK(with_opt(dnssec, 100, {}) == expected_opt(kDo));
  CHECK(with_opt(dnssec, 100, {}, Rcode::BadVers) == expected_opt(0x01000000 | kDo));
}

TEST_CASE("an extended error goes out as far as there is room") {
  const Query asked = query(query_packet().additional(opt()));
  const Bytes whole = expected_opt(0, hex("000f 0008 0016 6e6f206b6579"));
  const Bytes code_only = expected_opt(0, hex("000f 0002 0016"));
  for (std::size_t room = kOptSize; room < 40; ++room) {
    CAPTURE(room);
    const Bytes expected = room >= 23 ? whole : room >= 17 ? code_only : expected_opt(0);
    CHECK(with_opt(asked, room, kText) == expected);
  }
}

TEST_CASE("an extended error keeps a text of up to 200 bytes") {
  Bytes data(2 + ExtendedError::kMaxText, 'x');
  CHECK(std::ranges::equal(ExtendedError(data).data(), data));
  data.push_back('x');
  CHECK(std::ranges::equal(ExtendedError(data).data(), Bytes{'x', 'x'}));
  CHECK(ExtendedError(Bytes(65535, 'x')).data().size() == 2);
  CHECK(ExtendedError(Bytes(2)).data().size() == 2);
}

TEST_CASE("less than a code is no extended error") {
  CHECK(ExtendedError().empty());
  CHECK(ExtendedError(Bytes()).empty());
  CHECK(ExtendedError(Bytes(1)).empty());
}

// Upstream.

Bytes upstream_query(const Question& question, const UpstreamFlags& flags,
                     QueryEdns edns = QueryEdns::WithEdns) {
  const QueryBytes query = build_upstream_query(question, flags, edns);
  return {query.view().begin(), query.view().end()};
}

TEST_CASE("the query that goes upstream is exactly this") {
  const Question question = {*Name::from_text("DB.test"), Type::AAAA, Class::IN};
  CHECK(upstream_query(question, {}) ==
        hex("0000 0120 0001 0000 0000 0001  02 6462 04 74657374 00  001c 0001"
            "00 0029 04d0 00 00 0000 0000"));
  CHECK(upstream_query(question, {}, QueryEdns::WithoutEdns) ==
        hex("0000 0120 0001 0000 0000 0000  02 6462 04 74657374 00  001c 0001"));
}

TEST_CASE("RD, CD and DO go upstream as the client asked") {
  const Question question = {*Name::from_text("a"), Type::A, Class::IN};
  const auto flags_of = [&](const UpstreamFlags& flags) {
    return u16_at(upstream_query(question, flags), 2);
  };
  CHECK(flags_of({.recursion_desired = false}) == 0x0020);
  CHECK(flags_of({.checking_disabled = true}) == 0x0130);
  CHECK(flags_of({.dnssec_ok = true}) == 0x0120);
  const Bytes query_with_do = upstream_query(question, {.dnssec_ok = true});
  CHECK(Message::parse(query_with_do)->edns()->dnssec_ok);
}

TEST_CASE("the longest name goes upstream whole") {
  std::string text;
  for (int i = 0; i < 127; ++i) text += "a.";
  const Bytes built = upstream_query({*Name::from_text(text), Type::A, Class::IN}, {});
  CHECK(built.size() == kHeaderSize + kMaxName + 4 + kOptSize);
  CHECK(parse_query(built).verdict == Verdict::Usable);
}

TEST_CASE("a failure of our own looks like an answer without records") {
  const Question question = {*Name::from_text("db.test"), Type::A, Class::IN};
  CHECK(build_failure(question, Rcode::ServFail) ==
        Packet("db.test", Type::A).flags(0x8002).bytes());
}

// without_opt.

const TestRecord kFirst = {kToQuestion, Type::A, 1};
const TestRecord kSecond = {kToQuestion, Type::AAAA, 2, Bytes(16)};

Packet big_packet() { return Packet("DB.test", Type::A).id(7).answer().authority(); }
Packet folded_packet() { return Packet("db.test", Type::A).id(7).answer().authority(); }

Bytes stripped(const Packet& packet) {
  const auto message = Message::parse(packet);
  REQUIRE(message);
  return without_opt(*message);
}

TEST_CASE("a message loses its OPT and keeps the records before it") {
  CHECK(stripped(big_packet()) == folded_packet().bytes());
  CHECK(stripped(big_packet().additional(opt())) == folded_packet().bytes());
  CHECK(stripped(big_packet().additional(kFirst).additional(kSecond).additional(opt())) ==
        folded_packet().additional(kFirst).additional(kSecond).bytes());
}

TEST_CASE("a message with OPT first or in the middle loses what follows it") {
  CHECK(stripped(big_packet().additional(opt(1232, 0, hex("000f 0002 0003"))).additional(kFirst)) ==
        folded_packet().bytes());
  CHECK(stripped(big_packet().additional(kFirst).additional(opt()).additional(kSecond)) ==
        folded_packet().additional(kFirst).bytes());
}

TEST_CASE("a message without OPT keeps all its additional records") {
  CHECK(stripped(big_packet().additional(kFirst).additional(kSecond)) ==
        folded_packet().additional(kFirst).additional(kSecond).bytes());
}

TEST_CASE("bytes behind the last record go with OPT") {
  CHECK(stripped(big_packet().additional(kFirst).raw(hex("ffff"))) ==
        folded_packet().additional(kFirst).bytes());
}

}  // namespace
}  // namespace dnslet::dns

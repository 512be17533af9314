// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// parse_query: what a client's packet turns out to be.

#include "catch.h"
#include "dns/message.h"
#include "dns/packet.h"

namespace dnslet::dns {
namespace {

using test::hex;
using test::kDo;
using test::kRoot;
using test::kToQuestion;
using test::opt;
using test::Packet;

Packet query_packet() { return Packet("db.test", Type::A).id(0x1234).flags(0x0100); }

Verdict verdict(const Packet& packet) { return parse_query(packet).verdict; }

std::size_t udp_limit(const Packet& packet) { return parse_query(packet).query.udp_limit(); }

TEST_CASE("a plain query is usable") {
  const ReceivedQuery received =
      parse_query(Packet("Db.TEST", Type::AAAA).id(0x1234).flags(0x0130));
  CHECK(received.verdict == Verdict::Usable);
  const Query& query = received.query;
  CHECK(query.id == 0x1234);
  CHECK(query.has(flag::kRd));
  CHECK(query.has(flag::kAd));
  CHECK(query.has(flag::kCd));
  CHECK(query.has_question);
  CHECK(query.question == Question{*Name::from_text("db.test"), Type::AAAA, Class::IN});
  Bytes name = test::wire_name("db.test");
  query.spelling.apply_to(name);
  CHECK(name == test::wire_name("Db.TEST"));
  CHECK_FALSE(query.edns);
  CHECK_FALSE(query.dnssec_ok());
}

TEST_CASE("a query for the root is usable") {
  const ReceivedQuery received = parse_query(Packet(".", Type::NS));
  CHECK(received.verdict == Verdict::Usable);
  CHECK(received.query.question.name.view().is_root());
}

TEST_CASE("unknown types and classes are the ladder's business") {
  CHECK(verdict(Packet("db.test", static_cast<Type>(65280), 4)) == Verdict::Usable);
}

TEST_CASE("a query with OPT tells what the client can take") {
  const ReceivedQuery received =
      parse_query(query_packet().additional(opt(4096, kDo, hex("000a 0008 0102030405060708"))));
  CHECK(received.verdict == Verdict::Usable);
  CHECK(received.query.edns->udp_payload == 4096);
  CHECK(received.query.dnssec_ok());
}

TEST_CASE("records in a query are no reason to refuse it") {
  CHECK(verdict(query_packet().answer()) == Verdict::Usable);
  CHECK(verdict(query_packet().authority({kToQuestion, Type::SOA, 0, test::soa_rdata(1)})) ==
        Verdict::Usable);
  CHECK(verdict(query_packet().additional().additional(opt()).additional()) == Verdict::Usable);
}

TEST_CASE("a UDP answer has 512 bytes without EDNS, else 512 to 1232") {
  CHECK(udp_limit(query_packet()) == 512);
  CHECK(udp_limit(query_packet().additional(opt(0))) == 512);
  CHECK(udp_limit(query_packet().additional(opt(511))) == 512);
  CHECK(udp_limit(query_packet().additional(opt(513))) == 513);
  CHECK(udp_limit(query_packet().additional(opt(1232))) == 1232);
  CHECK(udp_limit(query_packet().additional(opt(1233))) == 1232);
  CHECK(udp_limit(query_packet().additional(opt(65535))) == 1232);
}

// Nothing to answer to.

TEST_CASE("what is shorter than a header is dropped") {
  const Bytes header = query_packet().bytes();
  for (std::size_t size = 0; size < kHeaderSize; ++size)
    CHECK(parse_query(BytesView(header).first(size)).verdict == Verdict::Drop);
}

TEST_CASE("a response is dropped, broken or not") {
  CHECK(verdict(query_packet().flags(0x8100)) == Verdict::Drop);
  CHECK(verdict(query_packet().flags(0x8100).count(0, 7)) == Verdict::Drop);
  CHECK(verdict(query_packet().flags(0xa900)) == Verdict::Drop);
}

// Refused, with as much of the question as was understood.

TEST_CASE("another opcode is not implemented") {
  for (unsigned opcode = 1; opcode < 16; ++opcode) {
    const auto received = parse_query(query_packet().flags(static_cast<uint16_t>(opcode << 11)));
    CHECK(received.verdict == Verdict::NotImp);
    CHECK(received.query.has_question);
  }
}

TEST_CASE("another opcode is not implemented, however the rest looks") {
  const auto received = parse_query(query_packet().flags(0x2000).count(0, 0));
  CHECK(received.verdict == Verdict::NotImp);
  CHECK_FALSE(received.query.has_question);
  CHECK(verdict(query_packet().flags(0x2800).count(1, 9)) == Verdict::NotImp);
}

TEST_CASE("a query has exactly one question") {
  const auto none = parse_query(Packet(query_packet()).count(0, 0));
  CHECK(none.verdict == Verdict::FormErr);
  CHECK_FALSE(none.query.has_question);
  CHECK(none.query.id == 0x1234);
  const auto two =
      parse_query(query_packet().count(0, 2).raw(test::wire_name("a.test")).raw(hex("0001 0001")));
  CHECK(two.verdict == Verdict::FormErr);
  CHECK_FALSE(two.query.has_question);
  CHECK(verdict(query_packet().count(0, 65535)) == Verdict::FormErr);
}

TEST_CASE("a query cut short anywhere behind the header is a format error") {
  const Bytes whole = query_packet()
                          .authority({hex("01 61 c00c")})
                          .additional(opt(1232, 0, hex("000a 0002 ffff")))
                          .bytes();
  REQUIRE(parse_query(whole).verdict == Verdict::Usable);
  for (std::size_t size = kHeaderSize; size < whole.size(); ++size) {
    const Bytes bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    CAPTURE(size);
    const ReceivedQuery received = parse_query(bytes);
    CHECK(received.verdict == Verdict::FormErr);
    CHECK(received.query.has_question == (size >= query_packet().bytes().size()));
  }
}

TEST_CASE("bytes behind the last record are ignored") {
  CHECK(verdict(query_packet().raw(hex("00"))) == Verdict::Usable);
  CHECK(verdict(query_packet().raw(Bytes(400, 0xc0))) == Verdict::Usable);
  CHECK(verdict(query_packet().additional(opt()).raw(Bytes(11))) == Verdict::Usable);
  CHECK(verdict(query_packet().flags(0x2000).raw(kRoot)) == Verdict::NotImp);
}

TEST_CASE("a record that no count tells of is ignored") {
  const ReceivedQuery received = parse_query(query_packet().additional(opt()).count(3, 0));
  CHECK(received.verdict == Verdict::Usable);
  CHECK_FALSE(received.query.edns);
}

TEST_CASE("names that take too many jumps in all are a format error") {
  // An owner that points into a chain of 100 pointers, again and again.
  const auto with_owners = [](std::size_t owners) {
    Packet packet("a", Type::A);
    Bytes chain;
    std::size_t target = kHeaderSize;
    const std::size_t start = packet.bytes().size() + 11;
    for (std::size_t i = 0; i < 99; ++i) {
      test::append_u16(chain, 0xc000 | target);
      target = start + 2 * i;
    }
    packet.additional({kRoot, Type::TXT, 0, chain});
    Bytes owner;
    test::append_u16(owner, 0xc000 | target);
    for (std::size_t i = 0; i < owners; ++i) packet.additional({owner, Type::A, 0, {}});
    return packet;
  };
  CHECK(verdict(with_owners(655)) == Verdict::Usable);
  CHECK(verdict(with_owners(656)) == Verdict::FormErr);
  CHECK(Message::parse(with_owners(0)));
}

TEST_CASE("counts larger than the bytes are a format error") {
  const std::size_t section = GENERATE(as<std::size_t>{}, 1, 2, 3);
  const auto count = static_cast<uint16_t>(GENERATE(1, 2, 65535));
  CHECK(verdict(query_packet().count(section, count)) == Verdict::FormErr);
  CHECK(verdict(query_packet().count(1, 65535).count(2, 65535).count(3, 65535)) ==
        Verdict::FormErr);
}

TEST_CASE("a broken name in the question is a format error") {
  const Bytes name = GENERATE(hex("40 61 00"), hex("80 61 00"), hex("c000"), hex("c00c"),
                              hex("01 61 c00c"), hex("3f 61 00"));
  Bytes packet = hex("1234 0100 0001 0000 0000 0000");
  test::append(packet, name);
  test::append(packet, hex("0001 0001"));
  const ReceivedQuery received = parse_query(packet);
  CHECK(received.verdict == Verdict::FormErr);
  CHECK_FALSE(received.query.has_question);
}

TEST_CASE("a broken owner name is a format error") {
  const Bytes owner = GENERATE(hex("40 61 00"), hex("80 61 00"), hex("c019"), hex("ffff"));
  CHECK(verdict(query_packet().additional({owner})) == Verdict::FormErr);
}

TEST_CASE("two OPT records are a format error") {
  CHECK(verdict(query_packet().additional(opt()).additional(opt())) == Verdict::FormErr);
  CHECK(verdict(query_packet().additional(opt()).additional().additional(opt())) ==
        Verdict::FormErr);
}

TEST_CASE("an OPT record outside the additional section is a format error") {
  CHECK(verdict(query_packet().answer(opt())) == Verdict::FormErr);
  CHECK(verdict(query_packet().authority(opt())) == Verdict::FormErr);
}

TEST_CASE("an OPT record that the root does not own is a format error") {
  CHECK(verdict(query_packet().additional({kToQuestion, Type::OPT, 0, {}, 1232})) ==
        Verdict::FormErr);
  CHECK(verdict(query_packet().additional({hex("01 61 00"), Type::OPT, 0, {}, 1232})) ==
        Verdict::FormErr);
}

TEST_CASE("options that do not fill OPT exactly are a format error") {
  const Bytes options = GENERATE(hex("00"), hex("000a 00"), hex("000a 0001"), hex("000a 0000 00"),
                                 hex("000a ffff 00"));
  CHECK(verdict(query_packet().additional(opt(1232, 0, options))) == Verdict::FormErr);
}

TEST_CASE("an EDNS version above 0 is told so, with the question") {
  const auto version = static_cast<uint32_t>(GENERATE(1, 2, 255));
  const auto received = parse_query(query_packet().additional(opt(1232, version << 16)));
  CHECK(received.verdict == Verdict::BadVers);
  CHECK(received.query.has_question);
  CHECK(received.query.edns);
}

TEST_CASE("what an unknown EDNS version has in its RDATA is not judged") {
  const Bytes rdata = GENERATE(hex("00"), hex("000a 00"), hex("000a ffff"), Bytes(300, 0xff));
  CHECK(verdict(query_packet().additional(opt(1232, 0x10000, rdata))) == Verdict::BadVers);
  CHECK(verdict(query_packet().additional(opt(1232, 0xff0000, rdata))) == Verdict::BadVers);
}

TEST_CASE("an unknown EDNS version does not excuse a broken packet") {
  const Packet packet = query_packet().additional(opt(1232, 0x10000));
  CHECK(verdict(Packet(packet).additional(opt())) == Verdict::FormErr);
  CHECK(verdict(Packet(packet).count(3, 2)) == Verdict::FormErr);
}

TEST_CASE("no noise crashes the parser of queries") {
  test::Dice dice(2);
  const Bytes sound = query_packet().additional(opt(1232, 0, hex("000a 0002 ffff"))).bytes();
  for (int i = 0; i < 20'000; ++i) {
    Bytes noisy = sound;
    for (std::size_t n = dice.roll(4) + 1; n > 0; --n)
      noisy[dice.roll(noisy.size())] = static_cast<uint8_t>(dice.roll(256));
    const ReceivedQuery received = parse_query(noisy);
    if (received.verdict == Verdict::Usable) REQUIRE(received.query.has_question);
  }
}

}  // namespace
}  // namespace dnslet::dns

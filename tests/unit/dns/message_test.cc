// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/message.h"

#include "catch.h"
#include "dns/packet.h"

namespace dnslet::dns {
namespace {

using test::hex;
using test::kDo;
using test::kRoot;
using test::kToQuestion;
using test::opt;
using test::Packet;
using test::TestRecord;

Packet answer_packet() { return Packet("db.test", Type::A).flags(0x8180); }

std::string owner_text(const Message& message, const Record& record) {
  return message.owner(record).view().to_text();
}

// What is read.

TEST_CASE("a message is read with its header and question") {
  const Packet packet = answer_packet().id(0x1234).flags(0x85b3);
  const auto message = Message::parse(packet);
  REQUIRE(message);
  CHECK(message->id() == 0x1234);
  CHECK(message->flags() == 0x85b3);
  CHECK(message->has(flag::kCd));
  CHECK_FALSE(message->has(flag::kTc));
  CHECK(message->rcode() == Rcode::NxDomain);
  CHECK(message->question() == Question{*Name::from_text("db.test"), Type::A, Class::IN});
  CHECK(message->question_end() == packet.bytes().size());
  CHECK_FALSE(message->edns());
  CHECK_FALSE(message->opt());
}

TEST_CASE("questions differ by name, type and class") {
  const Question question = {*Name::from_text("db.test"), Type::A, Class::IN};
  CHECK(question == Question{*Name::from_text("DB.test"), Type::A, Class::IN});
  CHECK_FALSE(question == Question{*Name::from_text("db2.test"), Type::A, Class::IN});
  CHECK_FALSE(question == Question{*Name::from_text("db.test"), Type::AAAA, Class::IN});
  CHECK_FALSE(question == Question{*Name::from_text("db.test"), Type::A, Class::CH});
}

TEST_CASE("the records of all sections are walked in order") {
  const Packet packet = answer_packet()
                            .answer({kToQuestion, Type::CNAME, 7, hex("01 78 c00f")})
                            .answer({hex("c025"), Type::A, 0xfffffffe, {192, 0, 2, 1}})
                            .authority({kRoot, Type::SOA, 1, test::soa_rdata(5)})
                            .additional({hex("01 79 c00f"), Type::TXT, 2, {}, 3});
  const auto message = Message::parse(packet);
  REQUIRE(message);
  std::vector<std::string> seen;
  std::size_t end = message->question_end();
  message->for_each_record([&](const Record& record) {
    CHECK(record.start == end);
    end = record.end;
    seen.push_back(std::to_string(static_cast<int>(record.section)) + " " +
                   owner_text(*message, record) + " " + std::to_string(record.ttl) + " " +
                   to_text(record.type) + " " + std::to_string(message->rdata(record).size()));
  });
  CHECK(seen == std::vector<std::string>{"0 db.test 7 CNAME 4", "0 x.test 4294967294 A 4",
                                         "1 . 1 SOA 23", "2 y.test 2 TXT 0"});
  CHECK(end == message->size());
}

TEST_CASE("a name inside RDATA is read, a broken one gives the root") {
  const Packet packet = answer_packet().answer({kToQuestion, Type::CNAME, 7, hex("01 78 c00f")});
  const auto message = Message::parse(packet);
  REQUIRE(message);
  message->for_each_record([&](const Record& record) {
    CHECK(message->name_at(record.rdata()) == *Name::from_text("x.test"));
    CHECK(message->name_at(record.fixed + 4).view().is_root());
  });
  CHECK(message->name_at(message->size()).view().is_root());
  CHECK(message->name_at(SIZE_MAX).view().is_root());
}

TEST_CASE("RDATA of names and numbers is exactly what its type makes it") {
  const auto takes = [](Type type, const std::string& rdata, uint16_t rclass = 1) {
    return Message::parse(answer_packet().answer({kToQuestion, type, 7, hex(rdata), rclass}))
        .has_value();
  };
  const std::string name = "0161 c00c ";
  const std::string numbers = "00000001 00000002 00000003 00000004 00000005";
  for (const Type type : {Type::NS, Type::CNAME, Type::PTR, Type::DNAME}) {
    CHECK(takes(type, name));
    CHECK(takes(type, "00"));
    // Nothing, cut short, too long, no such label type, beyond the end, forward, into the header.
    for (const char* const broken : {"", "0161", "0161 c00c 00", "4161 00", "c3ff", "c025", "c004"})
      CHECK_FALSE(takes(type, broken));
  }
  CHECK(takes(Type::MX, "000a " + name));
  CHECK(takes(Type::SRV, "0001 0002 0035 " + name));
  CHECK(takes(Type::SOA, name + "c00c " + numbers));
  for (const char* const broken : {"", "000a", "0a c00c", "000a c00c 00", "000a c0ff"})
    CHECK_FALSE(takes(Type::MX, broken));
  for (const char* const broken : {"", "0001 0002", "0001 0002 0035", "0001 0002 0035 c00c 00"})
    CHECK_FALSE(takes(Type::SRV, broken));
  CHECK_FALSE(takes(Type::SOA, name + numbers));
  CHECK_FALSE(takes(Type::SOA, name + "c00c " + numbers + "00"));
  CHECK_FALSE(takes(Type::SOA, name + "c00c " + numbers.substr(0, 40)));
  CHECK_FALSE(takes(Type::SOA, name + "c0ff " + numbers));
}

TEST_CASE("an address is as long as its family has it") {
  const auto takes = [](Type type, std::size_t size, uint16_t rclass = 1) {
    const Packet packet = answer_packet().additional({kToQuestion, type, 7, Bytes(size), rclass});
    return Message::parse(packet).has_value();
  };
  CHECK(takes(Type::A, 4));
  CHECK(takes(Type::AAAA, 16));
  for (const std::size_t size : {0U, 3U, 5U, 16U}) CHECK_FALSE(takes(Type::A, size));
  for (const std::size_t size : {0U, 4U, 15U, 17U}) CHECK_FALSE(takes(Type::AAAA, size));
  CHECK(takes(Type::A, 5, 3));  // RFC 1035 section 3.4 is about IN
}

TEST_CASE("RDATA of other types is opaque") {
  for (const int type : {13, 14, 16, 35, 46, 64, 257, 65280})
    for (const char* const rdata : {"", "00", "c00c", "ff"}) {
      const TestRecord record = {kToQuestion, static_cast<Type>(type), 7, hex(rdata)};
      CHECK(Message::parse(answer_packet().answer(record)));
    }
}

TEST_CASE("the names of a message take 65536 jumps at most, those in RDATA too") {
  const auto with_records = [](std::size_t records) {
    Bytes chain;
    Packet packet = answer_packet();
    std::size_t target = kHeaderSize;
    const std::size_t start = packet.bytes().size() + 12;
    for (std::size_t i = 0; i < 98; ++i) {
      test::append_u16(chain, 0xc000 | target);
      target = start + 2 * i;
    }
    packet.answer({kToQuestion, Type::TXT, 0, chain});
    Bytes pointer;
    test::append_u16(pointer, 0xc000 | target);
    for (std::size_t i = 0; i < records; ++i) packet.answer({pointer, Type::NS, 0, pointer});
    return packet;
  };
  CHECK(Message::parse(with_records(330)));  // 198 each
  CHECK_FALSE(Message::parse(with_records(331)));
}

TEST_CASE("the RDATA of another EDNS version is not looked into") {
  const auto message =
      Message::parse(answer_packet().additional(opt(512, 0x10000, hex("000f 00"))));
  REQUIRE(message);
  CHECK(extended_error(*message).empty());
}

TEST_CASE("bytes behind the last record are no part of the message") {
  const Packet packet = answer_packet().answer();
  const std::size_t size = packet.bytes().size();
  const Bytes longer = Packet(packet).raw(hex("00ff00")).bytes();
  const auto message = Message::parse(longer);
  REQUIRE(message);
  CHECK(message->size() == size);
}

TEST_CASE("records of unknown types and classes are taken as they are") {
  const Packet packet =
      answer_packet().answer({kToQuestion, static_cast<Type>(65280), 1, Bytes(300, 0xc0), 999});
  CHECK(Message::parse(packet));
}

TEST_CASE("the facts of OPT are read") {
  const Packet packet =
      answer_packet().flags(0x8181).additional(opt(4096, 0x01020000 | kDo, hex("000a 0001 ff")));
  const auto message = Message::parse(packet);
  REQUIRE(message);
  REQUIRE(message->edns());
  CHECK(message->edns()->udp_payload == 4096);
  CHECK(message->edns()->extended_rcode == 1);
  CHECK(message->edns()->version == 2);
  CHECK(message->edns()->dnssec_ok);
  CHECK(static_cast<unsigned>(message->rcode()) == 17);
  CHECK(message->rdata(*message->opt()).size() == 5);
}

TEST_CASE("DO is the top bit of the EDNS flags only") {
  const Packet packet = answer_packet().additional(opt(512, 0x7fff));
  CHECK_FALSE(Message::parse(packet)->edns()->dnssec_ok);
}

// What is refused.

TEST_CASE("no message is accepted that is cut short anywhere") {
  const Packet packet = answer_packet()
                            .answer({kToQuestion, Type::CNAME, 7, hex("01 78 c00f")})
                            .answer({hex("c025")})
                            .authority({kRoot, Type::SOA, 1, test::soa_rdata(5)})
                            .additional(opt(1232, 0, hex("000f 0002 0003")));
  const Bytes& whole = packet.bytes();
  REQUIRE(Message::parse(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    CAPTURE(size);
    CHECK_FALSE(Message::parse(bytes));
  }
}

TEST_CASE("a message has exactly one question") {
  CHECK_FALSE(Message::parse(Bytes(12)));
  CHECK_FALSE(Message::parse(answer_packet().count(0, 0)));
  CHECK_FALSE(
      Message::parse(answer_packet().count(0, 2).raw(test::wire_name("a")).raw(hex("0001 0001"))));
}

TEST_CASE("counts larger than the bytes are refused") {
  const std::size_t section = GENERATE(as<std::size_t>{}, 0, 1, 2, 3);
  const auto count = static_cast<uint16_t>(GENERATE(2, 255, 65535));
  CHECK_FALSE(Message::parse(answer_packet().answer().count(section, count)));
}

TEST_CASE("a question's name holds no pointer") {
  const Bytes header = hex("0000 8180 0001 0000 0000 0000");
  for (const char* name : {"c000", "c00c", "c00e", "01 61 c00c"}) {
    Bytes packet = header;
    test::append(packet, hex(name));
    test::append(packet, hex("0001 0001 00000000"));
    CHECK_FALSE(Message::parse(packet));
  }
}

TEST_CASE("a record's owner is a sound name") {
  const Bytes owner = GENERATE(hex("40 61 00"), hex("80 61 00"), hex("c0ff"), hex("ffff"),
                               hex("c019"), hex("01 61 c019"), hex("3f 61"));
  CHECK_FALSE(Message::parse(answer_packet().answer({owner})));
}

TEST_CASE("RDATA longer than the message is refused") {
  Bytes packet = answer_packet().answer().bytes();
  packet[packet.size() - 5] = 5;
  CHECK_FALSE(Message::parse(packet));
  packet[packet.size() - 6] = 0xff;
  CHECK_FALSE(Message::parse(packet));
}

TEST_CASE("there is one OPT, in the additional section, owned by the root") {
  CHECK(Message::parse(answer_packet().additional(opt())));
  CHECK_FALSE(Message::parse(answer_packet().additional(opt()).additional(opt())));
  CHECK_FALSE(Message::parse(answer_packet().answer(opt())));
  CHECK_FALSE(Message::parse(answer_packet().authority(opt())));
  CHECK_FALSE(Message::parse(answer_packet().additional({kToQuestion, Type::OPT, 0, {}, 1232})));
}

TEST_CASE("the options of OPT fill it exactly") {
  const Bytes options = GENERATE(hex("00"), hex("000a"), hex("000a 00"), hex("000a 0001"),
                                 hex("000a 0001 ff 00"), hex("000a ffff 00"));
  CHECK_FALSE(Message::parse(answer_packet().additional(opt(1232, 0, options))));
}

TEST_CASE("a message is at most 65535 bytes") {
  Bytes packet = answer_packet().bytes();
  packet.resize(kMaxMessage);
  CHECK(Message::parse(packet));
  packet.push_back(0);
  CHECK_FALSE(Message::parse(packet));
}

TEST_CASE("no noise crashes the parser, and what it accepts can be walked") {
  test::Dice dice(1);
  const Bytes sound = answer_packet()
                          .answer({kToQuestion, Type::CNAME, 7, hex("01 78 c00f")})
                          .additional(opt(1232, 0, hex("000f 0002 0003")))
                          .bytes();
  for (int i = 0; i < 20'000; ++i) {
    Bytes noisy = sound;
    for (std::size_t n = dice.roll(4) + 1; n > 0; --n)
      noisy[dice.roll(noisy.size())] = static_cast<uint8_t>(dice.roll(256));
    for (std::size_t n = dice.roll(3); n > 0; --n) noisy.pop_back();
    const Bytes packet = noisy;  // exactly its size, so that a byte too far is seen
    const auto message = Message::parse(packet);
    if (!message) continue;
    std::size_t end = message->question_end();
    message->for_each_record([&](const Record& record) {
      (void)message->owner(record);
      (void)message->name_at(record.rdata());
      if (record.start != end || record.end < record.rdata()) FAIL("records overlap");
      end = record.end;
    });
    (void)extended_error(*message);
    REQUIRE(end == message->size());
  }
}

// Extended DNS Errors.

TEST_CASE("an extended error is found among the options") {
  const Packet packet = answer_packet().additional(
      opt(1232, 0, hex("000a 0002 ffff  000f 0004 0016 6869  000f 0002 0001")));
  const auto message = Message::parse(packet);
  REQUIRE(message);
  CHECK(std::ranges::equal(extended_error(*message), hex("0016 6869")));
}

TEST_CASE("no extended error is no bytes") {
  const Packet none = answer_packet();
  const Packet bare = answer_packet().additional(opt());
  const Packet other = answer_packet().additional(opt(1232, 0, hex("000a 0002 ffff")));
  const Packet shorter = answer_packet().additional(opt(1232, 0, hex("000f 0001 ff")));
  for (const Packet& packet : {none, bare, other, shorter})
    CHECK(extended_error(*Message::parse(packet)).empty());
}

// Words for people.

TEST_CASE("codes and types have their names, others their numbers") {
  CHECK(to_text(Rcode::NoError) == "NOERROR");
  CHECK(to_text(Rcode::BadVers) == "BADVERS");
  CHECK(to_text(static_cast<Rcode>(23)) == "RCODE23");
  CHECK(to_text(Type::AAAA) == "AAAA");
  CHECK(to_text(static_cast<Type>(15)) == "MX");
  CHECK(to_text(static_cast<Type>(65)) == "HTTPS");
  CHECK(to_text(static_cast<Type>(65280)) == "TYPE65280");
}

TEST_CASE("a type is read back from its name or number, in any case") {
  for (unsigned number = 0; number <= UINT16_MAX; ++number) {
    const auto type = static_cast<Type>(number);
    if (type_from_text(to_text(type)) != type) FAIL(number);
  }
  CHECK(type_from_text("aaaa") == Type::AAAA);
  CHECK(type_from_text("type1") == Type::A);
  for (const char* const text :
       {"", "AA", "TYPE", "TYPE65536", "TYPE-1", "TYPE+1", "TYPE 1", "TYPE1x", "TYPE0x1", "1"}) {
    CAPTURE(text);
    CHECK_FALSE(type_from_text(text));
  }
}

}  // namespace
}  // namespace dnslet::dns

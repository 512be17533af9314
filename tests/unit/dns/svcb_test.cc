// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/svcb.h"

#include "catch.h"
#include "dns/packet.h"

namespace dnslet::dns {
namespace {

using test::hex;
using test::kToQuestion;
using test::Packet;

// Parts of RDATA: priority 1 and the target ".", then parameters.
const std::string kHead = "0001 00";
const std::string kAlpn = "0001 0003 02 6832";
const std::string kIpv4 = "0004 0004 c0000201";
const std::string kIpv6 = "0006 0010 20010db8 00000000 00000000 00000001";
const std::string kLater = "0007 0001 2f";

Packet with_rdata(const std::string& rdata, Type type = Type::HTTPS) {
  return Packet("db.test", type).flags(0x81a0).answer({kToQuestion, type, 60, hex(rdata)});
}

// The RDATA that is left; "untouched" where nothing is to be taken out.
Bytes left_of(const std::string& rdata, Hint hint = Hint::Ipv6) {
  const Packet packet = with_rdata(rdata);
  const auto rest = without_hints(*Message::parse(packet), hint);
  if (!rest) return {};
  const auto message = Message::parse(*rest);
  REQUIRE(message);
  CHECK(message->size() == rest->size());
  CHECK(message->flags() == 0x8180);
  Bytes left;
  message->for_each_record([&](const Record& record) {
    CHECK(message->owner(record) == message->question().name);
    CHECK(record.ttl == 60);
    const BytesView view = message->rdata(record);
    left.assign(view.begin(), view.end());
  });
  return left;
}
const Bytes kUntouched;

TEST_CASE("the hints of one family go, all else stays") {
  const std::string all = kHead + kAlpn + kIpv4 + kIpv6 + kLater;
  CHECK(left_of(all, Hint::Ipv6) == hex(kHead + kAlpn + kIpv4 + kLater));
  CHECK(left_of(all, Hint::Ipv4) == hex(kHead + kAlpn + kIpv6 + kLater));
  CHECK(left_of(kHead + kIpv6) == hex(kHead));
}

TEST_CASE("the hints of both families are read, as far as they are whole") {
  const auto read = [](const std::string& rdata) {
    std::string text;
    for (const IpAddress& address : hints_of(hex(rdata))) text += address.to_text() + ' ';
    return text;
  };
  CHECK(read(kHead) == "");
  CHECK(read(kHead + kAlpn + kIpv4 + kIpv6 + kLater) == "192.0.2.1 2001:db8::1 ");
  CHECK(read(kHead + "0004 0008 c0000201 0a000001") == "192.0.2.1 10.0.0.1 ");
  CHECK(read(kHead + kIpv6 + kIpv4) == "2001:db8::1 192.0.2.1 ");  // some client may take them
  CHECK(read(kHead + kIpv4 + "0006 0010 2001") == "192.0.2.1 ");
  CHECK(read(kHead + "0004 0003 c00002") == "");
  CHECK(read("0001 c0") == "");
}

TEST_CASE("records without such hints are left alone") {
  CHECK(left_of(kHead) == kUntouched);
  CHECK(left_of(kHead + kAlpn + kIpv4 + kLater) == kUntouched);
  CHECK(left_of("0000 0161 00") == kUntouched);  // an alias
}

TEST_CASE("a key that is not there any more is not mandatory") {
  CHECK(left_of(kHead + "0000 0004 0001 0006" + kAlpn + kIpv6) ==
        hex(kHead + "0000 0002 0001" + kAlpn));
  CHECK(left_of(kHead + "0000 0002 0006" + kIpv6) == hex(kHead));
  CHECK(left_of(kHead + "0000 0002 0004" + kIpv4 + kIpv6) == hex(kHead + "0000 0002 0004" + kIpv4));
}

TEST_CASE("RDATA that is malformed passes untouched") {
  for (const std::string& rdata :
       {std::string(), std::string("00"), std::string("0001"), std::string("0001 c00c"),
        kHead + kIpv6 + kAlpn, kHead + kIpv6 + kIpv6, kHead + kIpv6 + "00",
        kHead + kIpv6 + "0007 0002 2f", kHead + "0000 0000" + kIpv6, kHead + "0000 0001 00" + kIpv6,
        kHead + "0000 0002 0000" + kIpv6, kHead + "0000 0004 0006 0001" + kAlpn + kIpv6})
    CHECK(left_of(rdata) == kUntouched);
}

TEST_CASE("records of other types are no carriers of hints") {
  for (const Type type : {Type::TXT, Type::DS, static_cast<Type>(66)}) {
    const Packet packet = with_rdata(kHead + kIpv6, type);
    CHECK_FALSE(without_hints(*Message::parse(packet), Hint::Ipv6));
  }
  const Packet packet = with_rdata(kHead + kIpv6, Type::SVCB);
  CHECK(without_hints(*Message::parse(packet), Hint::Ipv6));
}

TEST_CASE("what stands behind keeps its owner, section and RDATA") {
  Packet packet = with_rdata(kHead + kIpv6);
  packet.answer({hex("c00c"), Type::CNAME, 50, hex("0161 c00c")});
  packet.authority({hex("0162 c00f"), Type::NS, 40, hex("0161 c00c")});
  packet.additional({hex("0161 c00c"), Type::A, 30, hex("c0000201")});
  const auto rest = without_hints(*Message::parse(packet), Hint::Ipv6);
  REQUIRE(rest);
  const auto message = Message::parse(*rest);
  REQUIRE(message);
  std::vector<std::string> owners;
  message->for_each_record([&](const Record& record) {
    owners.push_back(message->owner(record).view().to_text());
    if (record.type == Type::CNAME || record.type == Type::NS)
      CHECK(message->name_at(record.rdata()) == *Name::from_text("a.db.test"));
  });
  CHECK(owners == std::vector<std::string>{"db.test", "db.test", "b.test", "a.db.test"});
  CHECK(message->count(Section::Answer) == 2);
  CHECK(message->count(Section::Authority) == 1);
  CHECK(message->count(Section::Additional) == 1);
}

}  // namespace
}  // namespace dnslet::dns

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/record_from_text.h"

#include "catch.h"
#include "dns/packet.h"
#include "dns/rdata_from_text.h"
#include "dns/record_text.h"

namespace dnslet::dns {
namespace {

using test::hex;
using test::kToQuestion;
using test::Packet;

Bytes rdata_of(const std::string& text) {
  INFO(text);
  const std::size_t blank = text.find(' ');
  const auto type = type_from_text(text.substr(0, blank));
  REQUIRE(type);
  const auto rdata = rdata_from_text(*type, text.substr(std::min(blank, text.size())));
  if (!rdata) FAIL(rdata.error().text);
  return *rdata;
}

std::string error_of(const std::string& text) {
  const auto record = record_from_text(text);
  return record ? "none" : record.error().text;
}

// The text of RDATA, written by the code that the parser is the way back of.
std::string written(Type type, const Bytes& rdata) {
  const Packet packet =
      Packet("a.test", Type::A).flags(0x8180).answer({kToQuestion, type, 60, rdata});
  const auto message = Message::parse(packet);
  REQUIRE(message);
  std::string text;
  message->for_each_record([&](const Record& record) { text = rdata_text(*message, record); });
  return text;
}

struct Example {
  const char* text;
  const char* wire;
};

const Example kExamples[] = {
    {"A 192.0.2.1", "c0000201"},
    {"AAAA 2001:db8::1", "20010db8 00000000 00000000 00000001"},
    {"NS ns.A.test.", "026e73 0161 0474657374 00"},
    {"CNAME a.test", "0161 0474657374 00"},
    {"PTR a.test.", "0161 0474657374 00"},
    {"DNAME .", "00"},
    {"MX 10 a.test", "000a 0161 0474657374 00"},
    {"SOA a. b\\.c. 1 2 3 4 4294967295",
     "0161 00 03622e63 00 00000001 00000002 00000003 00000004 ffffffff"},
    {R"(TXT "a b" c "" \"\\ "\009\255\"")", "03 612062 01 63 00 02 225c 03 09ff22"},
    {R"(TXT v=spf1\ -all)", "0b 763d73706631202d616c6c"},
    {"SRV 1 2 5060 sip.test", "0001 0002 13c4 03736970 0474657374 00"},
    {R"(CAA 128 issue "ca.test; a=b")", "80 05 6973737565 63612e746573743b20613d62"},
    {"SSHFP 4 2 ABcd 00ff", "04 02 abcd00ff"},
    {"TLSA 3 1 1 0F", "03 01 01 0f"},
    {"DS 12345 13 2 00 FF", "3039 0d 02 00ff"},
    {R"(NAPTR 100 10 "S" SIP+D2U "!^.*$!sip:i@x!" .)",
     "0064 000a 01 53 07 5349502b443255 0e 215e2e2a24217369703a69407821 00"},
    {"DNSKEY 257 3 13 AA EC", "0101 03 0d 0001 02"},
    {"RRSIG A 13 2 3600 20300101000000 946684800 12345 a. /w==",
     "0001 0d 02 00000e10 70dbd880 386d4380 3039 0161 00 ff"},
    {"NSEC . CAA A TYPE1", "00 00 01 40 01 01 40"},
    {"NSEC .", "00"},
    {"NSEC3 1 0 12 - 000G40o4 A", "01 00 000c 00 05 0001020304 00 01 40"},
    {"NSEC3PARAM 1 0 10 AABB", "01 00 000a 02 aabb"},
    {"EUI48 00-00-5e-00-53-2A", "00005e00532a"},
    {R"(URI 10 1 "ftp://a/")", "000a 0001 6674703a2f2f612f"},
    {"TYPE65280 \\# 3 0a0B 0C", "0a0b0c"},
    {"TYPE65280 \\# 0", ""},
    {"A \\# 4 C0000201", "c0000201"},
    {"MX \\# 5 000a 01 41 00", "000a 0161 00"},
    {"HTTPS 0 a.test", "0000 0161 0474657374 00"},
    {"HTTPS 1 . alpn=h2,h3 port=8443", "0001 00 0001 0006 02 6832 02 6833 0003 0002 20fb"},
    // The vectors of RFC 9460 appendix D.2.
    {"SVCB 0 foo.example.com.", "0000 03666f6f 076578616d706c65 03636f6d 00"},
    {"SVCB 16 foo.example.com. port=53",
     "0010 03666f6f 076578616d706c65 03636f6d 00 0003 0002 0035"},
    {"SVCB 1 foo.example.com. key667=hello",
     "0001 03666f6f 076578616d706c65 03636f6d 00 029b 0005 68656c6c6f"},
    {R"(SVCB 1 foo.example.com. key667="hello\210qoo")",
     "0001 03666f6f 076578616d706c65 03636f6d 00 029b 0009 68656c6c6fd2716f6f"},
    {R"(SVCB 1 foo.example.com. ipv6hint="2001:db8::1,2001:db8::53:1")",
     "0001 03666f6f 076578616d706c65 03636f6d 00 0006 0020 20010db8000000000000000000000001 "
     "20010db8000000000000000000530001"},
    {R"(SVCB 16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1)",
     "0010 03666f6f 076578616d706c65 036f7267 00 0000 0004 0001 0004 0001 0009 02 6832 05 "
     "68332d3139 0004 0004 c0000201"},
    {R"(SVCB 16 foo.example.org. alpn="f\\\\oo\\,bar,h2")",
     "0010 03666f6f 076578616d706c65 036f7267 00 0001 000c 08 665c6f6f2c626172 02 6832"},
    {R"(SVCB 16 foo.example.org. alpn=f\\\092oo\092,bar,h2)",
     "0010 03666f6f 076578616d706c65 036f7267 00 0001 000c 08 665c6f6f2c626172 02 6832"},
    {"HTTPS 1 . no-default-alpn alpn=h2 ech=AEP+DQA=",
     "0001 00 0001 0003 02 6832 0002 0000 0005 0005 0043fe0d00"},
};

TEST_CASE("the text of each type is read, and what is written of it reads back") {
  for (const Example& example : kExamples) {
    const std::string text = example.text;
    const Type type = *type_from_text(text.substr(0, text.find(' ')));
    const Bytes rdata = rdata_of(text);
    CHECK(rdata == hex(example.wire));
    const auto again = rdata_from_text(type, written(type, rdata));
    REQUIRE(again);
    CHECK(*again == rdata);
  }
}

TEST_CASE("all that may be in RDATA is written so that it reads back") {
  uint32_t state = 1;
  const auto next = [&state](uint32_t below) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
  };
  for (const int number : {16, 13, 257, 256, 47, 50, 51, 64, 65, 43, 46, 108, 35, 62, 65280}) {
    const auto type = static_cast<Type>(number);
    for (int round = 0; round < 2000; ++round) {
      Bytes rdata(next(40));
      for (uint8_t& byte : rdata) byte = static_cast<uint8_t>(next(4) == 0 ? next(0xc0) : next(5));
      for (uint8_t& byte : rdata) byte = fold(byte);
      const std::string text = written(type, rdata);
      INFO(to_text(type) << ' ' << text);
      const auto again = rdata_from_text(type, text);
      if (!again && text.starts_with("\\#")) continue;  // it never was RDATA of the type
      REQUIRE(again);
      CHECK(*again == rdata);
    }
  }
}

TEST_CASE("a record has a name, a TTL or none, the class IN or none, and a type") {
  const auto bare = record_from_text("Www.test TXT x");
  REQUIRE(bare);
  CHECK(bare->owner == *Name::from_text("www.test"));
  CHECK_FALSE(bare->is_wildcard);
  CHECK_FALSE(bare->ttl);
  CHECK(bare->type == static_cast<Type>(16));
  CHECK(bare->rdata == hex("01 78"));
  for (const char* text : {"*.a.test. 60 IN A 192.0.2.1", "*.a.test in 60 a 192.0.2.1",
                           "\t*.a.test  60\tA 192.0.2.1 "}) {
    const auto record = record_from_text(text);
    REQUIRE(record);
    CHECK(record->is_wildcard);
    CHECK(record->owner == *Name::from_text("a.test"));
    CHECK(record->ttl == 60U);
    CHECK(record->rdata == hex("c0000201"));
  }
  CHECK(record_from_text("a.test TYPE1 192.0.2.1"));
  CHECK(record_from_text(". NS a.test"));
}

TEST_CASE("an error names the word and what would be right") {
  CHECK(error_of("") == "there is no name: write NAME [TTL] TYPE RDATA");
  CHECK(error_of("a.test") == "there is no type: write NAME [TTL] TYPE RDATA");
  CHECK(error_of("a..test A 192.0.2.1") ==
        "'a..test' is not a domain name, or one with *. in front");
  CHECK(error_of("* A 192.0.2.1") == "'*' is not a domain name, or one with *. in front");
  CHECK(error_of("$TTL 60") ==
        "'$TTL' is not a name: each one is written whole, there is no $ORIGIN, $TTL or @");
  CHECK(error_of("a.test CH TXT x") ==
        "'CH' is not a class of static records: they are of class IN");
  CHECK(error_of("a.test 4294967296 A 192.0.2.1") ==
        "'4294967296' is not a TTL: seconds, up to 2147483647");
  CHECK(error_of("a.test 60 60 A 192.0.2.1").starts_with("'60' is not a type of records"));
  for (const char* type : {"FOO", "ANY", "AXFR", "OPT", "TYPE0", "TSIG", "TYPE65536"})
    CHECK(error_of(std::string("a.test ") + type + " \\# 0").find("is not a type of records") !=
          std::string::npos);
  CHECK(error_of("a.test A") == "there is no IPV4; A is written as IPV4");
  CHECK(error_of("a.test A ::1") == "'::1' is not an IPv4 address; A is written as IPV4");
  CHECK(error_of("a.test A 192.0.2.1 x") == "'x' is one word too many; A is written as IPV4");
  CHECK(error_of("a.test MX mail.test") ==
        "'mail.test' is not a number up to 65535; MX is written as NUMBER NAME");
  CHECK(error_of("a.test MX 65536 mail.test") ==
        "'65536' is not a number up to 65535; MX is written as NUMBER NAME");
  CHECK(error_of("a.test MX 1") == "there is no NAME; MX is written as NUMBER NAME");
  CHECK(error_of("a.test TXT") == "there is no \"TEXT\"; TXT is written as \"TEXT\"...");
  CHECK(error_of("a.test TXT \"a").starts_with("'\"a' is not text of at most 255 bytes"));
  CHECK(error_of("a.test TXT " + std::string(256, 'x')).find("at most 255") != std::string::npos);
  CHECK(error_of("a.test TXT a\\256").find("is not text") != std::string::npos);
  CHECK(error_of("a.test TLSA 1 1 1 abc").find("hex digits, two for each byte") !=
        std::string::npos);
  CHECK(error_of("a.test DS 1 1 1").find("there are no hex digits") != std::string::npos);
  CHECK(error_of("a.test TYPE65280 abc") ==
        "TYPE65280 has no text form here; write \\# LENGTH HEX");
  CHECK(error_of("a.test TYPE65280 \\# 2 00") == "'2' is not the length: there are 1 bytes");
  CHECK(error_of("a.test TYPE65280 \\# x 00").starts_with("'x' is not a length"));
  CHECK(error_of("a.test A \\# 3 000000").starts_with("these bytes are no RDATA of the type"));
  CHECK(error_of("a.test HTTPS 1 . foo=1").find("'foo=1' is not a parameter") == 0);
  CHECK(error_of("a.test HTTPS 1 . port=65536").starts_with("'port=65536' is not port=NUMBER"));
  CHECK(error_of("a.test HTTPS 1 . port=1 port=2").starts_with("'port=2' stands there twice"));
  CHECK(error_of("a.test HTTPS 1 . ipv4hint=::1").find("ipv4hint=IPV4") != std::string::npos);
  CHECK(error_of("a.test HTTPS 1 . mandatory=port").find("port is mandatory and is not there") !=
        std::string::npos);
  CHECK(error_of("a.test HTTPS 1 . mandatory=mandatory").find("mandatory=KEY") !=
        std::string::npos);
  CHECK(error_of("a.test HTTPS 1 . no-default-alpn=x").find("without a value") !=
        std::string::npos);
}

}  // namespace
}  // namespace dnslet::dns

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/record_text.h"

#include "catch.h"
#include "dns/packet.h"
#include "dns/rdata.h"

namespace dnslet::dns {
namespace {

using test::hex;
using test::kToQuestion;
using test::Packet;

// The text of such a record of a.test.
std::string text_of(int type, const Bytes& rdata) {
  const Packet packet = Packet("a.test", Type::A)
                            .flags(0x8180)
                            .answer({kToQuestion, static_cast<Type>(type), 60, rdata});
  const auto message = Message::parse(packet);
  REQUIRE(message);
  std::string text;
  message->for_each_record([&](const Record& record) { text = rdata_text(*message, record); });
  return text;
}
std::string text_of(int type, const char* rdata) { return text_of(type, hex(rdata)); }

TEST_CASE("names inside of RDATA are written out") {
  CHECK(text_of(15, "000a 046d61696c c00c") == "10 mail.a.test");
  CHECK(text_of(15, "0000 00") == "0 .");
  CHECK(text_of(33, "0001 0002 0035 c00c") == "1 2 53 a.test");
  CHECK(text_of(6, "c00c 0161 c00c 00000001 00000002 00000003 00000004 00000005") ==
        "a.test a.a.test 1 2 3 4 5");
  CHECK(text_of(17, "c00c 00") == "a.test .");
}

TEST_CASE("text stands in quotes, and what is not printable as a number") {
  CHECK(text_of(16, "03 612062 00 02 225c 03 00ff7f") == R"("a b" "" "\"\\" "\000\255\127")");
  CHECK(text_of(257, "00 05 6973737565 78 22") == R"(0 issue "x\"")");
  CHECK(text_of(257, "00 00 78") == "\\# 3 000078");  // nobody could read back an empty tag
  CHECK(text_of(257, "80 02 2041 ") == R"(128 \032A "")");
  CHECK(text_of(35, "0001 0002 01 53 00 01 21 c00c") == R"(1 2 "S" "" "!" a.test)");
}

TEST_CASE("bytes are written in the digits of their type") {
  CHECK(text_of(43, "3039 0d 02 00ff") == "12345 13 2 00FF");
  CHECK(text_of(48, "0101 03 0d 00") == "257 3 13 AA==");
  CHECK(text_of(48, "0101 03 0d 000102") == "257 3 13 AAEC");
  CHECK(text_of(50, "01 00 000c 00 05 0001020304 00 01 40") == "1 0 12 - 000G40O4 A");
  CHECK(text_of(108, "00005e00532a") == "00-00-5e-00-53-2a");
}

TEST_CASE("a signature has its type, times and signer") {
  CHECK(text_of(46, "0001 0d 02 00000e10 70dbd880 386d4380 3039 c00c") ==
        "\\# 20 00010D0200000E1070DBD880386D43803039C00C");
  CHECK(text_of(46, "0001 0d 02 00000e10 70dbd880 386d4380 3039 0161 00 ff") ==
        "A 13 2 3600 20300101000000 20000101000000 12345 a /w==");
}

TEST_CASE("a type bitmap is a list of types") {
  CHECK(text_of(47, "00 00 01 40 01 01 40") == ". A CAA");
  CHECK(text_of(47, "00 ff 20 0000000000000000000000000000000000000000000000000000000000000001") ==
        ". TYPE65535");
  CHECK(text_of(47, "00") == ".");
  for (const char* const bad :
       {"00 00", "00 00 00", "00 00 21", "00 01 01 40 00 01 40", "00 00 02 40"})
    CHECK(text_of(47, bad).starts_with("\\# "));
}

TEST_CASE("parameters of SVCB and HTTPS have names") {
  CHECK(text_of(65, "0001 00 0001 0003 02 6832 0003 0002 01bb") == R"(1 . alpn="h2" port=443)");
  CHECK(text_of(64, "0001 00 0000 0004 0001 0003 0001 0006 02 6832 02 2c5c 0003 0002 01bb") ==
        R"(1 . mandatory=alpn,port alpn="h2,\\,\\\\" port=443)");
  CHECK(text_of(65, "0001 00 0002 0000 0004 0004 c0000201 0009 0001 41") ==
        R"(1 . no-default-alpn ipv4hint=192.0.2.1 key9="A")");
  for (const char* const bad :
       {"0001 00 0003 0001 01", "0001 00 0004 0003 c00002", "0001 00 0003 0002 01bb 0003 0002 01bb",
        "0001 00 0003 0002 01bb 0001 0003 02 6832", "0001 00 0001 0002 02 68", "0001 00 00",
        "0001 00 0000 0002 0003 0001 0003 02 6832", "0001 00 0005 0000", "0001 00 0001 0001 00"})
    CHECK(text_of(65, bad).starts_with("\\# "));
}

TEST_CASE("what is not known or not whole is written as bytes") {
  CHECK(text_of(65280, "") == "\\# 0");
  CHECK(text_of(65280, "c00c") == "\\# 2 C00C");
  CHECK(text_of(16, "") == "\\# 0");
  CHECK(text_of(16, "05 61") == "\\# 2 0561");
  CHECK(text_of(13, "01 61") == "\\# 2 0161");
  CHECK(text_of(13, "01 61 00 00") == "\\# 4 01610000");
}

TEST_CASE("names are written out among bytes too") {
  CHECK(text_of(30, "c00c 40") == "\\# 9 016104746573740040");
  CHECK(text_of(14, "c00c c0ff") == "\\# 4 C00CC0FF");
}

TEST_CASE("no RDATA of any type is anything but printable") {
  test::Dice dice(9);
  for (int type = 1; type < 300; ++type) {
    for (int i = 0; i < 60; ++i) {
      Bytes rdata(dice.roll(40));
      for (uint8_t& byte : rdata)
        byte = static_cast<uint8_t>(dice.roll(dice.roll(2) == 0 ? 4 : 256));
      const Packet packet =
          Packet("a.test", Type::A).answer({kToQuestion, static_cast<Type>(type), 60, rdata});
      const auto message = Message::parse(packet);
      if (!message) continue;
      message->for_each_record([&](const Record& record) {
        const std::string text = rdata_text(*message, record);
        if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }))
          FAIL(type << ' ' << text);
      });
    }
  }
}

}  // namespace
}  // namespace dnslet::dns

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/requalify.h"

#include <string>
#include <vector>

#include "catch.h"
#include "dns/packet.h"

namespace dnslet::dns {
namespace {

using test::append;
using test::hex;
using test::kToQuestion;
using test::Packet;
using test::wire_name;

// The records of `packet` under another name: owner, type, name in the RDATA.
std::vector<std::string> requalified(const Packet& packet) {
  const auto found = Message::parse(packet);
  REQUIRE(found);
  const Bytes bytes = requalify(*found, {*Name::from_text("db"), found->question().type}, 60);
  const auto told = Message::parse(bytes);
  REQUIRE(told);
  CHECK_FALSE(told->has(flag::kTc));
  std::vector<std::string> records;
  told->for_each_record([&](const Record& record) {
    records.push_back(told->owner(record).view().to_text() + " " + to_text(record.type) + " " +
                      told->name_at(record.rdata()).view().to_text());
  });
  return records;
}

TEST_CASE("names inside RDATA move with the message") {
  const Packet packet = Packet("db.test", Type::NS)
                            .flags(0x8180)
                            .answer({kToQuestion, Type::NS, 9, wire_name("ns.db.test")})
                            .answer({kToQuestion, Type::NS, 9, hex("01 78 c00c")});
  CHECK(requalified(packet) == std::vector<std::string>{"db CNAME db.test", "db.test NS ns.db.test",
                                                        "db.test NS x.db.test"});
}

TEST_CASE("a record with a broken name inside is left out, the others stay") {
  // Beyond the end, a label type that does not exist, and into the header.
  for (const char* const broken : {"c0ff", "01 78 80", "c004", "01 78 c000"}) {
    CAPTURE(broken);
    constexpr auto kMb = static_cast<Type>(7);
    const Packet packet = Packet("db.test", kMb)
                              .flags(0x8180)
                              .answer({kToQuestion, kMb, 9, hex(broken)})
                              .answer({kToQuestion, kMb, 9, wire_name("ns.test")});
    CHECK(requalified(packet) ==
          std::vector<std::string>{"db CNAME db.test", "db.test " + to_text(kMb) + " ns.test"});
  }
}

}  // namespace
}  // namespace dnslet::dns

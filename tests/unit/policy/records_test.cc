// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/records.h"

#include "catch.h"

namespace dnslet::policy {
namespace {

using dns::Name;
using dns::Type;

constexpr auto kTxt = static_cast<Type>(16);

// Adds each; the sentence of the first that fails, or "".
std::string add_all(Records& table, std::initializer_list<const char*> records) {
  for (const char* text : records) {
    INFO(text);
    const auto record = dns::record_from_text(text);
    REQUIRE(record);
    if (const Status status = table.add(*record, 10); !status) return status.error().text;
  }
  const Status status = table.check_aliases();
  return status ? "" : status.error().text;
}

std::string check(std::initializer_list<const char*> records) {
  Records table(1);
  return add_all(table, records);
}

TEST_CASE("records are found by their name, in the order given, each once") {
  Records table(1);
  CHECK(table.empty());
  CHECK(add_all(table, {"a.test TXT one", "A.test 60 TXT two", "a.test A 192.0.2.1",
                        "a.test TXT one", "b.test MX 1 a.test"}) == "");
  CHECK(table.owners() == 2);
  const auto owner = table.find(*Name::from_text("a.test"));
  REQUIRE(owner);
  REQUIRE(table.of(*owner).size() == 3);
  CHECK(table.of(*owner)[0].ttl == 10);
  CHECK(table.of(*owner)[1].ttl == 60);
  CHECK(table.has(*owner, kTxt));
  CHECK(table.has_addresses(*owner));
  CHECK_FALSE(table.has(*owner, Type::MX));
  CHECK_FALSE(table.find(*Name::from_text("x.a.test")));
  CHECK_FALSE(table.find(*Name::from_text("test")));
}

TEST_CASE("the longest wildcard has a name without records of its own") {
  Records table(1);
  CHECK(add_all(table, {"*.test TXT short", "*.a.test TXT long", "b.a.test A 192.0.2.1"}) == "");
  const auto name_of = [&](const char* text) {
    const auto owner = table.find(*Name::from_text(text));
    if (!owner) return std::string("none");
    return (table.is_wildcard(*owner) ? "*." : "") + table.name_of(*owner).to_text();
  };
  CHECK(name_of("x.test") == "*.test");
  CHECK(name_of("x.y.a.test") == "*.a.test");
  CHECK(name_of("a.test") == "*.test");
  CHECK(name_of("b.a.test") == "b.a.test");
  CHECK(name_of("x.b.a.test") == "*.a.test");
  CHECK(name_of("test") == "none");
  CHECK(name_of(".") == "none");
}

TEST_CASE("the first name with an address is its reverse, a wildcard is none") {
  Records table(1);
  CHECK(add_all(table, {"*.w.test A 192.0.2.1", "a.test A 192.0.2.1", "b.test A 192.0.2.1",
                        "b.test AAAA ::1"}) == "");
  CHECK(table.find_name(IpAddress::v4(192, 0, 2, 1))->to_text() == "a.test");
  CHECK(table.find_name(IpAddress::loopback(Family::V6))->to_text() == "b.test");
  CHECK_FALSE(table.find_name(IpAddress::v4(192, 0, 2, 2)));
}

TEST_CASE("beside a CNAME a name has no other record") {
  constexpr const char* kError = "'a.test' has a CNAME, beside which a name has no other record";
  CHECK(check({"a.test CNAME b.test", "a.test A 192.0.2.1"}) == kError);
  CHECK(check({"a.test A 192.0.2.1", "a.test CNAME b.test"}) == kError);
  CHECK(check({"a.test CNAME c.test", "a.test CNAME b.test"}) == kError);
  CHECK(check({"*.a.test CNAME c.test", "*.a.test TXT x"}).starts_with("'*.a.test' has a CNAME"));
  CHECK(check({"a.test CNAME b.test", "a.test CNAME b.test", "*.a.test A 192.0.2.1"}) == "");
}

TEST_CASE("a name has so many records and no more") {
  Records table(1);
  dns::WrittenRecord record = *dns::record_from_text("a.test A 192.0.2.1");
  for (std::size_t i = 0; i < Records::kMaxPerName; ++i) {
    record.rdata[0] = static_cast<uint8_t>(i >> 8);
    record.rdata[1] = static_cast<uint8_t>(i);
    REQUIRE(table.add(record, 10));
  }
  CHECK(table.add(record, 10));  // it is there already
  record.rdata[0] = 255;
  const Status status = table.add(record, 10);
  REQUIRE_FALSE(status);
  CHECK(status.error().text == "'a.test' has more than 4096 records");
}

TEST_CASE("CNAMEs that lead in a circle are refused, whatever their order") {
  constexpr const char* kError = "leads back to it";
  CHECK(check({"a.test CNAME a.test"}).ends_with(kError));
  CHECK(check({"a.test CNAME b.test", "b.test CNAME c.test", "c.test CNAME a.test"})
            .ends_with(kError));
  CHECK(check({"x.test CNAME a.test", "b.test CNAME a.test", "a.test CNAME b.test"})
            .ends_with(kError));
  CHECK(check({"*.a.test CNAME x.a.test"}).ends_with(kError));
  CHECK(check({"*.a.test CNAME x.a.test", "x.a.test A 192.0.2.1"}) == "");
  CHECK(check({"a.test CNAME b.test", "b.test CNAME c.test", "c.test A 192.0.2.1"}) == "");
}

TEST_CASE("an alias leads to its target, by wildcard too") {
  Records table(1);
  CHECK(add_all(table, {"a.test CNAME B.test", "*.w.test CNAME a.test", "c.test TXT x"}) == "");
  const auto alias_of = [&](const char* text) {
    const auto target = table.alias_of(*Name::from_text(text));
    return target ? target->to_text() : "none";
  };
  CHECK(alias_of("a.test") == "b.test");
  CHECK(alias_of("x.w.test") == "a.test");
  CHECK(alias_of("c.test") == "none");
  CHECK(alias_of("d.test") == "none");
}

}  // namespace
}  // namespace dnslet::policy

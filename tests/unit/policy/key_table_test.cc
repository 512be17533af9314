// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/key_table.h"

#include <map>

#include "catch.h"
#include "dns/packet.h"

namespace dnslet::policy {
namespace {

using dns::Bytes;

dns::Name name(std::string_view text) { return *dns::Name::from_text(text); }

Bytes key_of(std::size_t number) { return test::wire_name("h" + std::to_string(number) + ".test"); }

TEST_CASE("an empty table finds nothing") {
  const KeyTable table(1);
  CHECK(table.empty());
  CHECK(table.size() == 0);
  CHECK_FALSE(table.find(key_of(1)));
  CHECK_FALSE(find_closest(table, name("a.test")));
}

TEST_CASE("keys are numbered as they come, and keep their number") {
  KeyTable table(1);
  CHECK(table.insert(key_of(7)) == 0);
  CHECK(table.insert(key_of(3)) == 1);
  CHECK(table.insert(key_of(7)) == 0);
  CHECK(table.size() == 2);
  CHECK(std::ranges::equal(table.key(0), key_of(7)));
  CHECK(std::ranges::equal(table.key(1), key_of(3)));
}

TEST_CASE("a key is its whole bytes") {
  KeyTable table(1);
  (void)table.insert(Bytes{1, 2, 3});
  CHECK_FALSE(table.find(Bytes{1, 2}));
  CHECK_FALSE(table.find(Bytes{1, 2, 3, 0}));
  CHECK_FALSE(table.find(Bytes{}));
  CHECK(table.find(Bytes{1, 2, 3}) == 0U);
}

TEST_CASE("a table agrees with a map while it grows") {
  const auto seed = static_cast<uint64_t>(GENERATE(0, 1, 0x7fffffff));
  KeyTable table(seed);
  std::map<Bytes, uint32_t> oracle;
  test::Dice dice(5);
  for (int i = 0; i < 20'000; ++i) {
    const Bytes key = key_of(dice.roll(6'000));
    const auto known = oracle.find(key);
    if (table.find(key).has_value() != (known != oracle.end())) FAIL("found otherwise");
    const uint32_t expected =
        known != oracle.end() ? known->second : static_cast<uint32_t>(oracle.size());
    oracle.emplace(key, expected);
    if (table.insert(key) != expected) FAIL("numbered otherwise");
  }
  REQUIRE(table.size() == oracle.size());
  for (const auto& [key, number] : oracle) {
    REQUIRE(table.find(key) == number);
    REQUIRE(std::ranges::equal(table.key(number), key));
  }
}

TEST_CASE("the closest ancestor is found on label boundaries") {
  KeyTable table(1);
  (void)table.insert(name("example.com").view().wire());
  (void)table.insert(name("db.example.com").view().wire());
  CHECK(find_closest(table, name("example.com")) == 0U);
  CHECK(find_closest(table, name("www.example.com")) == 0U);
  CHECK(find_closest(table, name("db.example.com")) == 1U);
  CHECK(find_closest(table, name("a.b.db.example.com")) == 1U);
  CHECK_FALSE(find_closest(table, name("notexample.com")));
  CHECK_FALSE(find_closest(table, name("com")));
  CHECK_FALSE(find_closest(table, name(".")));
}

TEST_CASE("the root is everybody's ancestor, and the last choice") {
  KeyTable table(1);
  (void)table.insert(name(".").view().wire());
  (void)table.insert(name("test").view().wire());
  CHECK(find_closest(table, name(".")) == 0U);
  CHECK(find_closest(table, name("a.example.com")) == 0U);
  CHECK(find_closest(table, name("a.test")) == 1U);
}

}  // namespace
}  // namespace dnslet::policy

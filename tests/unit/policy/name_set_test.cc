// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/name_set.h"

#include <string>
#include <unordered_set>
#include <utility>

#include "catch.h"

namespace dnslet::policy {
namespace {

constexpr uint64_t kSeed = 0x0123456789abcdef;

dns::Name name(const std::string& text) {
  const auto parsed = dns::Name::from_text(text);
  REQUIRE(parsed);
  return *parsed;
}

bool has(const NameSet& set, const std::string& text) {
  return set.has(NameHashes(name(text), kSeed));
}

TEST_CASE("an empty set has no name") {
  NameSet set;
  CHECK_FALSE(has(set, "a.test"));
  set.finish();
  CHECK(set.empty());
  CHECK_FALSE(has(set, "a.test"));
  CHECK_FALSE(has(set, "."));
}

TEST_CASE("an entry takes the name, what is below it, or both") {
  NameSet set;
  set.add(name("alone.test"), Covers::Name, kSeed);
  set.add(name("both.test"), Covers::NameAndBelow, kSeed);
  set.add(name("below.test"), Covers::Below, kSeed);
  set.finish();
  CHECK(set.size() == 3);

  CHECK(has(set, "alone.test"));
  CHECK_FALSE(has(set, "x.alone.test"));
  CHECK(has(set, "both.test"));
  CHECK(has(set, "x.both.test"));
  CHECK(has(set, "y.x.both.test"));
  CHECK_FALSE(has(set, "below.test"));
  CHECK(has(set, "x.below.test"));
  CHECK(has(set, "y.x.below.test"));
  for (const char* other : {"test", "xboth.test", "both.testx", "both.test.x", "."})
    CHECK_FALSE(has(set, other));
}

TEST_CASE("the hashes of a name are those of the names above it, whatever their sizes") {
  std::string text;
  for (int i = 0; text.size() < 250; ++i) {
    text = std::string(1 + static_cast<std::size_t>(i) * 5 % 11, 'a') + (i ? "." : "") + text;
    if (text.size() > 253) break;
    const dns::Name below = name(text);
    const NameHashes hashes(below, kSeed);
    std::size_t dot = 0;  // of the name above: behind it
    for (std::size_t labels = hashes.all().size(); labels > 0; --labels) {
      const dns::Name above = name(text.substr(dot));
      CHECK(NameHashes(above, kSeed).all().back() == hashes.all()[labels - 1]);
      dot = text.find('.', dot) + 1;
    }
    CHECK(dot == 0);
  }
}

TEST_CASE("a name of the most labels has as many hashes, all different") {
  std::string text = "a";
  for (int i = 1; i < 127; ++i) text += ".a";
  const dns::Name most = name(text);
  const NameHashes hashes(most, kSeed);
  CHECK(hashes.all().size() == 127);
  CHECK(std::unordered_set<uint64_t>(hashes.all().begin(), hashes.all().end()).size() == 127);
}

TEST_CASE("a dot inside a label is none between labels") {
  NameSet set;
  set.add(name("ads.test"), Covers::NameAndBelow, kSeed);
  set.add(name("longer-label.of-ads.test"), Covers::Name, kSeed);
  set.finish();
  CHECK(has(set, "x\\.y.ads.test"));
  for (const char* other :
       {"ads\\.test", "x.ads\\.test", "longer-label\\.of-ads.test", "longer-label.of-ads\\.test"})
    CHECK_FALSE(has(set, other));
}

TEST_CASE("a name that is added twice counts once") {
  NameSet set;
  for (int i = 0; i < 100; ++i) set.add(name("a.test"), Covers::NameAndBelow, kSeed);
  set.finish();
  CHECK(set.size() == 1);
  CHECK(has(set, "a.test"));
}

TEST_CASE("labels are told apart, not only their letters") {
  NameSet set;
  set.add(name("ab.c.test"), Covers::NameAndBelow, kSeed);
  set.finish();
  CHECK_FALSE(has(set, "a.bc.test"));
  CHECK_FALSE(has(set, "c.ab.test"));
  CHECK_FALSE(has(set, "abc.test"));
}

TEST_CASE("names of 127 labels are found") {
  std::string longest = "a";
  for (int i = 1; i < 127; ++i) longest += ".a";
  NameSet set;
  set.add(name(longest), Covers::Name, kSeed);
  set.add(name("b.test"), Covers::Below, kSeed);
  set.finish();
  CHECK(has(set, longest));
  CHECK_FALSE(has(set, longest.substr(2)));
}

TEST_CASE("names under another key are not found") {
  NameSet set;
  set.add(name("a.test"), Covers::Name, kSeed);
  set.finish();
  CHECK_FALSE(set.has(NameHashes(name("a.test"), kSeed + 1)));
}

TEST_CASE("a set has all of many names and no other, in 9 bytes each") {
  constexpr int kNames = 100'000;
  NameSet set;
  for (int i = 0; i < kNames; ++i)
    set.add(name("n" + std::to_string(i) + ".test"), Covers::NameAndBelow, kSeed);
  set.finish();
  CHECK(set.size() == kNames);
  CHECK(set.memory() <= kNames * 9);
  int found = 0;
  int wrong = 0;
  for (int i = 0; i < kNames; ++i) {
    found += has(set, "www.n" + std::to_string(i) + ".test") ? 1 : 0;
    wrong += has(set, "www.m" + std::to_string(i) + ".test") ? 1 : 0;
  }
  CHECK(found == kNames);
  CHECK(wrong == 0);
}

TEST_CASE("an array of hashes is sorted whatever is in it") {
  for (const std::size_t count : {1U, 2U, 31U, 32U, 33U, 1000U, 70'000U}) {
    HashArray array;
    std::unordered_set<uint64_t> all;
    uint64_t state = count;
    for (std::size_t i = 0; i < count; ++i) {
      state = state * 6364136223846793005 + 1442695040888963407;
      const uint64_t hash = i % 3 == 0 ? state & 0xff : i % 3 == 1 ? ~(state & 0xff00) : state;
      array.add(hash);
      all.insert(hash);
    }
    array.finish();
    CHECK(array.size() == all.size());
    std::size_t found = 0;
    for (const uint64_t hash : all) found += array.has(hash) ? 1U : 0U;
    CHECK(found == all.size());
    for (const uint64_t hash : {uint64_t{1} << 40, ~(uint64_t{1} << 41)})
      CHECK(array.has(hash) == all.contains(hash));
  }
}

TEST_CASE("a set that is moved takes its names along") {
  NameSet set;
  set.add(name("a.test"), Covers::Name, kSeed);
  set.finish();
  const NameSet moved = std::move(set);
  CHECK(has(moved, "a.test"));
}

}  // namespace
}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/recent_places.h"

#include <list>
#include <map>
#include <random>

#include "catch.h"

namespace dnslet::policy {
namespace {

TEST_CASE("places are found by key among equal hashes") {
  RecentPlaces places(3);
  CHECK(places.take(7) == 0);
  CHECK(places.take(7) == 1);
  CHECK(places.taken() == 2);
  CHECK(places.find(7, [](uint32_t place) { return place == 0; }) == 0);
  CHECK(places.find(7, [](uint32_t place) { return place == 1; }) == 1);
  CHECK_FALSE(places.find(7, [](uint32_t) { return false; }));
  CHECK_FALSE(places.find(8, [](uint32_t) { return true; }));
}

TEST_CASE("one place serves all, one after the other") {
  RecentPlaces places(1);
  CHECK(places.take(1) == 0);
  places.use(0);
  CHECK(places.take(2) == 0);
  CHECK(places.taken() == 1);
  CHECK_FALSE(places.find(1, [](uint32_t) { return true; }));
  CHECK(places.find(2, [](uint32_t) { return true; }) == 0);
}

TEST_CASE("it does as a plain list of what was used does") {
  constexpr uint32_t kCapacity = 20;
  RecentPlaces places(kCapacity);
  std::list<uint64_t> used;  // the one used last in front
  std::map<uint32_t, uint64_t> held;
  std::mt19937 random(1);
  for (int i = 0; i < 5000; ++i) {
    const uint64_t key = random() % 40;
    const uint64_t hash = key % 10;  // many share one
    const auto place =
        places.find(hash, [&](uint32_t candidate) { return held.at(candidate) == key; });
    const bool is_there = std::erase(used, key) > 0;
    REQUIRE(place.has_value() == is_there);
    used.push_front(key);
    if (place) {
      places.use(*place);
      continue;
    }
    const uint32_t taken = places.take(hash);
    if (used.size() > kCapacity) {
      REQUIRE(held.at(taken) == used.back());
      used.pop_back();
    }
    held[taken] = key;
  }
}

}  // namespace
}  // namespace dnslet::policy

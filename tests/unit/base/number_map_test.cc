// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/number_map.h"

#include <map>

#include "catch.h"
#include "dns/packet.h"

using namespace dnslet;

TEST_CASE("a map of numbers does what std::map does, whatever comes and goes") {
  test::Dice dice(7);
  NumberMap numbers;
  std::map<uint64_t, uint64_t> expected;
  for (int step = 0; step < 200'000; ++step) {
    const uint64_t key = dice.roll(step < 100'000 ? 3000 : 300);
    CHECK(numbers.contains(key) == expected.contains(key));
    if (const auto found = expected.find(key); found != expected.end()) {
      REQUIRE(numbers.take(key) == found->second);
      expected.erase(found);
    } else {
      numbers.put(key, static_cast<uint64_t>(step) + 1);
      expected[key] = static_cast<uint64_t>(step) + 1;
    }
  }
  CHECK(numbers.size() == expected.size());
  for (const auto& [key, value] : expected) CHECK(numbers.find(key) == value);
}

TEST_CASE("a map of numbers finds nothing where nothing was put") {
  NumberMap numbers;
  CHECK(numbers.find(0) == 0);
  CHECK(numbers.take(1) == 0);
  numbers.put(0, 5);
  CHECK(numbers.find(0) == 5);
  CHECK(numbers.take(0) == 5);
  CHECK(numbers.size() == 0);
}

TEST_CASE("the memory of a map of numbers is given back once little of it is needed") {
  NumberMap numbers;
  for (uint64_t key = 0; key < 10'000; ++key) numbers.put(key, 1);
  const std::size_t most = numbers.capacity();
  for (uint64_t key = 0; key < 10'000; ++key) numbers.take(key);
  CHECK(numbers.capacity() == most);  // the next burst may be as large
  numbers.put(1, 1);
  numbers.take(1);
  CHECK(numbers.capacity() == 0);
  for (uint64_t key = 0; key < 100; ++key) numbers.put(key, 1);
  for (uint64_t key = 0; key < 100; ++key) numbers.take(key);
  CHECK(numbers.capacity() > 0);
}

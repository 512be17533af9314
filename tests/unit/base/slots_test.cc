// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/slots.h"

#include <memory>
#include <vector>

#include "catch.h"

namespace dnslet {
namespace {

using Texts = Slots<std::unique_ptr<int>>;

uint64_t add(Texts& slots, int value) { return slots.add(std::make_unique<int>(value)); }

TEST_CASE("the number of what is gone finds nothing, whoever has its place") {
  Texts slots;
  CHECK(slots.find(0) == nullptr);
  const uint64_t first = add(slots, 1);
  CHECK(**slots.find(first) == 1);
  slots.remove(first);
  CHECK(slots.find(first) == nullptr);
  const uint64_t second = add(slots, 2);
  CHECK(Texts::place_of(second) == Texts::place_of(first));
  CHECK(slots.find(first) == nullptr);
  CHECK(**slots.at(Texts::place_of(second)) == 2);
  CHECK(slots.at(0) == nullptr);
  CHECK(slots.at(2) == nullptr);
}

TEST_CASE("the oldest is the one that came first of those that are left") {
  Texts slots;
  CHECK(slots.oldest() == 0);
  std::vector<uint64_t> numbers;
  for (int i = 0; i < 5; ++i) numbers.push_back(add(slots, i));
  for (const std::size_t i : {1U, 0U, 4U}) slots.remove(numbers[i]);
  CHECK(slots.oldest() == numbers[2]);
  const uint64_t newest = add(slots, 5);
  slots.remove(numbers[2]);
  slots.remove(numbers[3]);
  CHECK(slots.oldest() == newest);
  CHECK(slots.size() == 1);
  slots.remove(newest);
  CHECK(slots.oldest() == 0);
  CHECK(slots.empty());
}

TEST_CASE("things keep their addresses while the table grows, and numbers are never used again") {
  Texts slots;
  const uint64_t first = add(slots, 0);
  const auto* const address = slots.find(first);
  std::vector<uint64_t> numbers = {first};
  for (int i = 1; i < 1000; ++i) numbers.push_back(add(slots, i));
  CHECK(slots.find(first) == address);
  for (const uint64_t number : numbers) slots.remove(number);
  CHECK(add(slots, 1) > numbers.back());
  for (const uint64_t number : numbers) CHECK(slots.find(number) == nullptr);
}

void fill_and_empty(Texts& slots, int count) {
  std::vector<uint64_t> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(add(slots, i));
  for (const uint64_t number : numbers) slots.remove(number);
}

TEST_CASE("a large table keeps its memory while it is used, and gives it back afterwards") {
  Texts slots;
  for (int i = 0; i < 3; ++i) {
    fill_and_empty(slots, 1000);
    CHECK(slots.capacity() == 1000);
  }
  fill_and_empty(slots, 500);
  CHECK(slots.capacity() == 1000);
  fill_and_empty(slots, 499);
  CHECK(slots.capacity() == 0);
}

TEST_CASE("a small table keeps its memory") {
  Texts slots;
  fill_and_empty(slots, 256);
  fill_and_empty(slots, 1);
  CHECK(slots.capacity() == 256);
}

}  // namespace
}  // namespace dnslet

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/arena.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <vector>

#include "catch.h"
#include "dns/packet.h"

namespace dnslet {
namespace {

constexpr std::size_t kFirst = 40;

// An arena, and a map of what must be in it: the byte that fills each block, and its size.
class Checked {
 public:
  Checked(std::size_t most, uint64_t seed) : most_(most), arena_(most, kFirst), dice_(seed) {
    REQUIRE(arena_.reserve());
  }

  // False: there was no place.
  bool take(std::size_t bytes) {
    const uint32_t number = arena_.take(bytes);
    REQUIRE(arena_.size() <= most_);
    if (number == 0) return false;
    REQUIRE_FALSE(blocks_.contains(number));
    const auto fill = static_cast<uint8_t>(dice_.roll(256));
    std::fill_n(contents(number), bytes - sizeof(Arena::Head), fill);
    blocks_[number] = {bytes, fill};
    return true;
  }
  void give_back_any() {
    const auto block = std::next(blocks_.begin(), static_cast<long>(dice_.roll(blocks_.size())));
    check(block->first, block->second);
    arena_.give_back(block->first);
    blocks_.erase(block);
  }
  void check_all() {
    std::size_t used = kFirst;
    uint32_t end = kFirst / Arena::kUnit;
    for (const auto& [number, block] : blocks_) {
      check(number, block);
      CHECK(number >= end);
      end = number + static_cast<uint32_t>((block.size + Arena::kUnit - 1) / Arena::kUnit);
      used += block.size;
    }
    CHECK(arena_.used() >= used);
    // Steps of four bytes, and places too small to be free ones.
    CHECK(arena_.used() <= used + 20 * blocks_.size());
    CHECK(arena_.size() >= arena_.used());
  }
  std::size_t blocks() const { return blocks_.size(); }
  const Arena& arena() const { return arena_; }
  std::size_t roll(std::size_t limit) { return dice_.roll(limit); }

 private:
  struct Block {
    std::size_t size = 0;
    uint8_t fill = 0;
  };

  uint8_t* contents(uint32_t number) {
    return reinterpret_cast<uint8_t*>(&arena_.at<Arena::Head>(number) + 1);
  }
  void check(uint32_t number, const Block& block) {
    const uint8_t* const first = contents(number);
    const uint8_t* const end = first + block.size - sizeof(Arena::Head);
    if (!std::all_of(first, end, [&block](uint8_t byte) { return byte == block.fill; }))
      FAIL("block " << number << " is not as it was left");
  }

  std::size_t most_;
  Arena arena_;
  test::Dice dice_;
  std::map<uint32_t, Block> blocks_;
};

TEST_CASE("blocks of any size keep their bytes, whatever comes and goes") {
  const auto most = static_cast<std::size_t>(GENERATE(1'000, 20'000, 3'000'000));
  Checked checked(most, most);
  for (int i = 0; i < 20'000; ++i) {
    constexpr std::size_t kSizes[] = {4, 60, 100, 100, 100, 500, 5'000, Arena::kMaxBlock};
    const std::size_t range = kSizes[checked.roll(std::size(kSizes))];
    // Now and then it runs empty, or full.
    const bool is_filling = i / 2'000 % 2 == 0;
    if (checked.blocks() == 0 || checked.roll(8) < (is_filling ? 6U : 3U))
      (void)checked.take(sizeof(Arena::Head) + 1 + checked.roll(range - sizeof(Arena::Head)));
    else
      checked.give_back_any();
    if (i % 500 == 0) checked.check_all();
  }
  while (checked.blocks() > 0) checked.give_back_any();
  CHECK(checked.arena().size() == kFirst);
  CHECK(checked.arena().used() == kFirst);
}

TEST_CASE("what is free is used again, whole or in parts, and a larger block when all is free") {
  constexpr std::size_t kMost = kFirst + 100 * 100;
  Checked checked(kMost, 1);
  while (checked.take(100)) {
  }
  CHECK(checked.blocks() == 100);
  CHECK(checked.arena().size() == kMost);
  checked.give_back_any();
  CHECK_FALSE(checked.take(104));
  CHECK(checked.take(60));
  CHECK(checked.take(40));
  CHECK_FALSE(checked.take(20));

  CHECK(checked.arena().may_hold(kMost - kFirst));
  CHECK_FALSE(checked.arena().may_hold(kMost - kFirst + 1));
  while (!checked.take(kMost - kFirst)) checked.give_back_any();
  CHECK(checked.blocks() == 1);
  checked.check_all();
}

TEST_CASE("blocks that come and go leave little unused between them") {
  Checked checked(10'000'000, 2);
  const auto take_one = [&checked] {
    REQUIRE(checked.take(60 + checked.roll(60) + (checked.roll(4) == 0 ? checked.roll(400) : 0)));
  };
  for (int i = 0; i < 3'000; ++i) take_one();
  for (int i = 0; i < 30'000; ++i) {
    checked.give_back_any();
    take_one();
  }
  CHECK(checked.arena().size() < checked.arena().used() * 6 / 5);
}

TEST_CASE("an arena begins anew, and one without room never begins") {
  Arena arena(1'000, kFirst);
  for (int i = 0; i < 2; ++i) {
    CHECK(arena.size() == 0);
    REQUIRE(arena.reserve());
    CHECK(arena.size() == kFirst);
    const uint32_t first = arena.take(100);
    const uint32_t second = arena.take(100);
    CHECK(first == kFirst / Arena::kUnit);
    CHECK(second == first + 100 / Arena::kUnit);
    arena.give_back(first);
    arena.clear();
  }
  Arena none(kFirst - 1, kFirst);
  CHECK_FALSE(none.reserve());
  CHECK_FALSE(none.may_hold(1));
}

}  // namespace
}  // namespace dnslet

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Memory of one owner, in one piece that grows: blocks of any size, by number. A block takes two
// bytes more than its owner has in it, in steps of four, and a number four; malloc() takes eight
// more in steps of sixteen, and a pointer eight. Used by one thread at a time.
//
// A block that is given back is joined with its free neighbours at once, and what is free at the
// end is no part of the piece any more. The next block is cut out of the smallest free place that
// is known to be large enough. The piece never grows beyond the limit, whatever is free in it:
// where it might not, take() fails, and whoever gives back one block after the other has room in
// the end. Otherwise nothing bounds what lies unused between blocks: where they come and go in the
// order of their age it is 10 % of 3,000 blocks, and 2 % of 100,000.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace dnslet {

class Arena {
 public:
  static constexpr std::size_t kUnit = 4;
  static constexpr std::size_t kMaxBlock = 128'000;

  // The arena's own; what lies in a block has it as its first member, and leaves it alone.
  struct Head {
    uint16_t units : 15;  // 0: the place is free
    uint16_t is_behind_free : 1;
  };

  // `first`: the size of block 0, which is there from reserve() to clear().
  Arena(std::size_t most_bytes, std::size_t first);

  // Whether a block of this size is one that take() gives when all others are free.
  bool may_hold(std::size_t bytes) const { return first_ + units_of(bytes) <= most_; }
  // False: the system has no memory.
  [[nodiscard]] bool reserve();
  // The number of a block with room for so many bytes, its head included; 0: there is none. What
  // was at() before counts no longer. REQUIRES: reserve() was true; at most kMaxBlock.
  uint32_t take(std::size_t bytes);
  // REQUIRES: a block of take() that was not given back.
  void give_back(uint32_t number);
  // Gives all memory back to the system.
  void clear();

  // Valid until the next take(). T has the Head first, and an alignment of kUnit at most.
  template <typename T>
  T& at(uint32_t number) const {
    static_assert(alignof(T) <= kUnit);
    return *reinterpret_cast<T*>(memory_.get() + number * kUnit);
  }
  // Bytes of blocks, and of what lies between them.
  std::size_t used() const { return used_ * kUnit; }
  std::size_t size() const { return top_ * kUnit; }

 private:
  struct FreePlace;
  struct Release {
    void operator()(void* memory) const { std::free(memory); }
  };
  // Places of fewer than 32 units have a bin for each size, larger ones sixteen for each doubling,
  // and those that are larger than any block the last one.
  static constexpr std::size_t kBins = 193;

  static uint32_t units_of(std::size_t bytes);
  static std::size_t bin_of(uint32_t units);
  uint32_t find_free(uint32_t units) const;
  bool grow(uint32_t units);
  uint32_t append(uint32_t units);
  void begin(uint32_t number, uint32_t units);
  void put(uint32_t number, uint32_t units);
  void unlink(uint32_t number);

  // In units.
  uint32_t most_;
  uint32_t first_;
  uint32_t room_ = 0;  // that the system has given
  uint32_t top_ = 0;   // the end of the last block
  uint32_t used_ = 0;
  std::unique_ptr<uint8_t[], Release> memory_;
  std::array<uint32_t, kBins> bins_{};                // chains of free places
  std::array<uint64_t, (kBins + 63) / 64> filled_{};  // which bins have one
};

}  // namespace dnslet

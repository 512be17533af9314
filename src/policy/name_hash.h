// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The hash of a name in a set of very many: 64 bits, keyed with a secret of the process.
//
// It is made from the text of a name, labels and dots without the final one, eight bytes at a time
// from the end on, so that a name and all names above it share the work: what is before a dot adds
// to what was made of the rest. Nothing depends on where labels end.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dns/hash.h"

namespace dnslet::policy {

class NameHash {
 public:
  static constexpr std::size_t kWord = sizeof(uint64_t);  // bytes

  explicit NameHash(uint64_t seed)
      : seed_(seed), state_(dns::mix(seed ^ kOdd, std::rotl(seed, 32) ^ kOther)) {}

  // Eight bytes as they stand in the text. REQUIRES: there are as many.
  static uint64_t load(const void* from) {
    uint64_t word = 0;
    std::memcpy(&word, from, sizeof word);
    return in_order(word);
  }
  // Of such a word the first bytes alone. REQUIRES: count < kWord.
  static uint64_t first_of(uint64_t word, std::size_t count) {
    return word & ((uint64_t{1} << (8 * count)) - 1);
  }

  // Goes on with the eight bytes in front.
  void add(uint64_t word) { state_ = dns::mix(state_ ^ word, kOdd ^ seed_); }
  // The hash of a text of `size` bytes, at most 255, of which `first` are those in front of the
  // whole words that were added.
  uint64_t of(uint64_t first, std::size_t size) const {
    return dns::mix(state_ ^ first ^ uint64_t{size} << 56, kOther ^ std::rotl(seed_, 32));
  }

 private:
  static constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  static constexpr uint64_t kOther = 0xd6e8feb86659fd93;

  // The first byte becomes the lowest.
  static uint64_t in_order(uint64_t word) {
    if constexpr (std::endian::native == std::endian::big) return __builtin_bswap64(word);
    return word;
  }

  uint64_t seed_;
  uint64_t state_;
};

// Eight letters at once. Each mask has the high bit of a byte set where it holds for that letter.
struct EightLetters {
  static constexpr uint64_t kHigh = 0x8080808080808080;
  static constexpr uint64_t kEach = 0x0101010101010101;

  // Those from `first` to `last`. REQUIRES: no byte of `word` has its high bit.
  static constexpr uint64_t between(uint64_t word, uint8_t first, uint8_t last) {
    const uint64_t from = (word | kHigh) - first * kEach;
    const uint64_t behind = (word | kHigh) - (last + uint64_t{1}) * kEach;
    return from & ~behind & kHigh;
  }
  // Those that are this one, likewise.
  static constexpr uint64_t equal(uint64_t word, uint8_t letter) {
    return ~((word ^ letter * kEach) + ~kHigh) & kHigh;
  }
  // Those that are dots, whatever the others are.
  static constexpr uint64_t dots(uint64_t word) { return equal(word & ~kHigh, '.') & ~word; }
  // How many bytes of a mask are set: most builds have no instruction that counts bits.
  static constexpr std::size_t count(uint64_t mask) {
    return static_cast<std::size_t>((mask >> 7) * kEach >> 56);
  }
};

}  // namespace dnslet::policy

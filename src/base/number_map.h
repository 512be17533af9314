// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A table from numbers to numbers, for numbers that we choose ourselves (tokens, random IDs): its
// hash is no defence against keys that somebody else picks.
//
// Open addressing with linear probing. Putting and removing allocate nothing while the table does
// not grow. The memory of a large one is given back when it is empty and was less than an eighth
// full since it was last empty.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dnslet {

class NumberMap {
 public:
  static constexpr std::size_t kKept = 512;  // places that an empty table always keeps

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return places_.size(); }

  // What was put there; 0: nothing.
  uint64_t find(uint64_t key) const;
  bool contains(uint64_t key) const { return find(key) != 0; }
  // REQUIRES: value is not 0, and the key is not there.
  void put(uint64_t key, uint64_t value);
  // The value that was there; 0: none.
  uint64_t take(uint64_t key);

 private:
  struct Place {
    uint64_t key = 0;
    uint64_t value = 0;  // 0: free
  };

  std::size_t home_of(uint64_t key) const {
    return static_cast<std::size_t>(key * 0x9e3779b97f4a7c15 >> 32) & (places_.size() - 1);
  }
  std::size_t place_of(uint64_t key) const;
  void grow();
  void close_gap(std::size_t gap);
  void shrink_if_empty();

  std::vector<Place> places_;  // none, or a power of two
  std::size_t size_ = 0;
  std::size_t most_ = 0;  // at once since it was last empty
};

}  // namespace dnslet

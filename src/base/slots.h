// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A table of things that come and go: known by numbers that are never used again, in the order in
// which they came.
//
// Whoever is told later keeps the number: when the thing is gone the number finds nothing, whoever
// may have its place by then. Where all are given the same time the oldest is the next whose time
// is over. Places are used again, so adding and removing allocate nothing while the table does not
// grow. The memory of a large one is given back when it is empty and has filled by less than half
// since it was last empty: under load it is empty every few milliseconds.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace dnslet {

template <typename T>
class Slots {
 public:
  static constexpr std::size_t kKept = 256;  // places that an empty table always keeps

  // Place 0 is both ends of the order and the end of the chain of free ones.
  Slots() { make_place(); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t capacity() const { return made_ - 1; }  // things that it has memory for

  // The number of the new thing, above that of all earlier ones; never 0. The thing keeps its
  // address until it is removed. REQUIRES: fewer than 2^24 are there.
  uint64_t add(T&& value) {
    const uint32_t index = take_place();
    Place& place = at_index(index);
    place.value.emplace(std::move(value));
    place.number = ++last_ << kIndexBits | index;
    place.newer = 0;
    place.older = at_index(0).older;
    at_index(place.older).newer = index;
    at_index(0).older = index;
    most_ = std::max(most_, ++size_);
    return place.number;
  }

  // Null: it has been removed.
  T* find(uint64_t number) {
    const uint32_t index = place_of(number);
    if (number == 0 || index >= made_ || at_index(index).number != number) return nullptr;
    return &*at_index(index).value;
  }

  // Numbers of things that are there differ in their places, which are small: from 1 to the most
  // that have ever been there at once.
  static uint32_t place_of(uint64_t number) { return static_cast<uint32_t>(number & kIndexMask); }
  // What is in this place; null: nothing.
  T* at(uint32_t place) {
    return place < made_ && at_index(place).value ? &*at_index(place).value : nullptr;
  }

  // 0: there is none.
  uint64_t oldest() const { return at_index(at_index(0).newer).number; }

  // REQUIRES: find(number).
  void remove(uint64_t number) {
    const uint32_t index = place_of(number);
    Place& place = at_index(index);
    at_index(place.older).newer = place.newer;
    at_index(place.newer).older = place.older;
    place.value.reset();
    place.number = 0;
    place.newer = free_;
    free_ = index;
    if (--size_ > 0) return;
    const std::size_t most = std::exchange(most_, 0);
    if (capacity() > kKept && most < capacity() / 2) {
      pieces_.resize(1);
      pieces_.shrink_to_fit();
      made_ = 1;
      free_ = 0;
    }
  }

 private:
  static constexpr unsigned kIndexBits = 24;
  static constexpr uint64_t kIndexMask = (uint64_t{1} << kIndexBits) - 1;

  struct Place {
    std::optional<T> value;
    uint64_t number = 0;  // 0: free
    uint32_t newer = 0;   // of a free place: the next free one
    uint32_t older = 0;
  };

  // Of a piece: as many as fit into 4 kB, and a power of two. A std::deque does the same in 1.6 kB
  // of code for each T.
  static constexpr std::size_t per_piece() {
    return std::bit_floor(std::max<std::size_t>(4096 / sizeof(Place), 1));
  }
  Place& at_index(std::size_t index) const {
    return pieces_[index / per_piece()][index % per_piece()];
  }
  uint32_t make_place() {
    if (made_ == pieces_.size() * per_piece())
      pieces_.push_back(std::make_unique<Place[]>(per_piece()));
    return made_++;
  }
  uint32_t take_place() {
    return free_ == 0 ? make_place() : std::exchange(free_, at_index(free_).newer);
  }

  std::vector<std::unique_ptr<Place[]>> pieces_;  // what is in them does not move
  uint32_t made_ = 0;                             // places
  uint64_t last_ = 0;
  uint32_t free_ = 0;
  std::size_t size_ = 0;
  std::size_t most_ = 0;  // at once since it was last empty
};

}  // namespace dnslet

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/number_map.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace dnslet {
namespace {

constexpr std::size_t kFirst = 16;

}  // namespace

// Where the key is, or the free place where it would be. Ends: a quarter of the places is free.
std::size_t NumberMap::place_of(uint64_t key) const {
  std::size_t place = home_of(key);
  while (places_[place].value != 0 && places_[place].key != key)
    place = (place + 1) & (places_.size() - 1);
  return place;
}

uint64_t NumberMap::find(uint64_t key) const {
  return size_ == 0 ? 0 : places_[place_of(key)].value;
}

void NumberMap::put(uint64_t key, uint64_t value) {
  if (4 * (size_ + 1) > 3 * places_.size()) grow();
  Place& place = places_[place_of(key)];
  assert(value != 0 && place.value == 0);
  place = {key, value};
  most_ = std::max(most_, ++size_);
}

uint64_t NumberMap::take(uint64_t key) {
  if (size_ == 0) return 0;
  const std::size_t place = place_of(key);
  const uint64_t value = std::exchange(places_[place].value, 0);
  if (value == 0) return 0;
  --size_;
  close_gap(place);
  shrink_if_empty();
  return value;
}

// Moves up what could not be found any more beyond the gap: a search ends at a free place.
void NumberMap::close_gap(std::size_t gap) {
  const std::size_t mask = places_.size() - 1;
  for (std::size_t at = (gap + 1) & mask; places_[at].value != 0; at = (at + 1) & mask) {
    const std::size_t home = home_of(places_[at].key);
    if (((at - home) & mask) < ((at - gap) & mask)) continue;  // its way does not pass the gap
    std::swap(places_[gap], places_[at]);
    gap = at;
  }
}

void NumberMap::grow() {
  std::vector<Place> before(std::max(kFirst, 2 * places_.size()));
  before.swap(places_);
  for (const Place& place : before)
    if (place.value != 0) places_[place_of(place.key)] = place;
}

void NumberMap::shrink_if_empty() {
  if (size_ > 0) return;
  const std::size_t most = std::exchange(most_, 0);
  if (places_.size() <= kKept || 8 * most >= places_.size()) return;
  places_.clear();
  places_.shrink_to_fit();
}

}  // namespace dnslet

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/arena.h"

#include <algorithm>
#include <bit>

namespace dnslet {

// Its size stands at its end, too.
struct Arena::FreePlace {
  Head head;  // of zeros: two free places are never neighbours
  uint32_t units;
  uint32_t next;  // in the bin
  uint32_t previous;
};

namespace {

constexpr uint32_t kLeast = 5;      // units of a free place
constexpr uint32_t kMost = 0x7fff;  // of a block, as its head counts them
static_assert(Arena::kMaxBlock / Arena::kUnit + kLeast <= kMost);
constexpr std::size_t kBits = 64;
// So much is asked for at least: allocators have it from the system then, which gives pages as they
// are used, moves them as the arena grows, and has them back from clear().
constexpr std::size_t kFromSystem = std::size_t{256} * 1024 / Arena::kUnit;

}  // namespace

Arena::Arena(std::size_t most_bytes, std::size_t first)
    : most_(static_cast<uint32_t>(std::min<std::size_t>(most_bytes / kUnit, UINT32_MAX))),
      first_(units_of(first)) {}

uint32_t Arena::units_of(std::size_t bytes) {
  return std::max(static_cast<uint32_t>((bytes + kUnit - 1) / kUnit), kLeast);
}

std::size_t Arena::bin_of(uint32_t units) {
  constexpr unsigned kDigits = 5;
  const auto shift = std::max(static_cast<unsigned>(std::bit_width(units)), kDigits) - kDigits;
  return std::min<std::size_t>(shift * 16 + (units >> shift), kBins - 1);
}

bool Arena::reserve() {
  if (top_ > 0) return true;
  if (!grow(first_)) return false;
  append(first_);
  return true;
}

uint32_t Arena::take(std::size_t bytes) {
  const uint32_t units = units_of(bytes);
  const uint32_t number = find_free(units);
  if (number == 0) return grow(units) ? append(units) : 0;
  const uint32_t rest = at<FreePlace>(number).units - units;
  unlink(number);
  if (rest >= kLeast) {
    put(number + units, rest);
    begin(number, units);
  } else {
    begin(number, units + rest);
    at<Head>(number + units + rest).is_behind_free = 0;
  }
  return number;
}

void Arena::give_back(uint32_t number) {
  const Head head = at<Head>(number);
  uint32_t units = head.units;
  used_ -= units;
  if (head.is_behind_free != 0) {
    const uint32_t before = at<uint32_t>(number - 1);
    number -= before;
    units += before;
    unlink(number);
  }
  const uint32_t next = number + units;
  if (next == top_) {
    top_ = number;
    return;
  }
  if (at<Head>(next).units == 0) {
    units += at<FreePlace>(next).units;
    unlink(next);
  } else {
    at<Head>(next).is_behind_free = 1;
  }
  put(number, units);
}

void Arena::clear() {
  memory_.reset();
  room_ = top_ = used_ = 0;
  bins_ = {};
  filled_ = {};
}

// Of the bin that its size belongs to only the first place is looked at; in those of larger sizes
// each is large enough.
uint32_t Arena::find_free(uint32_t units) const {
  const std::size_t own = bin_of(units);
  const uint32_t first = bins_[own];
  if (first != 0 && at<FreePlace>(first).units >= units) return first;
  std::size_t i = (own + 1) / kBits;
  uint64_t filled = filled_[i] & (~uint64_t{0} << (own + 1) % kBits);
  while (filled == 0) {
    if (++i == filled_.size()) return 0;
    filled = filled_[i];
  }
  return bins_[i * kBits + static_cast<std::size_t>(std::countr_zero(filled))];
}

// Makes room behind the last block.
bool Arena::grow(uint32_t units) {
  if (units <= room_ - top_) return true;
  if (units > most_ - top_) return false;
  const std::size_t needed = std::size_t{top_} + units;
  const auto room = std::min<std::size_t>(std::max(needed + needed / 4, kFromSystem), most_);
  auto* const grown = static_cast<uint8_t*>(std::realloc(memory_.get(), room * kUnit));
  if (grown == nullptr) return false;
  (void)memory_.release();  // realloc() has freed or moved it
  memory_.reset(grown);
  room_ = static_cast<uint32_t>(room);
  return true;
}

uint32_t Arena::append(uint32_t units) {
  begin(top_, units);
  top_ += units;
  return top_ - units;
}

void Arena::begin(uint32_t number, uint32_t units) {
  at<Head>(number) = {static_cast<uint16_t>(units & kMost), 0};
  used_ += units;
}

void Arena::put(uint32_t number, uint32_t units) {
  const std::size_t bin = bin_of(units);
  const uint32_t next = bins_[bin];
  at<FreePlace>(number) = {{}, units, next, 0};
  at<uint32_t>(number + units - 1) = units;
  if (next != 0) at<FreePlace>(next).previous = number;
  bins_[bin] = number;
  filled_[bin / kBits] |= uint64_t{1} << bin % kBits;
}

void Arena::unlink(uint32_t number) {
  const FreePlace place = at<FreePlace>(number);
  if (place.next != 0) at<FreePlace>(place.next).previous = place.previous;
  if (place.previous != 0) {
    at<FreePlace>(place.previous).next = place.next;
    return;
  }
  const std::size_t bin = bin_of(place.units);
  bins_[bin] = place.next;
  if (place.next == 0) filled_[bin / kBits] &= ~(uint64_t{1} << bin % kBits);
}

}  // namespace dnslet

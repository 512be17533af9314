// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/network_set.h"

#include <algorithm>
#include <span>

#include "base/mapped_address.h"
#include "base/sort.h"

namespace dnslet::policy {
namespace {

uint64_t number_of(std::span<const uint8_t> bytes) {
  uint64_t number = 0;
  for (const uint8_t byte : bytes) number = number << 8 | byte;
  return number;
}

// The last `count` bits, of at most 64.
uint64_t low_bits(unsigned count) { return count == 0 ? 0 : ~uint64_t{0} >> (64 - count); }

}  // namespace

NetworkSet::Narrow NetworkSet::narrow(const IpAddress& address) {
  return static_cast<Narrow>(number_of(address.data()));
}

NetworkSet::Wide NetworkSet::wide(const IpAddress& address) {
  return {number_of(address.data().first(8)), number_of(address.data().last(8))};
}

bool NetworkSet::is_next(const Wide& value, const Wide& next) {
  if (next.low != 0) return value.high == next.high && value.low == next.low - 1;
  return next.high != 0 && value.high == next.high - 1 && value.low == ~uint64_t{0};
}

NetworkSet::Range<NetworkSet::Narrow> NetworkSet::range_of(const Network& network) {
  const auto host = static_cast<Narrow>(low_bits(32U - network.prefix));
  const Narrow address = narrow(network.address);
  return {address & ~host, address | host};
}

void NetworkSet::add(const Network& network) {
  if (network.address.family == Family::V4) {
    v4_.push_back(range_of(network));
    return;
  }
  const Wide address = wide(network.address);
  const uint64_t high = low_bits(64U - std::min<unsigned>(network.prefix, 64));
  const uint64_t low = low_bits(128U - std::max<unsigned>(network.prefix, 64));
  v6_.push_back(
      {{address.high & ~high, address.low & ~low}, {address.high | high, address.low | low}});
}

template <typename Value>
void NetworkSet::join(Ranges<Value>& ranges) {
  sort_now_and_then(ranges, &Range<Value>::first);
  std::size_t count = 0;
  for (const Range<Value>& range : ranges) {
    Range<Value>* const before = count > 0 ? &ranges[count - 1] : nullptr;
    if (before && (range.first <= before->last || is_next(before->last, range.first)))
      before->last = std::max(before->last, range.last);
    else
      ranges[count++] = range;
  }
  ranges.resize(count);
  ranges.shrink_to_fit();
}

void NetworkSet::finish() {
  join(v4_);
  join(v6_);
}

std::size_t NetworkSet::memory() const {
  return v4_.capacity() * sizeof(Range<Narrow>) + v6_.capacity() * sizeof(Range<Wide>);
}

template <typename Value>
bool NetworkSet::has(const Ranges<Value>& ranges, const Value& value) {
  const auto behind = std::ranges::upper_bound(ranges, value, {}, &Range<Value>::first);
  return behind != ranges.begin() && value <= std::prev(behind)->last;
}

bool NetworkSet::contains(const IpAddress& address) const {
  const IpAddress plain = unmapped(address);
  return plain.family == Family::V4 ? has(v4_, narrow(plain)) : has(v6_, wide(plain));
}

}  // namespace dnslet::policy

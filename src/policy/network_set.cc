// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/network_set.h"

#include <algorithm>

namespace dnslet::policy {
namespace {

constexpr std::size_t kMappedBits = 96;  // of ::ffff:0:0/96, in front of an IPv4 address

}  // namespace

NetworkSet::Bytes NetworkSet::bytes_of(const IpAddress& address) {
  if (address.family == Family::V6) return address.bytes;
  Bytes bytes{};
  bytes[10] = bytes[11] = 0xff;
  std::copy_n(address.bytes.begin(), 4, bytes.begin() + kMappedBits / 8);
  return bytes;
}

void NetworkSet::add(const Network& network) {
  const bool is_v4 = network.address.family == Family::V4;
  const std::size_t prefix = network.prefix + (is_v4 ? kMappedBits : 0);
  Range range{bytes_of(network.address), bytes_of(network.address)};
  for (std::size_t bit = prefix; bit < 8 * range.first.size(); ++bit) {
    const auto mask = static_cast<uint8_t>(0x80U >> bit % 8);
    range.first[bit / 8] &= static_cast<uint8_t>(~mask);
    range.last[bit / 8] |= mask;
  }
  ranges_.push_back(range);
}

void NetworkSet::finish() {
  std::ranges::sort(ranges_, {}, &Range::first);
  std::size_t kept = 0;
  for (const Range& range : ranges_) {
    if (kept > 0 && range.first <= ranges_[kept - 1].last)
      ranges_[kept - 1].last = std::max(ranges_[kept - 1].last, range.last);
    else
      ranges_[kept++] = range;
  }
  ranges_.resize(kept);
  ranges_.shrink_to_fit();
}

bool NetworkSet::contains(const IpAddress& address) const {
  if (ranges_.empty()) return false;
  const Bytes bytes = bytes_of(address);
  const auto behind = std::ranges::upper_bound(ranges_, bytes, {}, &Range::first);
  return behind != ranges_.begin() && bytes <= std::prev(behind)->last;
}

}  // namespace dnslet::policy

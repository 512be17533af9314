// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/rate_limits.h"

#include <algorithm>
#include <span>

#include "dns/hash.h"

namespace dnslet::policy {
namespace {

// Rule and network, as bytes. A mapped IPv4 address is one of IPv4.
std::array<uint8_t, 13> key_of(uint32_t rule, const IpAddress& client) {
  constexpr std::size_t kOfIpv4 = 3, kOfIpv6 = 7;
  std::array<uint8_t, 13> key{};
  for (std::size_t i = 0; i < sizeof rule; ++i) key[i] = static_cast<uint8_t>(rule >> (8 * i));
  const std::size_t size = client.family == Family::V4 ? kOfIpv4 : kOfIpv6;
  key[4] = static_cast<uint8_t>(size);
  std::copy_n(client.bytes.begin(), size, key.begin() + 5);
  return key;
}

}  // namespace

bool RateLimits::take(uint32_t rule, uint32_t limit, const IpAddress& client,
                      std::chrono::milliseconds now) {
  constexpr uint64_t kQuestion = 1000;
  const uint64_t key = dns::hash(key_of(rule, client), seed_) | 1;
  const std::size_t set = (key >> 32) % (kBuckets / kWays);
  const std::lock_guard lock(locks_[set % kLocks]);
  const auto ways = std::span(buckets_.get() + set * kWays, kWays);
  auto found = std::ranges::find(ways, key, &Bucket::key);
  if (found == ways.end()) {
    found = std::ranges::min_element(ways, {}, &Bucket::at);
    *found = {key, now.count(), limit * kQuestion};
  }
  const auto passed = static_cast<uint64_t>(std::max<int64_t>(0, now.count() - found->at));
  found->milli = std::min(limit * kQuestion, found->milli + passed * limit);
  found->at = std::max(found->at, static_cast<int64_t>(now.count()));
  if (found->milli < kQuestion) return false;
  found->milli -= kQuestion;
  return true;
}

}  // namespace dnslet::policy

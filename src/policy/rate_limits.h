// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// How many questions a second the rules with `limit:` let each network of clients ask. May be used
// by several threads at once.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "base/address.h"

namespace dnslet::policy {

// A bucket for each rule and network (/24 of IPv4, /56 of IPv6), which holds as many questions as
// may be asked in a second, and fills up at that pace. Memory is bounded: where more networks ask
// than there is room for, those that have been quiet for longest begin anew.
class RateLimits {
 public:
  static constexpr std::size_t kBuckets = 16384;

  // `seed`: see dns/hash.h.
  explicit RateLimits(uint64_t seed) : seed_(seed), buckets_(new Bucket[kBuckets]()) {}

  // Takes a question out of the bucket. False: it is empty. `now`: by the monotonic clock.
  // `limit`: of the rule with this number; at least 1.
  bool take(uint32_t rule, uint32_t limit, const IpAddress& client, std::chrono::milliseconds now);

 private:
  static constexpr std::size_t kWays = 8;  // places of which a bucket may have one
  static constexpr std::size_t kLocks = 64;

  struct Bucket {
    uint64_t key = 0;    // a hash; 0: free
    int64_t at = 0;      // ms; when it was last used
    uint64_t milli = 0;  // thousandths of a question
  };

  uint64_t seed_;
  std::unique_ptr<Bucket[]> buckets_;
  std::array<std::mutex, kLocks> locks_;
};

}  // namespace dnslet::policy

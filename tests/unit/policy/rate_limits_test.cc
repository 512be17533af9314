// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/rate_limits.h"

#include "catch.h"

namespace dnslet::policy {
namespace {

using namespace std::chrono_literals;

IpAddress ip(const char* text) { return *IpAddress::from_text(text); }

int taken(RateLimits& limits, const char* client, std::chrono::milliseconds now) {
  int count = 0;
  while (count < 1000 && limits.take(1, 5, ip(client), now)) ++count;
  return count;
}

TEST_CASE("a bucket holds a second's questions and fills up at that pace") {
  RateLimits limits(1);
  CHECK(taken(limits, "192.0.2.1", 0s) == 5);
  CHECK(taken(limits, "192.0.2.1", 199ms) == 0);
  CHECK(taken(limits, "192.0.2.1", 200ms) == 1);
  CHECK(taken(limits, "192.0.2.1", 10min) == 5);
  CHECK(taken(limits, "192.0.2.1", 9min) == 0);  // another worker's clock
}

TEST_CASE("networks and rules have buckets of their own") {
  RateLimits limits(1);
  CHECK(taken(limits, "192.0.2.1", 0s) == 5);
  CHECK(taken(limits, "192.0.2.255", 0s) == 0);
  CHECK(taken(limits, "192.0.3.1", 0s) == 5);
  CHECK(taken(limits, "2001:db8:0:ff00::1", 0s) == 5);
  CHECK(taken(limits, "2001:db8:0:ffff::1", 0s) == 0);
  CHECK(taken(limits, "2001:db8:1::1", 0s) == 5);
  CHECK(limits.take(2, 1, ip("192.0.2.1"), 0s));
}

TEST_CASE("with more networks than buckets those that ask most are limited still") {
  RateLimits limits(1);
  CHECK(taken(limits, "192.0.2.1", 0s) == 5);
  for (uint32_t i = 0; i < 4 * RateLimits::kBuckets; ++i) {
    const auto byte = [i](unsigned shift) { return static_cast<uint8_t>(i >> shift); };
    (void)limits.take(1, 5, IpAddress::v4(10, byte(16), byte(8), byte(0)), 1ms);
    if (i % 256 == 0) CHECK_FALSE(limits.take(1, 5, ip("192.0.2.1"), 1ms));
  }
}

}  // namespace
}  // namespace dnslet::policy

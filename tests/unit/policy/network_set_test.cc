// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/network_set.h"

#include <algorithm>
#include <random>
#include <vector>

#include "catch.h"

namespace dnslet::policy {
namespace {

IpAddress ip(const char* text) { return *IpAddress::from_text(text); }

NetworkSet set_of(const std::vector<const char*>& networks) {
  NetworkSet set;
  for (const char* const network : networks) set.add(*Network::from_text(network));
  set.finish();
  return set;
}

TEST_CASE("an address is in a set of networks where one of them has it") {
  const NetworkSet set = set_of(
      {"10.0.0.0/8", "192.0.2.77/24", "2001:db8::/32", "fe80::1", "10.1.0.0/16", "198.51.100.7"});
  for (const char* const in : {"10.0.0.0", "10.255.255.255", "10.1.2.3", "192.0.2.0", "192.0.2.255",
                               "2001:db8:ffff::1", "fe80::1", "198.51.100.7", "::ffff:10.0.0.1"})
    CHECK(set.contains(ip(in)));
  for (const char* const out : {"9.255.255.255", "11.0.0.0", "192.0.1.255", "192.0.3.0",
                                "2001:db9::", "fe80::2", "198.51.100.8", "::10.0.0.1"})
    CHECK_FALSE(set.contains(ip(out)));
  CHECK(set.size() == 5);
  CHECK_FALSE(NetworkSet().contains(ip("10.0.0.1")));
  const NetworkSet all = set_of({"0.0.0.0/0"});
  CHECK(all.contains(ip("255.255.255.255")));
  CHECK_FALSE(all.contains(ip("::")));
  CHECK(set_of({"::/0"}).contains(ip("1.2.3.4")));
}

TEST_CASE("a set of networks agrees with each of them by itself") {
  std::mt19937 random(7);
  const auto byte = [&] { return static_cast<uint8_t>(random() % 4 * 64 + random() % 2); };
  for (int round = 0; round < 200; ++round) {
    std::vector<Network> networks(1 + random() % 12);
    NetworkSet set;
    for (Network& network : networks) {
      network.address = IpAddress::v4(byte(), byte(), byte(), byte());
      network.prefix = static_cast<uint8_t>(random() % 33);
      set.add(network);
    }
    set.finish();
    for (int i = 0; i < 50; ++i) {
      const IpAddress address = IpAddress::v4(byte(), byte(), byte(), byte());
      CHECK(set.contains(address) == std::ranges::any_of(networks, [&](const Network& network) {
              return network.contains(address);
            }));
    }
  }
}

}  // namespace
}  // namespace dnslet::policy

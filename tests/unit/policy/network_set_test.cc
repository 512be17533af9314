// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/network_set.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "catch.h"

namespace dnslet::policy {
namespace {

NetworkSet set_of(const std::vector<std::string>& texts) {
  NetworkSet set;
  for (const std::string& text : texts) {
    const auto network = Network::from_text(text);
    REQUIRE(network);
    set.add(*network);
  }
  set.finish();
  return set;
}

bool has(const NetworkSet& set, const std::string& text) {
  const auto address = IpAddress::from_text(text);
  REQUIRE(address);
  return set.contains(*address);
}

TEST_CASE("an empty set of networks has no address") {
  const NetworkSet set = set_of({});
  CHECK(set.empty());
  CHECK_FALSE(has(set, "0.0.0.0"));
  CHECK_FALSE(has(set, "::"));
}

TEST_CASE("networks of both families hold what is between their first and last address") {
  const NetworkSet set = set_of({"10.1.2.3/8", "192.0.2.1", "fd00::1/8", "2001:db8::/65", "::1"});
  for (const char* in : {"10.0.0.0", "10.255.255.255", "192.0.2.1", "fd00::", "fdff::ffff", "::1",
                         "2001:db8::7fff:ffff:ffff:ffff"})
    CHECK(has(set, in));
  for (const char* out : {"9.255.255.255", "11.0.0.0", "192.0.2.0", "192.0.2.2",
                          "fc00::", "fe00::", "2001:db8::8000:0:0:0", "::", "::2", "::a00:1"})
    CHECK_FALSE(has(set, out));
}

TEST_CASE("a mapped address is compared as IPv4, with networks that are written mapped too") {
  CHECK(has(set_of({"10.0.0.0/8"}), "::ffff:10.1.1.1"));
  CHECK(has(set_of({"::ffff:10.0.0.0/104"}), "10.1.1.1"));
  CHECK_FALSE(has(set_of({"::/0"}), "::ffff:10.1.1.1"));
  CHECK_FALSE(has(set_of({"::/0"}), "10.1.1.1"));
}

TEST_CASE("the whole of a family is one network") {
  CHECK(has(set_of({"0.0.0.0/0"}), "255.255.255.255"));
  CHECK_FALSE(has(set_of({"0.0.0.0/0"}), "::"));
  CHECK(has(set_of({"::/0", "::1"}), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
}

TEST_CASE("networks that overlap or touch become one range") {
  CHECK(set_of({"10.0.0.0/9", "10.128.0.0/9", "10.1.0.0/16", "10.0.0.0/9"}).size() == 1);
  CHECK(set_of({"10.0.0.0/9", "10.192.0.0/10"}).size() == 2);
  CHECK(set_of({"fd00::/64", "fd00:0:0:1::/64"}).size() == 1);
  CHECK(set_of({"fd00::/64", "fd00:0:0:2::/64"}).size() == 2);
  CHECK(set_of({"255.255.255.255", "0.0.0.0"}).size() == 2);
  CHECK(set_of({"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::"}).size() == 2);
  CHECK(set_of({"10.0.0.0/8", "11.0.0.0/8", "fd00::/8"}).memory() == 8 + 32);
}

// Few different bytes: many hits, near misses and neighbours.
IpAddress random_address(std::mt19937& random) {
  IpAddress address;
  address.family = random() % 2 == 0 ? Family::V4 : Family::V6;
  for (std::size_t i = 0; i < address.size(); ++i)
    address.bytes[i] = std::vector<uint8_t>{0, 1, 127, 128, 255}[random() % 5];
  const bool is_mapped = address.family == Family::V6 && random() % 4 == 0;
  if (is_mapped) std::fill_n(std::fill_n(address.bytes.begin(), 10, uint8_t{0}), 2, uint8_t{255});
  return address;
}

TEST_CASE("random addresses are found as a walk through all networks says") {
  std::mt19937 random(11);
  std::size_t found = 0;
  std::size_t wrong = 0;
  for (int round = 0; round < 50; ++round) {
    std::vector<Network> networks;
    NetworkSet set;
    for (int i = 0; i < 30; ++i) {
      Network network{random_address(random), 0};
      const auto bits = static_cast<unsigned>(network.address.size() * 8);
      network.prefix = static_cast<uint8_t>(1 + random() % bits);
      networks.push_back(network);
      set.add(network);
    }
    set.finish();
    for (int i = 0; i < 1000; ++i) {
      const IpAddress address = random_address(random);
      const bool is_in = std::ranges::any_of(
          networks, [&](const Network& network) { return network.contains(address); });
      found += is_in ? 1U : 0U;
      wrong += set.contains(address) == is_in ? 0U : 1U;
    }
  }
  CHECK(wrong == 0);
  CHECK(found > 5'000);
  CHECK(found < 45'000);
}

}  // namespace
}  // namespace dnslet::policy

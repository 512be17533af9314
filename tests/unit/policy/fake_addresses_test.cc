// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/fake_addresses.h"

#include <string>

#include "catch.h"

namespace dnslet::policy {
namespace {

Network network(const char* text) { return *Network::from_text(text); }
IpAddress ip(const char* text) { return *IpAddress::from_text(text); }
dns::Name named(const std::string& text) { return *dns::Name::from_text(text); }

std::string given(FakeAddresses& fake, const std::string& name, Family family = Family::V4) {
  const auto address = fake.address_of(named(name), family);
  return address ? address->to_text() : "none";
}

std::string name_of(FakeAddresses& fake, const char* address) {
  const auto name = fake.name_of(ip(address));
  return name ? name->view().to_text() : "nobody";
}

TEST_CASE("a network needs more than its first and last address") {
  CHECK(FakeAddresses::is_large_enough(network("198.18.0.0/30")));
  CHECK(FakeAddresses::is_large_enough(network("fd00::/126")));
  CHECK(FakeAddresses::is_large_enough(network("0.0.0.0/0")));
  for (const char* const small : {"198.18.0.0/31", "198.18.0.1", "fd00::/127", "fd00::1"})
    CHECK_FALSE(FakeAddresses::is_large_enough(network(small)));
}

TEST_CASE("a name keeps its address, and has the same place in both families") {
  FakeAddresses fake({network("198.18.0.77/15"), network("fd00:0:0:fa4e::/64")}, 1);
  CHECK(given(fake, "a.test") == "198.18.0.1");
  CHECK(given(fake, "b.test", Family::V6) == "fd00:0:0:fa4e::2");
  CHECK(given(fake, "A.Test", Family::V6) == "fd00:0:0:fa4e::1");
  CHECK(given(fake, "b.test") == "198.18.0.2");
  CHECK(name_of(fake, "198.18.0.1") == "a.test");
  CHECK(name_of(fake, "fd00:0:0:fa4e::2") == "b.test");
}

TEST_CASE("an address that nobody has is known as one of the networks") {
  FakeAddresses fake({network("198.18.0.0/15"), network("fd00::/64")}, 1);
  CHECK(given(fake, "a.test") == "198.18.0.1");
  for (const char* const nobodys :
       {"198.18.0.0", "198.18.0.2", "198.19.255.255", "fd00::", "fd00::1:0:1", "fd00::1:0:0:1"}) {
    CHECK(fake.has(ip(nobodys)));
    CHECK(name_of(fake, nobodys) == "nobody");
  }
  for (const char* const other : {"198.20.0.1", "198.17.0.1", "fd00:0:0:1::1", "::ffff:198.18.0.1"})
    CHECK_FALSE(fake.has(ip(other)));
  CHECK(name_of(fake, "198.20.0.1") == "nobody");
  FakeAddresses of_one({network("fd00::/64")}, 1);
  CHECK(given(of_one, "a.test") == "none");
  CHECK_FALSE(of_one.has(ip("198.18.0.1")));
}

TEST_CASE("in a full network the name used longest ago loses its address") {
  FakeAddresses fake({network("10.0.0.0/29")}, 1);  // 6 addresses
  for (int i = 1; i <= 6; ++i)
    CHECK(given(fake, std::to_string(i) + ".test") == "10.0.0." + std::to_string(i));
  CHECK(given(fake, "1.test") == "10.0.0.1");
  CHECK(name_of(fake, "10.0.0.2") == "2.test");
  CHECK(given(fake, "new.test") == "10.0.0.3");
  CHECK(name_of(fake, "10.0.0.3") == "new.test");
  CHECK(given(fake, "3.test") == "10.0.0.4");
  CHECK(name_of(fake, "10.0.0.7") == "nobody");
  CHECK(name_of(fake, "10.0.0.0") == "nobody");
}

TEST_CASE("the smaller of two networks limits both") {
  FakeAddresses fake({network("fd00::/64"), network("10.0.0.0/30")}, 1);
  CHECK(given(fake, "a.test", Family::V6) == "fd00::1");
  CHECK(given(fake, "b.test", Family::V6) == "fd00::2");
  CHECK(given(fake, "c.test", Family::V6) == "fd00::1");
  CHECK(given(fake, "b.test") == "10.0.0.2");
}

TEST_CASE("as many names are remembered as promised, and not one more") {
  FakeAddresses fake({network("10.0.0.0/8")}, 1);
  for (uint32_t i = 0; i < FakeAddresses::kMostNames; ++i)
    (void)fake.address_of(named(std::to_string(i) + ".test"), Family::V4);
  CHECK(name_of(fake, "10.1.0.0") == "65535.test");
  CHECK(given(fake, "0.test") == "10.0.0.1");
  CHECK(given(fake, "new.test") == "10.0.0.2");
  CHECK(name_of(fake, "10.0.0.2") == "new.test");
  CHECK(given(fake, "65535.test") == "10.1.0.0");
}

TEST_CASE("names that are restored have their places and their order of use") {
  const std::vector<Network> networks = {network("198.18.0.0/29")};  // 6 addresses
  FakeAddresses fake(networks, 1);
  for (const char* const name : {"a.test", "b.test", "c.test"}) (void)given(fake, name);
  (void)given(fake, "a.test");
  dns::Bytes wires;
  fake.append_names(0, 2, wires);
  fake.append_names(2, 2, wires);
  fake.append_names(3, 2, wires);
  CHECK(wires.size() == 3 * 8);
  CHECK(fake.places_by_use() == dns::Bytes{0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0});

  const std::vector<dns::Name> names = {named("a.test"), named("b.test"), named("c.test"),
                                        named("d.test"), named("e.test"), named("f.test"),
                                        named("g.test")};
  FakeAddresses again(networks, 2);
  again.restore(names, {1, 2, 9, 0, 5, 4, 3});
  CHECK(again.networks() == fake.networks());
  CHECK(given(again, "c.test") == "198.18.0.3");
  CHECK(name_of(again, "198.18.0.6") == "f.test");
  CHECK(given(again, "new.test") == "198.18.0.2");  // b was in use longest ago
  CHECK(given(again, "g.test") == "198.18.0.1");    // and then a
}

}  // namespace
}  // namespace dnslet::policy

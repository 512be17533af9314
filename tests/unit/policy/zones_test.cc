// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/zones.h"

#include <string>

#include "catch.h"
#include "policy/route.h"

namespace dnslet::policy {
namespace {

dns::Name name(const std::string& text) {
  const auto parsed = dns::Name::from_text(text);
  REQUIRE(parsed);
  return *parsed;
}

TEST_CASE("by name the zone has the say whom to ask, on another route its own set") {
  Zones zones(1);
  zones.add(name("example"), 1);
  CHECK(servers_of(zones, kByName, name("www.example")) == 1);
  CHECK(servers_of(zones, kByName, name("www.test")) == kDefaultServers);
  for (const uint32_t set : {1U, 2U}) {
    CHECK(Route{.servers = set} != kByName);
    CHECK(servers_of(zones, {.servers = set}, name("www.example")) == set);
  }
}

TEST_CASE("a name belongs to the closest zone that covers it, and that zone is told") {
  Zones zones(1);
  zones.add(name("example"), 1);
  zones.add(name("corp.example"), 2);
  zones.add(name("corp.example"), 3);

  CHECK(zones.find(name("web.corp.example")) == 2);
  CHECK(zones.find_zone(name("web.corp.example"))->to_text() == "corp.example");
  CHECK(zones.find(name("xcorp.example")) == 1);
  CHECK(zones.find_zone(name("example"))->to_text() == "example");
  CHECK(zones.find(name("example.test")) == kDefaultServers);
  CHECK_FALSE(zones.find_zone(name("example.test")));
}

TEST_CASE("a zone for the root covers every name") {
  Zones zones(1);
  zones.add(name("."), 1);
  CHECK(zones.find(name("www.test")) == 1);
  CHECK(zones.find_zone(name("www.test"))->to_text() == ".");
}

TEST_CASE("a set has zones of its own, for the names that would belong to it") {
  Zones zones(1);
  zones.add(name("example"), 1);
  zones.add_within(kDefaultServers, name("corp.test"), 5);
  zones.add_within(kDefaultServers, name("www.example"), 5);
  zones.add_within(1, name("corp.example"), 6);
  zones.add_within(2, name("test"), 7);

  CHECK(zones.find(name("a.corp.test")) == 5);
  CHECK(zones.find(name("test")) == kDefaultServers);
  CHECK(zones.find(name("www.example")) == 1);
  CHECK(zones.find(name("a.corp.example")) == 6);
  CHECK(servers_of(zones, {.servers = 2}, name("a.corp.test")) == 7);
  CHECK(servers_of(zones, {.servers = 2}, name("example")) == 2);
  CHECK(servers_of(zones, {.servers = 3}, name("a.corp.test")) == 3);
  CHECK(in_stub_zone(zones, name("corp.test")) == InStubZone::Yes);
}

}  // namespace
}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/decide.h"

#include <string>

#include "catch.h"
#include "policy/world.h"

namespace dnslet::policy {
namespace {

std::string labels() {
  std::string text;
  for (const Rung& rung : ladder()) text += std::string(text.empty() ? "" : " ") + rung.label;
  return text;
}

// All that is decided on, each rule by turns with all those behind it.
struct World : test::World {
  World() : test::World(10) {}

  Decision decide(const char* text, dns::Type type = dns::Type::A) {
    const dns::Name name = *dns::Name::from_text(text);
    const Tables tables = this->tables();
    return policy::decide({tables, Milliseconds(0), out}, {{name, type}, {}, client}, nullptr);
  }

  Client client{IpAddress::v4(192, 0, 2, 1)};
  dns::Bytes out = dns::Bytes(dns::kMinUdpPayload);
};

TEST_CASE("rules have their fixed place among the rungs") {
  CHECK(labels() ==
        "--allow refused chaos --record --address hosts --fake-ip --block special --rule --filter "
        "servers");
}

TEST_CASE("a question is decided by the first rung that has it, or else goes by its name") {
  World world;
  world.zones.add(*dns::Name::from_text("corp.test"), 1);
  Decision decision = world.decide("localhost.corp.test");
  CHECK_FALSE(decision.answer);
  CHECK(decision.route == kByName);

  const auto source = [&](const char* name) { return world.decide(name).answer->source; };
  world.settings.filter = Filter::A;
  CHECK(source("www.corp.test") == Source::Filter);
  CHECK(source("localhost") == Source::Special);
  (void)world.blocked.insert(dns::Name::from_text("localhost")->view().wire());
  CHECK(source("localhost") == Source::Block);
  (void)world.hosts.add_text("10.0.0.1 localhost\n");
  CHECK(source("localhost") == Source::Hosts);
  (void)world.addresses.add_text("10.0.0.1 localhost\n");
  CHECK(source("localhost") == Source::Address);
  world.settings.allow = {{IpAddress::v4(10, 0, 0, 0), 8}};
  CHECK(source("localhost") == Source::Refused);
  CHECK(source("www.corp.test") == Source::Refused);
}

}  // namespace
}  // namespace dnslet::policy

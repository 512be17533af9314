// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/named_host.h"

#include <optional>

#include "catch.h"
#include "upstream/name_server.h"

namespace dnslet::upstream {
namespace {

using io::Milliseconds;
using test::NameServer;
using test::run_until;

struct Fixture {
  io::Loop loop;
  io::Log log{io::Log::Target::StandardError, io::Log::Format::Text};  // never flushed
  NameServer server{loop};
  ServerNames names{loop,
                    log,
                    {.shortest = Milliseconds(60'000),
                     .longest = Milliseconds(60'000),
                     .first_pause = Milliseconds(20),
                     .longest_pause = Milliseconds(20),
                     .between = Milliseconds(20)}};
  int known = 0;

  ServerAddress by_name() const {
    ServerAddress address;
    address.host = "carbon.test";
    address.port = 2003;
    return address;
  }
};

std::string text(const std::optional<Endpoint>& endpoint) {
  return endpoint ? endpoint->to_text() : "none";
}

TEST_CASE("a host by address has that one, whatever happens") {
  Fixture fixture;
  const Endpoint endpoint = *Endpoint::from_text("192.0.2.1:2003", 0);
  NamedHost host(fixture.names, ServerAddress::at(endpoint), [&] { ++fixture.known; });
  CHECK(host.endpoint() == endpoint);
  CHECK_FALSE(host.use_next());
  CHECK(host.endpoint() == endpoint);
  CHECK(fixture.known == 0);
}

TEST_CASE("a host by name goes through its addresses, and then asks for others") {
  Fixture fixture;
  fixture.server.has("carbon.test", {"192.0.2.1", "192.0.2.2"}, 60);
  fixture.names.use_bootstrap({fixture.server.endpoint()});
  NamedHost host(fixture.names, fixture.by_name(), [&] { ++fixture.known; });
  CHECK_FALSE(host.endpoint());
  CHECK_FALSE(host.use_next());
  REQUIRE(run_until(fixture.loop, [&] { return fixture.known > 0; }));
  CHECK(text(host.endpoint()) == "192.0.2.1:2003");

  CHECK(host.use_next());
  CHECK(text(host.endpoint()) == "192.0.2.2:2003");
  host.on_success();
  CHECK(host.use_next());  // the other one has not failed since
  test::run_for(fixture.loop, Milliseconds(50));
  fixture.server.has("carbon.test", {"192.0.2.3"}, 60);
  CHECK_FALSE(host.use_next());
  REQUIRE(run_until(fixture.loop, [&] { return text(host.endpoint()) == "192.0.2.3:2003"; }));
  CHECK(fixture.known == 1);
}

TEST_CASE("the address in use stays when others come and go") {
  Fixture fixture;
  fixture.server.has("carbon.test", {"192.0.2.1", "192.0.2.2"}, 60);
  fixture.names.use_bootstrap({fixture.server.endpoint()});
  NamedHost host(fixture.names, fixture.by_name(), [&] { ++fixture.known; });
  REQUIRE(run_until(fixture.loop, [&] { return fixture.known > 0; }));
  CHECK(host.use_next());
  test::run_for(fixture.loop, Milliseconds(50));
  fixture.server.has("carbon.test", {"192.0.2.8", "192.0.2.9", "192.0.2.2"}, 60);
  fixture.names.ask_again("carbon.test");
  test::run_for(fixture.loop, Milliseconds(50));
  CHECK(text(host.endpoint()) == "192.0.2.2:2003");
  CHECK(host.use_next());
  CHECK(text(host.endpoint()) == "192.0.2.8:2003");
}

}  // namespace
}  // namespace dnslet::upstream

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/server_names.h"

#include <algorithm>
#include <optional>

#include "catch.h"
#include "upstream/name_server.h"

namespace dnslet::upstream {
namespace {

using io::Milliseconds;
using test::NameServer;
using test::run_for;
using test::run_until;
using Addresses = ServerNames::Addresses;

// Short, so that nobody waits; what is left between two of them is for a slow machine.
constexpr ServerNames::Times kShort = {.shortest = Milliseconds(200),
                                       .longest = Milliseconds(400),
                                       .first_pause = Milliseconds(20),
                                       .longest_pause = Milliseconds(80),
                                       .between = Milliseconds(100)};
constexpr uint32_t kLong = 86400;

IpAddress address(const char* text) { return *IpAddress::from_text(text); }

struct Fixture {
  io::Loop loop;
  io::Log log{io::Log::Target::StandardError, io::Log::Format::Text};  // never flushed
  NameServer server{loop};
  ServerNames names{loop, log, kShort};
  std::vector<Addresses> told;

  ServerNames::Following follow(const std::string& host = "dns.test") {
    return names.follow(host, [this](const Addresses& addresses) { told.push_back(addresses); });
  }
  bool is_told(std::size_t times) {
    return run_until(loop, [&] { return told.size() >= times; });
  }
  // Rounds of questions, one for each family.
  std::size_t rounds() const {
    return static_cast<std::size_t>(
        std::ranges::count(server.asked, dns::Type::A, &NameServer::Asked::second));
  }
  bool has_rounds(std::size_t count) {
    return run_until(loop, [&] { return rounds() >= count && server.asked.size() >= 2 * count; });
  }
};

TEST_CASE("addresses are kept for 30 seconds at least and an hour at most") {
  CHECK(ServerNames::Times().shortest == std::chrono::seconds(30));
  CHECK(ServerNames::Times().longest == std::chrono::hours(1));
  CHECK(ServerNames::Times().between == std::chrono::seconds(1));
}

TEST_CASE("a follower is told the addresses of both families, IPv6 first, in turn") {
  Fixture fixture;
  fixture.server.has("dns.test", {"192.0.2.1", "192.0.2.2", "2001:db8::1"}, kLong);
  fixture.names.use_bootstrap({fixture.server.endpoint()});
  const auto following = fixture.follow();
  CHECK(fixture.told.empty());
  REQUIRE(run_until(fixture.loop,
                    [&] { return !fixture.told.empty() && fixture.told.back().size() == 3; }));
  CHECK(fixture.told.back() ==
        Addresses{address("2001:db8::1"), address("192.0.2.1"), address("192.0.2.2")});

  // Who comes later is told at once; the name is the same however it is written.
  const auto asked = fixture.server.asked.size();
  fixture.told.clear();
  const auto second = fixture.follow("DNS.test.");
  CHECK(fixture.told.size() == 1);
  run_for(fixture.loop, Milliseconds(20));
  CHECK(fixture.server.asked.size() == asked);
}

TEST_CASE("addresses of one family are told although the other one is silent") {
  Fixture fixture;
  fixture.server.has("dns.test", {"192.0.2.1"}, kLong);
  fixture.server.zone[{"dns.test", dns::Type::AAAA}].is_silent = true;
  fixture.names.use_bootstrap({fixture.server.endpoint()});
  const auto following = fixture.follow();
  REQUIRE(fixture.is_told(1));
  CHECK(fixture.told.back() == Addresses{address("192.0.2.1")});
}

TEST_CASE("a name is asked for again before its time is over, and changes are told") {
  Fixture fixture;
  fixture.server.has("dns.test", {"192.0.2.1", "192.0.2.2"}, 0);
  fixture.names.use_bootstrap({fixture.server.endpoint()});
  const auto following = fixture.follow();
  REQUIRE(fixture.is_told(1));
  const Milliseconds first = fixture.loop.now();

  fixture.server.has("dns.test", {"192.0.2.2", "192.0.2.1"}, 0);  // rotated: no change
  REQUIRE(fixture.has_rounds(2));
  CHECK(fixture.loop.now() - first > Milliseconds(150));  // although the TTL is 0
  fixture.server.has("dns.test", {"192.0.2.3"}, 0);
  REQUIRE(fixture.is_told(2));
  CHECK(fixture.told.back() == Addresses{address("192.0.2.3")});
  CHECK(fixture.told.size() == 2);
}

TEST_CASE("a TTL of a day is not waited for") {
  Fixture fixture;
  fixture.server.has("dns.test", {"192.0.2.1"}, kLong);
  fixture.names.use_bootstrap({fixture.server.endpoint()});
  const auto following = fixture.follow();
  REQUIRE(fixture.has_rounds(1));
  const Milliseconds first = fixture.loop.now();
  REQUIRE(fixture.has_rounds(2));
  CHECK(fixture.loop.now() - first > Milliseconds(300));
}

TEST_CASE("a name server that comes later is found, after growing pauses") {
  Fixture fixture;
  std::optional<NameServer> late(std::in_place, fixture.loop);
  const Endpoint endpoint = late->endpoint();
  late.reset();
  fixture.names.use_bootstrap({endpoint});
  const auto following = fixture.follow();
  run_for(fixture.loop, Milliseconds(150));
  CHECK(fixture.told.empty());
  late.emplace(fixture.loop, endpoint.port);
  late->has("dns.test", {"192.0.2.1"}, kLong);
  REQUIRE(fixture.is_told(1));
}

TEST_CASE("pauses grow while a name is not found, up to their longest") {
  Fixture fixture;  // NXDOMAIN
  fixture.names.use_bootstrap({fixture.server.endpoint()});
  const auto following = fixture.follow();
  std::vector<Milliseconds> times;
  for (std::size_t round = 1; round <= 6; ++round) {
    REQUIRE(fixture.has_rounds(round));
    times.push_back(fixture.loop.now());
  }
  CHECK(times[1] - times[0] < Milliseconds(60));
  CHECK(times[3] - times[2] > Milliseconds(70));
  CHECK(times[5] - times[4] < Milliseconds(300));
  CHECK(fixture.told.empty());
}

TEST_CASE("old addresses stay in use when the name server fails or knows the name no more") {
  Fixture fixture;
  fixture.server.has("dns.test", {"192.0.2.1", "2001:db8::1"}, 0);
  fixture.names.use_bootstrap({fixture.server.endpoint()});
  const auto following = fixture.follow();
  REQUIRE(fixture.has_rounds(1));
  fixture.server.fails("dns.test");
  REQUIRE(fixture.has_rounds(3));
  fixture.server.zone.clear();
  REQUIRE(fixture.has_rounds(5));
  fixture.server.has("dns.test", {}, 0);
  REQUIRE(fixture.has_rounds(7));
  fixture.told.clear();
  const auto second = fixture.follow();
  REQUIRE(fixture.told.size() == 1);
  CHECK(fixture.told[0].size() == 2);

  fixture.server.has("dns.test", {"192.0.2.9"}, 0);
  REQUIRE(run_until(fixture.loop, [&] {
    return fixture.told.back() == Addresses{address("192.0.2.9")};  // the other family is gone
  }));
}

TEST_CASE("a name whose addresses refuse is asked for at once, and once in a while at most") {
  Fixture fixture;
  fixture.server.has("dns.test", {"192.0.2.1"}, kLong);
  fixture.names.use_bootstrap({fixture.server.endpoint()});
  const auto following = fixture.follow();
  REQUIRE(fixture.has_rounds(1));
  run_for(fixture.loop, Milliseconds(120));
  const Milliseconds begin = fixture.loop.now();
  REQUIRE(run_until(fixture.loop, [&] {
    fixture.names.ask_again("DNS.test");
    return fixture.rounds() >= 2;
  }));
  CHECK(fixture.loop.now() - begin < Milliseconds(60));
  REQUIRE(run_until(fixture.loop, [&] {
    fixture.names.ask_again("dns.test");
    return fixture.rounds() >= 4;
  }));
  const auto taken = fixture.loop.now() - begin;
  CHECK(taken >= Milliseconds(190));
  CHECK(taken < Milliseconds(700));  // by the TTL alone three would take 1080
  fixture.names.ask_again("another.test");
}

TEST_CASE("localhost is the loopback, which nobody is asked for") {
  Fixture fixture;
  fixture.names.use_bootstrap({fixture.server.endpoint()});
  const auto following = fixture.follow("LocalHost");
  const auto below = fixture.follow("a.localhost");
  CHECK(fixture.told == std::vector<Addresses>(2, {address("::1"), address("127.0.0.1")}));
  fixture.names.ask_again("localhost");
  run_for(fixture.loop, Milliseconds(30));
  CHECK(fixture.server.asked.empty());
}

TEST_CASE("without a server nothing is asked until there is one") {
  Fixture fixture;
  fixture.server.has("dns.test", {"192.0.2.1"}, kLong);
  const auto following = fixture.follow();
  run_for(fixture.loop, Milliseconds(50));
  CHECK(fixture.told.empty());
  fixture.names.use_bootstrap({fixture.server.endpoint()});
  REQUIRE(fixture.is_told(1));
}

TEST_CASE("other servers are asked for what is open or unknown, and for the rest in its time") {
  Fixture fixture;
  NameServer before(fixture.loop);
  before.has("known.test", {"192.0.2.1"}, kLong);
  before.is_silent("open.test");
  for (const char* const name : {"known.test", "open.test"})
    fixture.server.has(name, {"192.0.2.2"}, kLong);
  fixture.names.use_bootstrap({before.endpoint()});
  const auto known = fixture.follow("known.test");
  const auto open = fixture.follow("open.test");
  REQUIRE(fixture.is_told(1));
  run_for(fixture.loop, Milliseconds(20));
  fixture.names.use_bootstrap({before.endpoint()});  // no change
  fixture.names.use_bootstrap({fixture.server.endpoint()});
  REQUIRE(fixture.is_told(2));
  run_for(fixture.loop, Milliseconds(20));
  CHECK(std::ranges::none_of(fixture.server.asked,
                             [](const auto& asked) { return asked.first == "known.test"; }));
  REQUIRE(fixture.is_told(3));
  CHECK(fixture.told[2] == Addresses{address("192.0.2.2")});
}

TEST_CASE("who has left is told nothing, also when it leaves while others are told") {
  Fixture fixture;
  fixture.server.has("dns.test", {"192.0.2.1"}, kLong);
  fixture.names.use_bootstrap({fixture.server.endpoint()});
  std::optional<ServerNames::Following> first;
  std::optional<ServerNames::Following> second;
  first = fixture.names.follow("dns.test", [&](const Addresses&) {
    first.reset();
    second.reset();
    fixture.told.emplace_back();
  });
  second = fixture.follow();
  REQUIRE(fixture.is_told(1));
  run_for(fixture.loop, Milliseconds(600));
  CHECK(fixture.told == std::vector<Addresses>(1));
  CHECK(fixture.rounds() == 1);  // nobody follows the name any more
}

}  // namespace
}  // namespace dnslet::upstream

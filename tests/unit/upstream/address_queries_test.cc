// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/address_queries.h"

#include <cstdlib>

#include "catch.h"
#include "upstream/name_server.h"

namespace dnslet::upstream {
namespace {

using test::NameServer;
using Outcome = AddressQueries::Outcome;

struct Fixture {
  io::Loop loop;
  NameServer server{loop};
  std::vector<AddressQueries::Report> reports;

  AddressQueries queries_to(std::vector<Endpoint> servers) {
    return {loop, std::move(servers),
            [this](const AddressQueries::Report& report) { reports.push_back(report); }};
  }
  bool has_reports(std::size_t count) {
    return test::run_until(loop, [&] { return reports.size() >= count; });
  }
  // A port on which nobody listens.
  Endpoint closed_port() { return NameServer(loop).endpoint(); }
};

TEST_CASE("a host's addresses come with the lowest TTL on the way to them") {
  Fixture fixture;
  const auto edge = test::wire_name("edge.test");
  fixture.server.zone[{"dns.test", dns::Type::A}] = {{{dns::Type::CNAME, 40, edge},
                                                      {dns::Type::A, 300, {192, 0, 2, 1}, edge},
                                                      {dns::Type::A, 200, {192, 0, 2, 2}, edge}}};
  AddressQueries queries = fixture.queries_to({fixture.server.endpoint()});
  queries.ask("dns.test", Family::V4, 7);
  CHECK(fixture.reports.empty());  // never from inside
  REQUIRE(fixture.has_reports(1));
  const auto& report = fixture.reports.front();
  CHECK(report.token == 7);
  CHECK(report.outcome == Outcome::Addresses);
  CHECK(report.ttl == std::chrono::seconds(40));
  CHECK(report.addresses == std::vector{IpAddress::v4(192, 0, 2, 1), IpAddress::v4(192, 0, 2, 2)});
}

TEST_CASE("a name that does not exist and one without the family have no addresses") {
  Fixture fixture;
  fixture.server.has("v4.test", {"192.0.2.1"}, 60);
  AddressQueries queries = fixture.queries_to({fixture.server.endpoint()});
  queries.ask("v4.test", Family::V6, 1);
  REQUIRE(fixture.has_reports(1));
  queries.ask("none.test", Family::V4, 2);
  REQUIRE(fixture.has_reports(2));
  CHECK(fixture.reports[0].outcome == Outcome::None);
  CHECK(fixture.reports[0].reason == "it has no address");
  CHECK(fixture.reports[1].outcome == Outcome::None);
  CHECK(fixture.reports[1].reason == "there is no such name");
}

TEST_CASE("the next server is asked where one refuses or fails") {
  Fixture fixture;
  NameServer failing(fixture.loop);
  failing.fails("dns.test");
  fixture.server.has("dns.test", {"2001:db8::1"}, 60);
  AddressQueries queries =
      fixture.queries_to({fixture.closed_port(), failing.endpoint(), fixture.server.endpoint()});
  queries.ask("dns.test", Family::V6, 1);
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports[0].addresses == std::vector{*IpAddress::from_text("2001:db8::1")});
}

TEST_CASE("no server that can be reached is a failure, at once") {
  Fixture fixture;
  AddressQueries queries = fixture.queries_to({fixture.closed_port()});
  const auto begin = fixture.loop.now();
  queries.ask("dns.test", Family::V4, 1);
  CHECK(fixture.reports.empty());
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports[0].outcome == Outcome::Failed);
  CHECK(fixture.reports[0].reason == "no server can be reached");
  CHECK(fixture.loop.now() - begin < io::Milliseconds(900));
}

TEST_CASE("a question that was lost is sent again, by the clock of c-ares") {
  Fixture fixture;
  fixture.server.is_silent("dns.test");
  AddressQueries queries = fixture.queries_to({fixture.server.endpoint()});
  queries.ask("dns.test", Family::V4, 1);
  REQUIRE(test::run_until(fixture.loop, [&] { return fixture.server.asked.size() == 1; }));
  fixture.server.has("dns.test", {"192.0.2.1"}, 60);
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports[0].outcome == Outcome::Addresses);
  CHECK(fixture.server.asked.size() == 2);
}

TEST_CASE("the environment changes nothing: no search list, no aliases, no TCP") {
  setenv("RES_OPTIONS", "ndots:5 use-vc", 1);
  setenv("LOCALDOMAIN", "search.test", 1);
  setenv("HOSTALIASES", "/dev/null", 1);
  AddressQueries::clear_environment();
  Fixture fixture;
  AddressQueries queries = fixture.queries_to({fixture.server.endpoint()});
  queries.ask("alone", Family::V4, 1);
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.server.asked == std::vector<NameServer::Asked>{{"alone", dns::Type::A}});
}

TEST_CASE("a hosts file has no say, and localhost is not asked for") {
  Fixture fixture;
  AddressQueries queries = fixture.queries_to({fixture.server.endpoint()});
  queries.ask("localhost", Family::V4, 1);
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports[0].outcome != Outcome::Addresses);
  CHECK(fixture.server.asked.empty());
}

TEST_CASE("whoever ends it hears nothing of its questions") {
  Fixture fixture;
  {
    AddressQueries queries = fixture.queries_to({fixture.server.endpoint()});
    for (uint64_t token = 1; token <= 20; ++token) queries.ask("dns.test", Family::V4, token);
  }
  test::run_for(fixture.loop, io::Milliseconds(50));
  CHECK(fixture.reports.empty());
}

}  // namespace
}  // namespace dnslet::upstream

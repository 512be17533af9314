// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/named_servers.h"

#include "catch.h"
#include "dns/message.h"
#include "dns/reply.h"
#include "upstream/name_server.h"

namespace dnslet::upstream {
namespace {

using io::Milliseconds;

// What is handed to a transport; what comes of it is told by the test.
struct Behind : Transport {
  struct Seen {
    std::vector<uint64_t> sent{};
    std::vector<uint64_t> forgotten{};
    std::vector<std::string> addresses{};
    int turns = 0;
    OnReport on_report{};
  };
  explicit Behind(Seen& all) : seen(all) {}
  void send(uint64_t token, const dns::QueryBytes&) override { seen.sent.push_back(token); }
  void flush() override {}
  void forget(uint64_t token) override { seen.forgotten.push_back(token); }
  std::size_t open() const override { return seen.sent.size(); }

  Seen& seen;
};

struct Fixture {
  io::Loop loop;
  std::vector<std::string> refused;
  NamedServers servers{loop, [this](const std::string& host) { refused.push_back(host); }};
  std::vector<Report> reports;

  std::unique_ptr<Transport> open(Behind::Seen& seen, uint16_t port = 53) {
    ServerAddress server;
    server.host = "dns.test";
    server.port = port;
    const auto make = [&seen](Transport::OnReport on_report) {
      seen.on_report = std::move(on_report);
      return NamedServers::Way{std::make_unique<Behind>(seen),
                               [&seen](const std::vector<io::SocketAddress>& addresses) {
                                 seen.addresses.clear();
                                 for (const auto& address : addresses)
                                   seen.addresses.push_back(address.endpoint().to_text());
                               },
                               [&seen] { ++seen.turns; }};
    };
    return servers.open(server, make, [this](const Report& report) { reports.push_back(report); });
  }
};

TEST_CASE("transports to a name get its addresses, those that come later too") {
  Fixture fixture;
  Behind::Seen first;
  Behind::Seen second;
  const auto early = fixture.open(first);
  early->send(7, dns::build_upstream_query(dns::Question(), dns::UpstreamFlags()));
  CHECK(first.sent == std::vector<uint64_t>{7});
  CHECK(first.addresses.empty());
  fixture.servers.use_addresses("another.test", {IpAddress::v4(192, 0, 2, 9)});
  CHECK(first.addresses.empty());
  fixture.servers.use_addresses("dns.test", {IpAddress::v4(192, 0, 2, 1)});
  CHECK(first.addresses == std::vector<std::string>{"192.0.2.1:53"});

  const auto late = fixture.open(second, 5353);
  CHECK(second.addresses == std::vector<std::string>{"192.0.2.1:5353"});
}

TEST_CASE("a transport that is gone gets no addresses") {
  Fixture fixture;
  Behind::Seen seen;
  fixture.open(seen).reset();
  fixture.servers.use_addresses("dns.test", {IpAddress::v4(192, 0, 2, 1)});
  CHECK(seen.addresses.empty());
}

TEST_CASE("that all addresses refuse is told, once a second, and the question's report as well") {
  Fixture fixture;
  Behind::Seen seen;
  const auto transport = fixture.open(seen);
  for (const uint64_t token : {1U, 2U}) seen.on_report({.token = token});
  seen.on_report({.token = 3, .outcome = Outcome::Answer});
  seen.on_report({.token = 4, .outcome = Outcome::NoResources});
  CHECK(fixture.refused == std::vector<std::string>{"dns.test"});
  CHECK(fixture.reports.size() == 4);
  test::run_for(fixture.loop, NamedServers::kBetween + Milliseconds(20));
  seen.on_report({.token = 5});
  CHECK(fixture.refused.size() == 2);
}

TEST_CASE("after two questions without an answer the next address has its turn") {
  Fixture fixture;
  Behind::Seen seen;
  const auto transport = fixture.open(seen);
  transport->forget(1);
  seen.on_report({.token = 2, .outcome = Outcome::Answer});
  transport->forget(3);
  CHECK(seen.turns == 0);
  transport->forget(4);
  CHECK(seen.turns == 1);
  CHECK(seen.forgotten == std::vector<uint64_t>{1, 3, 4});
}

}  // namespace
}  // namespace dnslet::upstream

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/server_source.h"

#include "catch.h"

using namespace dnslet;
using namespace dnslet::upstream;

namespace {

ServerAddress at(const char* text, Protocol protocol = Protocol::Udp) {
  return ServerAddress::at(*Endpoint::from_text(text, kDnsPort), protocol);
}

KnownServers::OfDomains of(const char* domain, std::vector<ServerAddress> servers) {
  KnownServers::OfDomains some;
  some.domains.add(*dns::Name::from_text(domain));
  some.servers = std::move(servers);
  some.whose = domain;
  return some;
}

}  // namespace

TEST_CASE("the root as a domain takes all names that no other domain has") {
  KnownServers known{.servers = {at("10.0.0.1")},
                     .of_domains = {of("corp.test", {at("10.0.0.2")}), of(".", {at("10.0.0.3")})}};
  settle(known);
  CHECK(known.servers == std::vector{at("10.0.0.3")});
  CHECK(known.whose == ".");
}

TEST_CASE("a domain without a server is none") {
  KnownServers known{
      .servers = {at("10.0.0.1")},
      .of_domains = {of(".", {}), of("corp.test", {}), of("a.test", {at("10.0.0.2")})}};
  settle(known);
  CHECK(known.servers == std::vector{at("10.0.0.1")});
  CHECK(known.of_domains == std::vector{of("a.test", {at("10.0.0.2")})});
}

TEST_CASE("one server over TLS is enough to need roots") {
  const auto tls = at("10.0.0.9:853", Protocol::Tls);
  CHECK_FALSE(
      has_tls({.servers = {at("10.0.0.1")}, .of_domains = {of("a.test", {at("10.0.0.2")})}}));
  CHECK(has_tls({.servers = {at("10.0.0.1"), tls}}));
  CHECK(has_tls({.servers = {}, .of_domains = {of("a.test", {at("10.0.0.2"), tls})}}));
}

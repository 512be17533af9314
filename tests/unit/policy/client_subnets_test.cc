// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/client_subnets.h"

#include "catch.h"

namespace dnslet::policy {
namespace {

using Kind = SubnetChoice::Kind;

IpAddress address(const char* text) { return *IpAddress::from_text(text); }

// The network that is sent, or "-".
std::string sent(const SubnetChoice& choice, const char* client, const char* said = nullptr) {
  dns::ClientSubnet subnet;
  if (said) subnet.network = *Network::from_text(said);
  Route route{.reach = Reach::Subnet, .subnet = *Network::from_text("1.2.3.4/32")};
  send_subnet(choice, address(client), said ? &subnet : nullptr, route);
  return route.sent_subnet() ? route.sent_subnet()->to_text() : "-";
}

TEST_CASE("of a client its own network is sent, as it says it or as its address is") {
  const SubnetChoice choice{.kind = Kind::Client};
  CHECK(sent(choice, "203.0.113.77") == "203.0.113.0/24");
  CHECK(sent(choice, "2001:db8:1:2ff:3::4") == "2001:db8:1:200::/56");
  CHECK(sent(choice, "203.0.113.77", "198.51.100.0/23") == "198.51.100.0/23");
  CHECK(sent(choice, "203.0.113.77", "198.51.100.0/25") == "198.51.100.0/24");
  CHECK(sent(choice, "203.0.113.77", "2001:db8::/20") == "2001::/20");
  CHECK(sent(choice, "127.0.0.1", "198.51.100.0/24") == "198.51.100.0/24");
  CHECK(sent({.kind = Kind::Client, .most_v4 = 16}, "203.0.113.77") == "203.0.0.0/16");
}

TEST_CASE("of inner networks nothing is sent, and who wants nothing told says so to servers") {
  const SubnetChoice choice{.kind = Kind::Client};
  for (const char* inner :
       {"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "100.64.0.1",
        "0.1.2.3", "::1", "fd00::1", "fe80::1", "2002:7f00:1::1"}) {
    CHECK(sent(choice, inner) == "-");
    CHECK(sent(choice, "203.0.113.77", inner) == "-");
    CHECK(sent(choice, inner, "0.0.0.0/0") == "0.0.0.0/0");
  }
  CHECK(sent(choice, "203.0.113.77", "::/0") == "::/0");
  CHECK(sent(choice, "::ffff:203.0.113.77") == "203.0.113.0/24");
  dns::ClientSubnet mapped;
  mapped.network = {address("::ffff:203.0.113.77"), 128};
  Route route;
  send_subnet(choice, address("203.0.113.77"), &mapped, route);
  CHECK(route.reach == Reach::NotSent);
  CHECK(sent({}, "203.0.113.77", "198.51.100.0/24") == "-");
  CHECK(sent({.kind = Kind::Fixed, .fixed = *Network::from_text("10.0.0.0/8")}, "203.0.113.77",
             "198.51.100.0/24") == "10.0.0.0/8");
}

TEST_CASE("an answer is kept for as much of the network as the server says") {
  const Route asked{
      .servers = 3, .reach = Reach::Subnet, .subnet = *Network::from_text("10.1.2.0/24")};
  const auto kept = [&asked](uint8_t scope) {
    const Route route = kept_route(asked, scope);
    CHECK(route.servers == 3);
    CHECK(covers(route, asked));
    return route.reach == Reach::Everybody ? "all" : route.subnet.to_text();
  };
  CHECK(kept(0) == "all");
  CHECK(kept(1) == "0.0.0.0/1");
  CHECK(kept(15) == "10.0.0.0/15");
  CHECK(kept(24) == "10.1.2.0/24");
  CHECK(kept(32) == "10.1.2.0/24");
  const Route just_this = kept_route(asked, 25);
  Route more = asked;
  more.subnet = *Network::from_text("10.1.2.0/25");
  CHECK(covers(kept_route(asked, 24), more));
  CHECK_FALSE(covers(just_this, more));
  CHECK_FALSE(covers(just_this, {.servers = 3}));
  Route silent = asked;
  silent.subnet = *Network::from_text("0.0.0.0/0");
  CHECK(kept_route(silent, 0) == silent);
  CHECK_FALSE(covers(silent, asked));
  CHECK(covers(silent, silent));
  const Route unsaid{.servers = 3};
  CHECK(kept_route(unsaid, 24) == unsaid);
  CHECK_FALSE(covers(unsaid, asked));
  CHECK_FALSE(covers(asked, unsaid));
  CHECK(covers(kept_route(asked, 0), unsaid));
  CHECK_FALSE(covers(kept_route(asked, 0), kByName));
}

}  // namespace
}  // namespace dnslet::policy

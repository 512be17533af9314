// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "catch.h"
#include "lookup_script.h"
#include "policy/rules_of.h"

namespace dnslet {
namespace {

using namespace std::chrono_literals;
using test::rules_of;
using test::Script;

std::vector<Network> networks(std::initializer_list<const char*> texts) {
  std::vector<Network> list;
  for (const char* const text : texts) list.push_back(*Network::from_text(text));
  return list;
}

TEST_CASE("a fake address stands for a name, and has it as its own name") {
  Script dns;
  dns.fake_addresses.emplace(networks({"198.18.0.0/15", "fd00::/64"}), 1);
  dns.use_rules(rules_of({"zone:a.test -> fake", "name:b.test type:A,AAAA -> fake ttl:30"}));
  dns.ask("www.a.test A");
  dns.expect_reply("fake NOERROR aa | 1 A 198.18.0.1");
  dns.ask("b.test AAAA");
  dns.expect_reply("fake NOERROR aa | 30 AAAA fd00::2");
  dns.ask("WWW.a.test AAAA");
  dns.expect_reply("fake NOERROR aa | 1 AAAA fd00::1");
  dns.ask("www.a.test TYPE65");
  dns.expect_reply("fake NOERROR aa");
  dns.ask("b.test MX");
  dns.expect_asked("b.test MX");
  dns.ask("1.0.18.198.in-addr.arpa PTR");
  dns.expect_reply("fake NOERROR aa | 1 PTR www.a.test");
  dns.ask("3.0.18.198.in-addr.arpa PTR");
  dns.expect_reply("fake NXDOMAIN aa");
  dns.ask("1.0.20.198.in-addr.arpa PTR");
  dns.expect_asked("1.0.20.198.in-addr.arpa PTR");
  dns.ask("0.18.198.in-addr.arpa PTR");
  dns.expect_asked("0.18.198.in-addr.arpa PTR");
}

TEST_CASE("a family without a network, or that the rule leaves out, has no fake address") {
  Script dns;
  dns.fake_addresses.emplace(networks({"198.18.0.0/15"}), 1);
  dns.use_rules(rules_of({"name:a.test -> fake", "name:b.test -> fake only:ipv6"}));
  for (const char* const question : {"a.test AAAA", "b.test A", "b.test AAAA"}) {
    dns.ask(question);
    dns.expect_reply("fake NOERROR aa");
  }
}

TEST_CASE("names of ours and blocked ones have no fake address, an address of ours has its name") {
  Script dns;
  dns.fake_addresses.emplace(networks({"198.18.0.0/15"}), 1);
  dns.use_rules(rules_of({"* -> fake"}));
  (void)dns.hosts.add_text("198.18.0.1 db.test\n");
  dns.block("ads.test");
  dns.block("198.in-addr.arpa");
  dns.ask("db.test A");
  dns.expect_reply("hosts NOERROR aa | 10 A 198.18.0.1");
  dns.ask("x.ads.test A");
  dns.expect_reply("block NXDOMAIN aa");
  dns.ask("www.test A");
  dns.expect_reply("fake NOERROR aa | 1 A 198.18.0.1");
  dns.ask("1.0.18.198.in-addr.arpa PTR");
  dns.expect_reply("hosts NOERROR aa | 10 PTR db.test");
  dns.ask("2.0.18.198.in-addr.arpa PTR");
  dns.expect_reply("fake NXDOMAIN aa");
}

TEST_CASE("a search ends at a name with a fake address, and keeps none of it") {
  Script dns;
  dns.fake_addresses.emplace(networks({"198.18.0.0/15"}), 1);
  dns.use_rules(rules_of({"zone:two.test -> fake"}));
  dns.search_in({"one.test", "two.test", "three.test"});
  for (int i = 0; i < 2; ++i) {
    dns.ask("db A");
    if (i == 0) {
      dns.expect_asked("db.one.test A");
      dns.upstream("NXDOMAIN / test 60 SOA 60");
    }
    dns.expect_reply("fake NOERROR | 1 CNAME db.two.test | db.two.test 1 A 198.18.0.1");
  }
  dns.ask("db AAAA");
  dns.expect_asked("db.one.test AAAA");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.expect_reply("fake NOERROR");
}

TEST_CASE("an alias may lead to a name with a fake address") {
  Script dns;
  dns.fake_addresses.emplace(networks({"198.18.0.0/15"}), 1);
  dns.use_rules(rules_of({"name:a.test -> alias b.test", "name:b.test -> fake"}));
  dns.ask("a.test A");
  dns.expect_reply("fake NOERROR aa | 10 CNAME b.test | b.test 1 A 198.18.0.1");
}

}  // namespace
}  // namespace dnslet

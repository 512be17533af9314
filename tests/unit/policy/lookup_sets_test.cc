// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The sets of the packet filter that a reply's addresses go into.

#include "catch.h"
#include "lookup_script.h"
#include "rules_of.h"

using namespace dnslet;
using namespace dnslet::test;
using namespace std::chrono_literals;

namespace {

// A rule and its sets: those of ipset begin with an i, all others are of nftables.
struct Written {
  const char* rule;
  std::initializer_list<const char*> sets;
};

std::vector<policy::Rule> rules_with_sets(std::initializer_list<Written> written) {
  std::vector<policy::Rule> rules;
  for (const Written& one : written) {
    std::string text = one.rule;
    for (const std::string name : one.sets)
      text += (name.front() == 'i' ? " ipset:" : " nft:inet/t/") + name;
    rules.push_back(rules_of({text.c_str()}).front());
  }
  return rules;
}

}  // namespace

TEST_CASE("addresses go into the sets of the rule that decides, out of the cache too") {
  if (!has_address_sets()) return;
  Script dns;
  dns.use_rules(rules_with_sets({{"zone:a.test -> ask one", {"a", "a6"}},
                                 {"zone:b.test -> pass", {"ib"}},
                                 {"name:own.test -> answer 10.0.0.1", {"own"}},
                                 {"name:fixed.test -> pass", {}}}));
  for (const char* const source : {"upstream", "cache"}) {
    dns.ask("www.a.test A");
    if (source == std::string("upstream")) dns.upstream("NOERROR | 60 A 192.0.2.1");
    dns.expect_reply(std::string(source) + " NOERROR | 60 A 192.0.2.1");
    CHECK(dns.sets() == "a a6");
  }
  dns.ask("b.test AAAA");
  dns.upstream("NOERROR | 60 AAAA fd00::1");
  CHECK(dns.sets() == "ib");
  dns.ask("own.test A");
  dns.expect_reply("rule NOERROR aa | 10 A 10.0.0.1");
  CHECK(dns.sets() == "own");
  for (const char* const name : {"fixed.test A", "other.test A"}) {
    dns.ask(name);
    dns.upstream("NOERROR | 60 A 192.0.2.9");
    CHECK(dns.sets().empty());
  }
}

TEST_CASE("sets of a later rule take the place of a `with` rule's, of each kind by itself") {
  if (!has_address_sets()) return;
  Script dns;
  dns.use_rules(rules_with_sets({{"zone:test -> with ttl:60", {"with", "iwith"}},
                                 {"name:both.test -> pass", {"nft", "ipset"}},
                                 {"name:nft.test -> pass", {"nft"}},
                                 {"name:none.test -> pass", {}}}));
  const std::pair<const char*, const char*> rows[] = {{"both.test A", "nft ipset"},
                                                      {"nft.test A", "nft iwith"},
                                                      {"none.test A", "with iwith"},
                                                      {"other.test A", "with iwith"},
                                                      {"other.example A", ""}};
  for (const auto& [name, sets] : rows) {
    dns.ask(name);
    dns.upstream("NOERROR | 60 A 192.0.2.1");
    CHECK(dns.sets() == sets);
  }
}

TEST_CASE("a rule that does not hold for the answer has no say in where its addresses go") {
  if (!has_address_sets()) return;
  Script dns;
  dns.use_rules(rules_with_sets(
      {{"answer:10.0.0.0/8 -> ask one", {"near"}}, {"type:A -> ask two", {"far"}}}));
  dns.ask("a.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  CHECK(dns.sets() == "near");
  dns.ask("b.test A");
  dns.upstream("NOERROR | 60 A 192.0.2.1");
  dns.upstream("NOERROR | 60 A 198.51.100.1");
  dns.expect_reply("upstream NOERROR | 60 A 198.51.100.1");
  CHECK(dns.sets() == "far");
  dns.ask("b.test A");
  dns.expect_reply("cache NOERROR | 60 A 198.51.100.1");
  CHECK(dns.sets() == "far");
}

TEST_CASE("the rule that makes an alias and those for its target have both their sets") {
  if (!has_address_sets()) return;
  Script dns;
  dns.use_rules(rules_with_sets({{"name:a.test -> alias b.test", {"of-alias"}},
                                 {"name:b.test -> alias c.test", {}},
                                 {"answer:10.0.0.0/8 -> ask one", {"near"}},
                                 {"name:c.test -> pass", {"of-target"}}}));
  dns.ask("a.test A");
  dns.expect_asked("c.test A");
  dns.upstream("NOERROR | 60 A 192.0.2.1");
  dns.upstream("NOERROR | 60 A 192.0.2.1");
  CHECK(dns.sets() == "of-alias of-target");
  dns.ask("b.test A");
  CHECK(dns.sets() == "of-target");
}

TEST_CASE("each name of a search has the sets of its own rule, also when it is asked for again") {
  if (!has_address_sets()) return;
  Script dns;
  dns.search_in({"one.test", "two.test"});
  dns.use_rules(
      rules_with_sets({{"zone:one.test -> pass", {"one"}}, {"zone:two.test -> pass", {"two"}}}));
  dns.ask("db A");
  dns.upstream("NXDOMAIN / test 3600 SOA 60");
  dns.upstream("NOERROR | 60 A 192.0.2.1");
  CHECK(dns.sets() == "two");
  dns.ask("db A");
  dns.expect_reply("cache NOERROR | 60 CNAME db.two.test | db.two.test 60 A 192.0.2.1");
  CHECK(dns.sets() == "two");
  (void)dns.addresses.add_text("10.0.0.9 *\n");
  dns.ask("nas A");
  dns.expect_reply("address NOERROR aa | 10 A 10.0.0.9");
  CHECK(dns.sets().empty());
}

TEST_CASE("an answer that has ended goes into the sets too") {
  if (!has_address_sets()) return;
  Script dns(100, 1h);
  dns.use_rules(rules_with_sets({{"* -> ask one", {"all"}}}));
  dns.ask("a.test A");
  dns.upstream("NOERROR | 60 A 192.0.2.1");
  dns.pass(61s);
  dns.ask("a.test A");
  REQUIRE(dns.upstream_is_silent());
  CHECK(dns.sets() == "all");
}

TEST_CASE(
    "an answer under way when the rules are replaced goes into the sets that it was asked by") {
  if (!has_address_sets()) return;
  Script dns;
  dns.use_rules(rules_with_sets({{"* -> ask one", {"old"}}}));
  dns.ask("a.test A");
  dns.use_rules(rules_with_sets({{"* -> ask one", {"new"}}}));
  dns.upstream("NOERROR | 60 A 192.0.2.1");
  CHECK(dns.sets() == "old");
}

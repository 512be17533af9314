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

TEST_CASE("a rule answers by itself, the first that fits") {
  Script dns;
  dns.use_rules(rules_of({"name:a.test -> block", "zone:a.test type:AAAA -> empty",
                          "zone:a.test -> answer 10.0.0.1,10.0.0.2", "name:b.test -> refuse",
                          "name:c.test -> rcode SERVFAIL", "name:d.test -> drop",
                          "name:e.test -> answer TXT \"some text\"",
                          "name:f.test -> answer 10.0.0.1 ttl:60"}));
  dns.ask("a.test A");
  dns.expect_reply("rule NXDOMAIN aa");
  dns.ask("www.a.test AAAA");
  dns.expect_reply("rule NOERROR aa");
  dns.ask("WWW.a.test A");
  dns.expect_reply("rule NOERROR aa | 10 A 10.0.0.1 | 10 A 10.0.0.2");
  dns.ask("www.a.test MX");
  dns.expect_reply("rule NOERROR aa");
  dns.ask("b.test A");
  dns.expect_reply("rule REFUSED");
  dns.ask("c.test A");
  dns.expect_reply("rule SERVFAIL");
  dns.ask("d.test A");
  dns.expect_drop();
  dns.ask("e.test TXT");
  dns.expect_reply("rule NOERROR aa | 10 TXT some text");
  dns.ask("e.test A");
  dns.expect_reply("rule NOERROR aa");
  dns.ask("f.test A");
  dns.expect_reply("rule NOERROR aa | 60 A 10.0.0.1");
  dns.ask("xa.test A");
  dns.expect_asked("xa.test A");
}

TEST_CASE("a name is found by any of its conditions, unless one that is negated holds") {
  Script dns;
  dns.use_rules(rules_of({"regex:^ad[0-9]+\\. word:track ptr:10.0.0.0/8 !zone:ok.test -> block",
                          "type:TXT !name:a.test -> refuse"}));
  for (const char* const name : {"ad17.test", "AD1.x.test", "my-tracker.test"}) {
    dns.ask(std::string(name) + " A");
    dns.expect_reply("rule NXDOMAIN aa");
  }
  dns.ask("1.0.0.10.in-addr.arpa PTR");
  dns.expect_reply("rule NXDOMAIN aa");
  for (const char* const name :
       {"ad.test", "x.ad1.test", "ad1.ok.test", "1.0.0.11.in-addr.arpa", "0.10.in-addr.arpa"}) {
    dns.ask(std::string(name) + " A");
    dns.expect_asked(std::string(name) + " A");
  }
  dns.ask("a.test TXT");
  dns.expect_asked("a.test TXT");
  dns.ask("b.test TXT");
  dns.expect_reply("rule REFUSED");
}

TEST_CASE("a CNAME of ours is followed through all rungs, but for who asks for it") {
  Script dns;
  const auto add = [&dns](const char* text) {
    const auto record = dns::record_from_text(text);
    REQUIRE(record);
    REQUIRE(dns.records.add(*record, 10));
  };
  add("www.test CNAME a.example");
  add("in.test 60 CNAME db.test");
  (void)dns.hosts.add_text("10.0.0.1 db.test\n");
  dns.ask("www.test A");
  dns.expect_asked("a.example A");
  dns.upstream("NXDOMAIN");
  dns.expect_reply("upstream NXDOMAIN | 10 CNAME a.example");
  dns.ask("in.test A");
  dns.expect_reply("hosts NOERROR aa | 60 CNAME db.test | db.test 10 A 10.0.0.1");
  dns.ask("in.test CNAME");
  dns.expect_reply("record NOERROR aa | 60 CNAME db.test");
}

TEST_CASE("what is ours is there for all types, also where a rule blocks") {
  Script dns;
  (void)dns.hosts.add_text("10.0.0.1 db.test\n");
  dns.use_rules(rules_of({"zone:test -> block"}));
  dns.ask("db.test A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.1");
  dns.ask("db.test MX");
  dns.expect_reply("rule NOERROR aa");
  dns.ask("www.test MX");
  dns.expect_reply("rule NXDOMAIN aa");
}

TEST_CASE("clients of different rules are never told each other's answers") {
  Script dns(100, 1h);
  dns.use_rules(rules_of({"from:10.0.0.0/8 -> ask one", "from:192.0.2.0/24 -> ask two",
                          "from:198.51.100.1 -> pass ttl:5"}));
  const auto ask = [&](const char* address) { dns.ask(std::string("a.test A from=") + address); };
  const struct {
    const char* client;
    policy::ServerSetNumber servers;
    const char* answer;
  } kClients[] = {{"10.0.0.1", 1, "60 A 10.0.0.1"},
                  {"192.0.2.1", 2, "60 A 10.0.0.2"},
                  {"203.0.113.1", 0, "60 A 10.0.0.3"},
                  {"198.51.100.1", 0, "5 A 10.0.0.4"}};
  for (const auto& client : kClients) {
    ask(client.client);
    dns.expect_asked("a.test A");
    CHECK(dns.asked_servers() == client.servers);
    dns.upstream(std::string("NOERROR | ") + client.answer);
    dns.expect_reply(std::string("upstream NOERROR | ") + client.answer);
  }
  for (const auto& client : kClients) {
    ask(client.client);
    dns.expect_reply(std::string("cache NOERROR | ") + client.answer);
  }
  dns.pass(55s);  // in use, and about to end: each is asked again by its own way
  ask("192.0.2.9");
  dns.expect_refresh();
  CHECK(dns.asked_servers() == 2);
  dns.upstream("NOERROR | 60 A 10.0.0.22");
  ask("192.0.2.1");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.22");
  ask("10.0.0.1");
  dns.expect_reply("cache NOERROR | 5 A 10.0.0.1");

  dns.pass(70s);  // all have ended
  for (const auto& client : kClients) {
    ask(client.client);
    dns.expect_asked("a.test A");
    dns.no_server_answers();
    const std::string answer = client.servers == 2 ? "60 A 10.0.0.22" : client.answer;
    dns.expect_reply("stale NOERROR | 30 " + answer.substr(answer.find('A')));
  }
}

TEST_CASE("what servers say is judged, and where it does not hold the next rule goes on") {
  Script dns;
  dns.use_rules(
      rules_of({"answer:10.0.0.0/8 -> ask one", "rcode:NXDOMAIN -> ask two", "* -> ask three"}));
  for (const char* const source : {"upstream", "cache"}) {
    CAPTURE(source);
    dns.ask("a.test A");
    if (*source == 'u') {
      CHECK(dns.asked_servers() == 1);
      dns.upstream("NOERROR | 60 A 10.0.0.1");
    }
    dns.expect_reply(std::string(source) + " NOERROR | 60 A 10.0.0.1");
  }
  for (const char* const source : {"upstream", "cache"}) {
    CAPTURE(source);
    dns.ask("b.test A");
    if (*source == 'u') {
      CHECK(dns.asked_servers() == 1);
      dns.upstream("NOERROR | 60 A 192.0.2.1");
      CHECK(dns.asked_servers() == 2);
      dns.upstream("NOERROR | 60 A 192.0.2.2");
      CHECK(dns.asked_servers() == 3);
      dns.upstream("NOERROR | 60 A 192.0.2.3");
    }
    dns.expect_reply(std::string(source) + " NOERROR | 60 A 192.0.2.3");
  }
  // Of a type without addresses nobody is asked for the sake of them.
  dns.ask("b.test MX");
  CHECK(dns.asked_servers() == 2);
  dns.upstream("NXDOMAIN");
  dns.expect_reply("upstream NXDOMAIN");
}

TEST_CASE("after a failure no rule answers by itself, and nobody is asked in its place") {
  Script dns;
  dns.use_rules(rules_of({"!answer:10.0.0.0/8 -> ask one", "* -> block"}));
  dns.ask("a.test A");
  CHECK(dns.asked_servers() == 1);
  dns.upstream("SERVFAIL");
  dns.expect_reply("error SERVFAIL");
  dns.ask("b.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("rule NXDOMAIN aa");
  dns.ask("c.test A");
  dns.no_server_answers();
  dns.expect_reply("error SERVFAIL");
}

TEST_CASE("after a failure the default servers have their turn, and silence is one") {
  Script dns;
  dns.use_rules(rules_of({"answer:10.0.0.0/8 -> ask one"}));
  dns.ask("a.test A");
  CHECK(dns.asked_servers() == 1);
  CHECK(dns.servers_are_unreachable());
  dns.expect_asked("a.test A");
  CHECK(dns.asked_servers() == 0);
  dns.upstream("NOERROR | 60 A 192.0.2.1");
  dns.expect_reply("upstream NOERROR | 60 A 192.0.2.1");
}

TEST_CASE("an answer is judged by what it holds: codes, aliases, hints, no address") {
  const struct {
    const char* rule;
    const char* question;
    const char* answer;
    bool holds;
  } kCases[] = {
      {"answer:none -> ask one", "a.test A", "NXDOMAIN", true},
      {"answer:none -> ask one", "a.test A", "NOERROR", true},
      {"answer:none -> ask one", "a.test A", "NOERROR | 60 A 10.0.0.1", false},
      {"!answer:none -> ask one", "a.test A", "NOERROR | 60 A 10.0.0.1", true},
      {"!answer:none -> ask one", "a.test A", "NXDOMAIN", false},
      {"answer:private -> ask one", "a.test A", "NOERROR | 60 A 192.0.2.1 | 60 A 10.0.0.1", true},
      {"!answer:private -> ask one", "a.test A", "NOERROR | 60 A 192.0.2.1 | 60 A 10.0.0.1", false},
      {"answer:private -> ask one", "a.test A", "NOERROR | 60 A 0.0.0.0", true},
      {"rcode:NXDOMAIN -> ask one", "a.test A", "NOERROR", false},
      {"rcode:NOERROR -> ask one", "a.test A", "NOERROR", true},
      {"!rcode:NXDOMAIN -> ask one", "a.test A", "NOERROR", true},
      {"!rcode:NXDOMAIN -> ask one", "a.test A", "SERVFAIL", false},
      {"alias:ads.test -> ask one", "a.test A", "NOERROR | 60 CNAME x.ads.test", true},
      {"alias:ads.test -> ask one", "a.test A", "NOERROR | 60 CNAME xads.test", false},
      {"alias:a.test -> ask one", "a.test A", "NOERROR | 60 A 10.0.0.1", false},
  };
  for (const auto& one : kCases) {
    CAPTURE(one.rule, one.answer);
    Script dns;
    dns.use_rules(rules_of({one.rule}));
    dns.ask(one.question);
    CHECK(dns.asked_servers() == 1);
    dns.upstream(one.answer);
    if (one.holds) {
      dns.expect_reply(std::string("upstream ") + one.answer);
    } else {
      dns.expect_asked(one.question);
      CHECK(dns.asked_servers() == 0);
    }
  }
}

TEST_CASE("an alias goes through all rungs again, and its target's answer stands behind it") {
  Script dns;
  (void)dns.hosts.add_text("10.0.0.1 db.test\n");
  dns.use_rules(rules_of({"name:a.test -> alias db.test", "name:b.test -> alias a.test ttl:60",
                          "name:c.test -> alias www.example", "name:d.test -> alias gone.test",
                          "name:gone.test -> block", "zone:loop.test -> alias x.loop.test"}));
  dns.ask("a.test A");
  dns.expect_reply("hosts NOERROR aa | 10 CNAME db.test | db.test 10 A 10.0.0.1");
  dns.ask("b.test A");
  dns.expect_reply(
      "hosts NOERROR aa | 60 CNAME a.test | a.test 10 CNAME db.test | db.test 10 A 10.0.0.1");
  for (const char* const source : {"upstream", "cache"}) {
    CAPTURE(source);
    dns.ask("c.test A");
    if (*source == 'u') {
      dns.expect_asked("www.example A");
      dns.upstream("NOERROR | 60 A 192.0.2.1");
    }
    dns.expect_reply(std::string(source) +
                     " NOERROR | 10 CNAME www.example | www.example 60 A 192.0.2.1");
  }
  dns.ask("d.test A");
  dns.expect_reply("rule NXDOMAIN aa | 10 CNAME gone.test");
  dns.ask("loop.test A");
  dns.expect_reply("error SERVFAIL");
  dns.ask("c.test MX");
  dns.upstream("SERVFAIL");
  dns.expect_reply("upstream SERVFAIL");
}

TEST_CASE("addresses behind an alias take turns") {
  Script dns;
  dns.settings.rotation = policy::Rotation::On;
  dns.use_rules(rules_of({"name:a.test -> alias b.test"}));
  dns.ask("a.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1 | 60 A 10.0.0.2");
  const std::string first = dns.reply_text();
  dns.ask("a.test A");
  CHECK(dns.reply_text().substr(dns.reply_text().find(' ')) != first.substr(first.find(' ')));
}

TEST_CASE("options go along: time, the cache, one family, how servers are asked") {
  Script dns;
  dns.use_rules(rules_of({"zone:test -> with ttl:30-600", "name:a.test -> pass ttl:5",
                          "name:b.test -> pass nocache", "name:c.test -> pass only:ipv4",
                          "name:d.test -> ask one wait:100 race:2"}));
  dns.ask("a.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 5 A 10.0.0.1");
  dns.pass(4s);
  dns.ask("a.test A");
  dns.expect_reply("cache NOERROR | 1 A 10.0.0.1");
  dns.pass(1s);
  dns.ask("a.test A");
  dns.expect_asked("a.test A");

  for (int i = 0; i < 2; ++i) {
    dns.ask("b.test A");
    dns.expect_asked("b.test A");
    dns.upstream("NOERROR | 900 A 10.0.0.1");
    dns.expect_reply("upstream NOERROR | 600 A 10.0.0.1");
  }
  dns.ask("c.test AAAA");
  dns.expect_reply("rule NOERROR aa");
  dns.ask("c.test A");
  dns.upstream("NOERROR | 0 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 30 A 10.0.0.1");
  dns.ask("d.test A");
  CHECK(dns.last_ask().asking.race == 2);
  CHECK(dns.last_ask().asking.retry == 100ms);
}

TEST_CASE("a search decides each of its names by the rules") {
  Script dns;
  dns.search_in({"corp.test", "example.test"});
  dns.use_rules(
      rules_of({"name:www.corp.test -> block", "zone:example.test -> ask one",
                "name:db.corp.test -> alias db.example.test", "name:gone.corp.test -> drop",
                "from:10.0.0.0/8 zone:corp.test -> ask two",
                "answer:10.0.0.0/8 zone:corp.test -> ask three"}));
  dns.ask("www A");
  dns.expect_asked("www.example.test A");
  CHECK(dns.asked_servers() == 1);
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 CNAME www.example.test | www.example.test 60 A 10.0.0.1");
  dns.ask("www A");
  dns.expect_reply("rule NOERROR | 60 CNAME www.example.test | www.example.test 60 A 10.0.0.1");

  dns.ask("db A");
  dns.expect_asked("db.example.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.2");
  dns.expect_reply(
      "upstream NOERROR | 10 CNAME db.corp.test | db.corp.test 10 CNAME db.example.test | "
      "db.example.test 60 A 10.0.0.2");
  dns.ask("gone A");
  dns.expect_drop();

  // Who is told something else is told so in a search, too, fresh and kept.
  dns.ask("mail A from=192.0.2.1");
  CHECK(dns.asked_servers() == 3);
  dns.upstream("NOERROR | 60 A 10.0.0.3");
  dns.expect_reply("upstream NOERROR | 60 CNAME mail.corp.test | mail.corp.test 60 A 10.0.0.3");
  dns.ask("mail A from=10.0.0.1");
  CHECK(dns.asked_servers() == 2);
  dns.upstream("NOERROR | 60 A 10.0.0.4");
  dns.expect_reply("upstream NOERROR | 60 CNAME mail.corp.test | mail.corp.test 60 A 10.0.0.4");
  dns.ask("mail A from=192.0.2.1");
  dns.expect_reply("cache NOERROR | 60 CNAME mail.corp.test | mail.corp.test 60 A 10.0.0.3");
  // What is not accepted is looked for by the next rule, and by the default servers in the end.
  dns.ask("ftp A from=192.0.2.1");
  dns.upstream("NOERROR | 60 A 192.0.2.7");
  dns.expect_asked("ftp.corp.test A");
  CHECK(dns.asked_servers() == 0);
}

TEST_CASE("a client network asks as often as its limit says, and others are not concerned") {
  Script dns;
  dns.search_in({"corp.test"});
  dns.use_rules(rules_of({"zone:test -> with limit:2", "zone:test -> answer 10.0.0.1"}));
  for (const char* const source :
       {"rule NOERROR aa | 10 A 10.0.0.1", "rule NOERROR aa | 10 A 10.0.0.1", "rule REFUSED"}) {
    dns.ask("a.test A from=192.0.2.1");
    dns.expect_reply(source);
  }
  dns.ask("a.test A from=192.0.2.200");
  dns.expect_reply("rule REFUSED");
  dns.ask("a.test A from=192.0.3.1");
  dns.expect_reply("rule NOERROR aa | 10 A 10.0.0.1");
  dns.pass(500ms);
  dns.ask("a.test A from=192.0.2.1");
  dns.expect_reply("rule NOERROR aa | 10 A 10.0.0.1");
  dns.ask("a.test A from=192.0.2.1");
  dns.expect_reply("rule REFUSED");
}

TEST_CASE("rules that are replaced while servers are asked decide anew") {
  Script dns;
  dns.use_rules(rules_of({"answer:10.0.0.0/8 -> ask one"}));
  dns.ask("a.test A");
  CHECK(dns.asked_servers() == 1);
  dns.use_rules(rules_of({"name:a.test -> block"}));
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("rule NXDOMAIN aa");
}

TEST_CASE("rules that are gone while servers are silent hold for nothing") {
  Script dns;
  dns.use_rules(rules_of({"answer:10.0.0.0/8 -> ask one", "* -> ask two"}));
  dns.ask("a.test A");
  dns.use_rules({});
  CHECK(dns.servers_are_unreachable());
  dns.expect_asked("a.test A");
  CHECK(dns.asked_servers() == 0);
}

TEST_CASE("a family yields where the preferred one is known to be there") {
  Script dns(100, 1h);
  dns.use_rules(rules_of({"* -> pass prefer:ipv4"}));
  const auto fill = [&](const char* question, const char* answer) {
    dns.ask(question);
    dns.expect_asked(question);
    dns.upstream(answer);
  };
  fill("a.test AAAA", "NOERROR | 60 AAAA fd00::1");
  dns.expect_reply("upstream NOERROR | 60 AAAA fd00::1");
  fill("a.test AAAA", "NOERROR | 60 AAAA fd00::1");  // as nothing is known of A
  fill("a.test A", "NOERROR | 30 A 10.0.0.1");
  dns.ask("a.test AAAA");
  dns.expect_reply("rule NOERROR aa");
  dns.pass(31s);
  fill("a.test AAAA", "NOERROR | 60 AAAA fd00::1");

  fill("b.test A", "NOERROR / test 60 SOA 60");
  fill("b.test AAAA", "NOERROR | 60 AAAA fd00::1");
  dns.ask("b.test AAAA");
  dns.expect_reply("cache NOERROR | 60 AAAA fd00::1");

  dns.ask("c.test AAAA");
  dns.sibling_shows(policy::Existence::HasData);
  dns.upstream("NOERROR | 60 AAAA fd00::1");
  dns.expect_reply("rule NOERROR aa");

  dns.ask("d.test AAAA");
  dns.sibling_shows(policy::Existence::HasRecords);  // but an alias
  dns.upstream("NOERROR | 60 AAAA fd00::1");
  dns.expect_reply("upstream NOERROR | 60 AAAA fd00::1");
}

TEST_CASE("a rule about answers and a preference do not hinder each other") {
  Script dns(100, 1h);
  dns.use_rules(rules_of({"answer:10.0.0.0/8,fd00::/8 -> ask one prefer:ipv4", "* -> ask two"}));
  dns.ask("a.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 A 10.0.0.1");
  dns.ask("a.test AAAA");
  CHECK(dns.asked_servers() == 1);
  dns.upstream("NOERROR | 60 AAAA fd00::1");
  dns.expect_reply("rule NOERROR aa");
  dns.ask("a.test AAAA");
  dns.expect_reply("rule NOERROR aa");
}

TEST_CASE("addresses are swapped where the answer has certain ones") {
  Script dns(100, 1h);
  dns.use_rules(rules_of({"answer:10.0.0.0/8 -> ask one swap:192.0.2.1,192.0.2.2"}));
  dns.ask("a.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 A 192.0.2.1 | 60 A 192.0.2.2");
  dns.pass(10s);
  dns.ask("a.test A");
  dns.expect_reply("cache NOERROR | 50 A 192.0.2.1 | 50 A 192.0.2.2");
  dns.ask("b.test A");
  dns.upstream("NOERROR | 60 A 198.51.100.1");
  dns.expect_reply("upstream NOERROR | 60 A 198.51.100.1");
  dns.ask("c.test A");
  CHECK_FALSE(dns.servers_are_unreachable());
  dns.no_server_answers();
  dns.expect_reply("error SERVFAIL");
}

TEST_CASE("`*` among our names has what no rule's servers have") {
  Script dns;
  (void)dns.addresses.add_text("10.0.0.9 *\n");
  dns.use_rules(rules_of({"zone:corp.test -> ask one"}));
  dns.ask("www.corp.test A");
  dns.expect_asked("www.corp.test A");
  dns.ask("www.test A");
  dns.expect_reply("address NOERROR aa | 10 A 10.0.0.9");
}

TEST_CASE(
    "forwarding nothing goes for a rule's servers too, and --filter leaves out what they have") {
  Script dns;
  dns.use_rules(rules_of({"* -> ask one"}));
  dns.settings.filter = policy::Filter::Aaaa;
  dns.ask("a.test AAAA");
  dns.expect_reply("filter NOERROR aa");
  dns.settings.forwards = false;
  dns.ask("a.test A");
  dns.expect_reply("refused REFUSED");
}

}  // namespace
}  // namespace dnslet

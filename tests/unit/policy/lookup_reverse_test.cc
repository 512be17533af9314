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

constexpr const char* kReverse = "1.2.0.192.in-addr.arpa PTR";

// Asks for a name, and upstream says that.
void learn(Script& dns, const std::string& question, const std::string& answer) {
  dns.ask(question);
  dns.upstream(answer);
}

// Asks for the name of an address, and upstream says that.
void reverse(Script& dns, const std::string& answer, const std::string& words = "") {
  dns.ask(kReverse + words);
  dns.upstream(answer);
}

TEST_CASE("an address that upstream has no name for has the one by which it was given out") {
  Script dns;
  dns.reverse_names.emplace(1);
  learn(dns, "WWW.a.test A", "NOERROR | 5 CNAME b.test | b.test 300 A 192.0.2.1");
  for (const char* const none : {"NXDOMAIN", "SERVFAIL", "REFUSED"}) {
    reverse(dns, none, " do");
    dns.expect_reply("reverse NOERROR do | 10 PTR www.a.test");
    dns.pass(2s);
  }
  reverse(dns, "NOERROR");
  dns.expect_reply("upstream NOERROR");
  dns.pass(2s);
  reverse(dns, "NOERROR | 60 PTR x.test");
  dns.expect_reply("upstream NOERROR | 60 PTR x.test");
}

TEST_CASE("what the cache knows counts too, and what nobody answers") {
  Script dns;
  dns.reverse_names.emplace(1);
  reverse(dns, "NXDOMAIN / test 600 SOA 600");
  dns.expect_reply("upstream NXDOMAIN / test 600 SOA 600");
  learn(dns, "a.test A", "NOERROR | 300 A 192.0.2.1");
  dns.ask(kReverse);
  dns.expect_reply("reverse NOERROR | 10 PTR a.test");
  dns.reload();
  dns.ask(kReverse);
  dns.expect_asked(kReverse);
  dns.no_server_answers();
  dns.expect_reply("reverse NOERROR | 10 PTR a.test");
  dns.ask(kReverse);
  dns.deadline();
  dns.expect_reply("reverse NOERROR | 10 PTR a.test");
  dns.ask(kReverse);  // a failure that is remembered
  dns.expect_reply("reverse NOERROR | 10 PTR a.test");
}

TEST_CASE("a name is remembered for as long as its answer lives, anew from the cache") {
  Script dns;
  dns.settings.ttls.max = 300s;
  dns.reverse_names.emplace(1);
  learn(dns, "a.test A", "NOERROR | 200 A 192.0.2.1");
  dns.pass(150s);
  dns.ask("a.test A");
  dns.expect_reply("cache NOERROR | 50 A 192.0.2.1");
  dns.pass(59s);
  reverse(dns, "NXDOMAIN");
  dns.expect_reply("reverse NOERROR | 10 PTR a.test");
  dns.pass(2s);
  reverse(dns, "NXDOMAIN");
  dns.expect_reply("upstream NXDOMAIN");
}

TEST_CASE("answers of ours and other types teach nothing, other codes than none stay") {
  Script dns;
  dns.reverse_names.emplace(1);
  dns.use_rules(
      rules_of({"name:r.test -> answer 192.0.2.1", "ptr:192.0.2.9/32 type:PTR -> block"}));
  dns.ask("r.test A");
  learn(dns, "a.test ANY", "NOERROR | 60 A 192.0.2.1");
  reverse(dns, "NXDOMAIN");
  dns.expect_reply("upstream NXDOMAIN");
  learn(dns, "a.test A", "NOERROR | 60 A 192.0.2.9");
  dns.ask("9.2.0.192.in-addr.arpa PTR");
  dns.expect_reply("rule NXDOMAIN aa");
  dns.ask("9.2.0.192.in-addr.arpa TXT");
  dns.upstream("NXDOMAIN");
  dns.expect_reply("upstream NXDOMAIN");
}

TEST_CASE("clients that are told apart by rules hear of their own names only") {
  Script dns;
  dns.reverse_names.emplace(1);
  dns.use_rules(rules_of({"from:10.0.0.0/8 -> ask one"}));
  learn(dns, "a.test A from=10.0.0.1", "NOERROR | 60 A 192.0.2.1");
  reverse(dns, "NXDOMAIN");
  dns.expect_reply("upstream NXDOMAIN");
  reverse(dns, "NXDOMAIN", " from=10.0.0.2");
  dns.expect_reply("reverse NOERROR | 10 PTR a.test");
}

TEST_CASE("where all clients are told the same it does not matter who was asked") {
  Script dns;
  dns.reverse_names.emplace(1);
  dns.use_rules(rules_of({"zone:a.test -> ask one"}));
  learn(dns, "a.test A", "NOERROR | 60 A 192.0.2.1");
  reverse(dns, "NXDOMAIN");
  dns.expect_reply("reverse NOERROR | 10 PTR a.test");
}

TEST_CASE("of a name that a search has found the whole name counts") {
  Script dns;
  dns.reverse_names.emplace(1);
  dns.search_in({"one.test", "two.test"});
  dns.ask("db A");
  dns.upstream("NXDOMAIN");
  dns.upstream("NOERROR | 60 CNAME x.test | x.test 60 A 192.0.2.1");
  reverse(dns, "NXDOMAIN");
  dns.expect_reply("reverse NOERROR | 10 PTR db.two.test");
}

TEST_CASE("without the option nothing is remembered") {
  Script dns;
  learn(dns, "a.test A", "NOERROR | 60 A 192.0.2.1");
  reverse(dns, "NXDOMAIN");
  dns.expect_reply("upstream NXDOMAIN");
}

}  // namespace
}  // namespace dnslet

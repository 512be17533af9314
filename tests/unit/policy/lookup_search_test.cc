// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// How long the answer of a search is kept, and by which rules. Its order: search_test.cc.

#include "lookup_script.h"

namespace dnslet::policy {
namespace {

using test::Script;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): 2s

// Asks for db.a.test, and later for db: the search finds the former in the cache.
struct Searching : Script {
  Searching() { search_in({"a.test"}); }
  void keep_step(const std::string& answer) {
    search_in({});
    ask("db.a.test A");
    upstream(answer);
    search_in({"a.test"});
  }
};

TEST_CASE("a miss lives no longer than the cached step that it was made of") {
  Searching dns;
  dns.settings.ttls = {60s, 6s};
  dns.keep_step("NXDOMAIN / test 3600 SOA 6");
  dns.pass(2500ms);
  dns.ask("db A");
  dns.expect_asked("db A");
  dns.upstream("NXDOMAIN / test 3600 SOA 6");
  dns.expect_reply("upstream NXDOMAIN / test 3 SOA 6");
  dns.pass(2999ms);
  dns.ask("db A");
  dns.expect_reply("cache NXDOMAIN / test 1 SOA 6");
  dns.pass(501ms);
  dns.ask("db A");
  dns.expect_asked("db.a.test A");
}

TEST_CASE("a hit lives no longer than the cached step that it was made of") {
  Searching dns;
  dns.settings.ttls = {4s, 10s};
  dns.keep_step("NOERROR | 3600 A 10.0.0.1");
  dns.pass(1500ms);
  dns.ask("db A");
  dns.expect_reply("cache NOERROR | 3599 CNAME db.a.test | db.a.test 3599 A 10.0.0.1");
  dns.pass(2s);
  dns.ask("db A");
  dns.expect_reply("cache NOERROR | 3597 CNAME db.a.test | db.a.test 3597 A 10.0.0.1");
  dns.pass(500ms);
  dns.ask("db A");
  dns.expect_asked("db.a.test A");
}

TEST_CASE("what a search finds by rules that have changed meanwhile is given out, but not kept") {
  Searching dns;
  dns.settings.search.fwd_ndots = 1;
  dns.ask("db A");
  dns.expect_asked("db.a.test A");
  dns.search_in({"b.test"});
  dns.reload();
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 CNAME db.a.test | db.a.test 60 A 10.0.0.1");
  dns.ask("db A");
  dns.expect_asked("db.b.test A");
}

TEST_CASE("what a search finds while hosts or lists are read again is given out, but not kept") {
  Searching dns;
  dns.settings.search.fwd_ndots = 1;
  dns.ask("db A");
  dns.expect_asked("db.a.test A");
  dns.block("db.a.test");
  ++dns.generation;
  dns.reload();
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 CNAME db.a.test | db.a.test 60 A 10.0.0.1");
  dns.ask("db A");
  dns.expect_reply("block NXDOMAIN");
}

// As it is for a moment where several workers share the cache.
TEST_CASE("an answer of a search is not asked for again where nothing is left to search in") {
  Searching dns;
  dns.settings.search.fwd_ndots = 1;
  dns.ask("db A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.ask("db A");
  dns.pass(55s);
  dns.search_in({});
  dns.ask("db A");
  dns.expect_reply("cache NOERROR | 5 CNAME db.a.test | db.a.test 5 A 10.0.0.1");
  dns.expect_refresh();
  dns.expect_no_reply();
}

// What one family shows holds for the other, searched or as it stands.

TEST_CASE("NXDOMAIN of a search becomes NODATA when the other family is found as it stands") {
  const bool is_v4_first = GENERATE(true, false);
  const std::string first = is_v4_first ? " A" : " AAAA";
  const std::string second = is_v4_first ? " AAAA" : " A";
  Searching dns;
  dns.ask("www.test" + first);
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.expect_asked("www.test.a.test" + first);
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.expect_reply("upstream NXDOMAIN / test 10 SOA 60");
  dns.ask("www.test" + second);
  dns.upstream(is_v4_first ? "NOERROR | 60 AAAA fd00::1" : "NOERROR | 60 A 10.0.0.1");
  dns.ask("www.test" + first);
  dns.expect_reply("cache NOERROR / test 10 SOA 60");
}

TEST_CASE("NXDOMAIN as it stands becomes NODATA when a search finds the other family") {
  Searching dns;
  dns.search_in({});
  dns.ask("db AAAA");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.search_in({"a.test"});
  dns.ask("db A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 CNAME db.a.test | db.a.test 60 A 10.0.0.1");
  dns.search_in({});
  dns.settings.search.fwd_ndots = 0;
  dns.ask("db AAAA");
  dns.expect_reply("cache NOERROR / test 60 SOA 60");
}

TEST_CASE("what a search has found does not end the other family's at the name itself") {
  Searching dns;
  dns.settings.search.ndots = 0;
  dns.ask("db A");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.ask("db AAAA");
  dns.expect_asked("db AAAA");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.expect_asked("db.a.test AAAA");
  dns.upstream("NOERROR | 60 AAAA fd00::1");
  dns.expect_reply("upstream NOERROR | 60 CNAME db.a.test | db.a.test 60 AAAA fd00::1");
}

// Servers that can't be reached.

// Of four names, two in a stub zone.
struct Unreachable : Script {
  Unreachable() {
    search_in({"a.dead.test", "b.test", "dead.test"});
    zones.add(*dns::Name::from_text("dead.test"), 1);
    ask("db A");
    expect_asked("db.a.dead.test A");
  }
};

TEST_CASE("where no server of a stub zone can be reached, names of other servers go on") {
  Unreachable dns;
  dns.no_server_answers();
  dns.expect_asked("db.b.test A");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.expect_asked("db A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 A 10.0.0.1");
}

TEST_CASE("what is found in the cache behind servers that can't be reached is no error") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.search_in({"dead.test", "test"});
  dns.zones.add(*dns::Name::from_text("dead.test"), 1);
  dns.ask("db A");
  dns.no_server_answers();
  dns.expect_reply("upstream NOERROR | 60 CNAME db.test | db.test 60 A 10.0.0.1");
}

TEST_CASE("behind servers that can't be reached NODATA wins, then the name as it stands") {
  Unreachable dns;
  dns.no_server_answers();
  dns.upstream("NOERROR / test 60 SOA 60");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.expect_reply("upstream NOERROR / test 10 SOA 60");
  Unreachable other;
  other.no_server_answers();
  other.upstream("SERVFAIL");
  other.upstream("NXDOMAIN / test 60 SOA 60");
  other.expect_reply("upstream NXDOMAIN / test 0 SOA 60");
}

TEST_CASE("with nothing left to ask behind them it is SERVFAIL") {
  Script dns;
  dns.settings.search.ndots = 0;
  dns.search_in({"dead.test", "a.dead.test"});
  dns.zones.add(*dns::Name::from_text("dead.test"), 1);
  dns.ask("db A");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.expect_asked("db.dead.test A");
  dns.no_server_answers();
  dns.expect_reply("error SERVFAIL");
}

TEST_CASE("a search leaves servers that are silent if others may be asked, else it waits on") {
  Unreachable dns;
  CHECK(dns.servers_are_unreachable());
  dns.expect_asked("db.b.test A");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.expect_asked("db A");
  CHECK_FALSE(dns.servers_are_unreachable());
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 A 10.0.0.1");
}

TEST_CASE("a question that is not searched waits on for silent servers") {
  Script dns;
  dns.ask("db A");
  CHECK_FALSE(dns.servers_are_unreachable());
}

TEST_CASE("the ninety-first domain of a list is asked without a cache too") {
  Script dns(0);
  std::vector<std::string> domains;
  for (int i = 0; i < 100; ++i) {
    domains.push_back("d" + std::to_string(i) + ".test");
    dns.settings.search.add_domain(*dns::Name::from_text(domains.back()));
  }
  dns.ask("db A");
  for (int i = 0; i < 90; ++i) dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.expect_asked("db.d90.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 CNAME db.d90.test | db.d90.test 60 A 10.0.0.1");
}

}  // namespace
}  // namespace dnslet::policy

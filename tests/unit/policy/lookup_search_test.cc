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

}  // namespace
}  // namespace dnslet::policy

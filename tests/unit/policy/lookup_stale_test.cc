// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// Answers that have ended, for when upstream fails (contract section 8).

#include "lookup_script.h"

namespace dnslet::policy {
namespace {

using test::Script;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): 2s

// Has had an answer for db.test that ended a second ago.
struct StaleScript : Script {
  explicit StaleScript(const std::string& answer = "NOERROR | 60 A 10.0.0.1",
                       std::chrono::seconds stale = 3600s)
      : Script(100, stale) {
    ask("db.test A");
    upstream(answer);
    pass(61s);
  }
};

TEST_CASE("upstream is asked first, also where an old answer is kept") {
  StaleScript dns;
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.2");
  dns.expect_reply("upstream NOERROR | 60 A 10.0.0.2");
}

TEST_CASE("the old answer goes out when upstream fails, with 30 seconds and the error 3") {
  StaleScript dns("NOERROR | 60 CNAME a.test | a.test 90 A 10.0.0.1 / 300 NS ns.test");
  dns.ask("db.test A");
  dns.upstream("SERVFAIL");
  dns.expect_reply("stale NOERROR | 30 CNAME a.test | a.test 30 A 10.0.0.1 / 30 NS ns.test");
  dns.ask("DB.test A edns");
  dns.expect_reply("stale NOERROR ede=3 | 30 CNAME a.test | a.test 30 A 10.0.0.1 / 30 NS ns.test");
}

TEST_CASE("every way to fail brings the old answer") {
  StaleScript dns;
  for (const char* failure : {"SERVFAIL", "REFUSED", "NOTIMP", "FORMERR"}) {
    dns.ask("db.test A");
    dns.upstream(failure);
    dns.expect_reply("stale NOERROR | 30 A 10.0.0.1");
    dns.pass(1250ms);
  }
  dns.ask("db.test A");
  dns.no_server_answers();
  dns.expect_reply("stale NOERROR | 30 A 10.0.0.1");
  dns.pass(1250ms);
  dns.ask("db.test A");
  dns.deadline();
  dns.expect_reply("stale NOERROR | 30 A 10.0.0.1");
  dns.pass(1250ms);
  dns.ask("db.test A");
  dns.give_up();
  dns.expect_reply("stale NOERROR | 30 A 10.0.0.1");
}

TEST_CASE("silence brings the old answer, and the late one takes its place") {
  StaleScript dns;
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
  CHECK(dns.upstream_is_silent());
  dns.expect_reply("stale NOERROR | 30 A 10.0.0.1");
  dns.late("NOERROR | 60 A 10.0.0.2");
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.2");
}

TEST_CASE("without an old answer silence makes nobody give up") {
  Script dns(100, 3600s);
  dns.ask("db.test A");
  CHECK_FALSE(dns.upstream_is_silent());
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 A 10.0.0.1");
}

TEST_CASE("upstream is tried once a second, however many names there are") {
  StaleScript dns;
  dns.ask("db.test A");
  dns.upstream("SERVFAIL");
  for (int i = 0; i < 2000; ++i) {  // more than the failures that are remembered
    dns.ask("n" + std::to_string(i) + ".test A");
    dns.upstream("SERVFAIL");
  }
  dns.pass(999ms);
  dns.ask("db.test A");
  dns.expect_reply("stale NOERROR | 30 A 10.0.0.1");
  dns.pass(251ms);
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
}

TEST_CASE("an old answer is used until its time is over, and not at all by default") {
  StaleScript dns("NOERROR | 60 A 10.0.0.1", 10s);
  dns.pass(8999ms);  // it ended a second before
  dns.ask("db.test A");
  dns.upstream("SERVFAIL");
  dns.expect_reply("stale NOERROR | 30 A 10.0.0.1");
  dns.pass(1s);
  dns.ask("db.test A");
  dns.upstream("SERVFAIL");
  dns.expect_reply("upstream SERVFAIL");

  StaleScript by_default("NOERROR | 60 A 10.0.0.1", 0s);
  by_default.ask("db.test A");
  CHECK_FALSE(by_default.upstream_is_silent());
  by_default.upstream("SERVFAIL");
  by_default.expect_reply("upstream SERVFAIL");
}

TEST_CASE("a name that did not exist does not exist while upstream is away") {
  StaleScript dns("NXDOMAIN / test 60 SOA 60");
  dns.ask("db.test A");
  dns.upstream("SERVFAIL");
  dns.expect_reply("stale NXDOMAIN / test 30 SOA 60");
}

TEST_CASE("what upstream says now ends the old answer, also where it can't be kept") {
  for (const char* answer : {"NOERROR | 0 A 10.0.0.2", "NXDOMAIN", "NOERROR"}) {
    StaleScript dns;
    dns.ask("db.test A");
    dns.upstream(answer);
    dns.ask("db.test A");
    dns.upstream("SERVFAIL");
    dns.expect_reply("upstream SERVFAIL");
  }
}

TEST_CASE("an answer that was cut short does not end the old one") {
  StaleScript dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR tc");
  dns.ask("db.test A");
  dns.upstream("SERVFAIL");
  dns.expect_reply("stale NOERROR | 30 A 10.0.0.1");
}

TEST_CASE("old answers of others are no answers: DNSSEC data and names of static records") {
  StaleScript dns;
  dns.ask("db.test A do");
  dns.upstream("SERVFAIL");
  dns.expect_reply("upstream SERVFAIL do");
  (void)dns.hosts.add_text("10.0.0.9 db.test\n");
  dns.ask("db.test A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.9");
}

TEST_CASE("old answers make room for new ones like all others") {
  Script dns(2, 3600s);
  for (const char* name : {"a.test A", "b.test A"}) {
    dns.ask(name);
    dns.upstream("NOERROR | 60 A 10.0.0.1");
  }
  dns.pass(61s);
  dns.ask("a.test A");
  dns.upstream("SERVFAIL");
  dns.expect_reply("stale NOERROR | 30 A 10.0.0.1");
  dns.ask("c.test A");  // in place of b, which was used before a
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.ask("b.test A");
  dns.upstream("SERVFAIL");
  dns.expect_reply("upstream SERVFAIL");
}

// Search.

TEST_CASE("a search ends with its old answer when upstream is silent") {
  Script dns(100, 3600s);
  dns.search_in({"a.test", "b.test"});
  dns.ask("db A");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.pass(61s);
  dns.ask("db A edns");
  dns.expect_asked("db.a.test A");
  CHECK(dns.upstream_is_silent());
  dns.expect_reply("stale NOERROR ede=3 | 30 CNAME db.b.test | db.b.test 30 A 10.0.0.1");
}

TEST_CASE("a search that begins with the name as it stands finds that one's old answer") {
  Script dns(100, 3600s);
  dns.search_in({"a.test"});
  dns.ask("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.pass(61s);
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
  CHECK(dns.upstream_is_silent());
  dns.expect_reply("stale NOERROR | 30 A 10.0.0.1");
}

TEST_CASE("a name that fails in a search counts as it was, and the search does not end elsewhere") {
  Script dns(100, 3600s);
  dns.search_in({"a.test", "b.test"});
  dns.ask("db A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.pass(61s);
  dns.ask("db A");
  dns.expect_asked("db.a.test A");
  dns.upstream("SERVFAIL");
  dns.expect_reply("stale NOERROR | 30 CNAME db.a.test | db.a.test 30 A 10.0.0.1");
  dns.ask("db A");  // and is not kept as if it were new
  dns.expect_reply("stale NOERROR | 30 CNAME db.a.test | db.a.test 30 A 10.0.0.1");
}

TEST_CASE("a search goes on behind a name that did not exist when upstream fails") {
  Script dns(100, 3600s);
  dns.search_in({"a.test", "b.test"});
  dns.ask("db A");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.pass(61s);
  dns.ask("db A");
  dns.no_server_answers();
  dns.expect_asked("db.b.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.2");
  dns.expect_reply("stale NOERROR | 60 CNAME db.b.test | db.b.test 60 A 10.0.0.2");
}

}  // namespace
}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// Answers that have ended go out before upstream is asked (--rcache-stale-first).

#include "lookup_script.h"
#include "policy/rules_of.h"

namespace dnslet::policy {
namespace {

using test::rules_of;
using test::Script;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): 2s

struct FirstScript : Script {
  FirstScript() : Script(100, 3600s) { settings.stale_first = true; }
  // Has the cache hold the answer to what is asked until a moment ago.
  void had(const std::string& question, const std::string& answer = "NOERROR | 60 A 10.0.0.1") {
    ask(question);
    upstream(answer);
    pass(60s);
  }
};

TEST_CASE("an answer that has ended goes out at once and is refreshed behind") {
  FirstScript dns;
  dns.had("db.test A", "NOERROR | 60 CNAME a.test | a.test 90 A 10.0.0.1 / 300 NS ns.test");
  dns.ask("DB.test A edns");
  dns.expect_reply("stale NOERROR ede=3 | 5 CNAME a.test | a.test 5 A 10.0.0.1 / 5 NS ns.test");
  dns.expect_refresh();
  dns.expect_asked("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.2");
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.2");
  dns.expect_no_refresh();
}

TEST_CASE("one refresh is for all that ask meanwhile, also without prefetch") {
  FirstScript dns;
  dns.settings.refreshes = false;
  dns.had("db.test A");
  dns.ask("db.test A");
  dns.expect_refresh();
  for (int i = 0; i < 3; ++i) {
    dns.pass(1500ms);
    dns.ask("db.test A tcp");
    dns.expect_reply("stale NOERROR | 5 A 10.0.0.1");
    dns.expect_no_refresh();
  }
  dns.late("NOERROR | 60 A 10.0.0.2");
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.2");
}

TEST_CASE("a refresh that failed is tried again by who asks a second later") {
  FirstScript dns;
  dns.had("db.test A");
  for (int i = 0; i < 3; ++i) {
    dns.ask("db.test A");
    dns.expect_reply("stale NOERROR | 5 A 10.0.0.1");
    dns.expect_refresh();
    dns.upstream("SERVFAIL");
    dns.end_refresh();
    dns.pass(999ms);
    dns.ask("db.test A");
    dns.expect_reply("stale NOERROR | 5 A 10.0.0.1");
    dns.expect_no_refresh();
    dns.pass(251ms);
  }
}

TEST_CASE("nothing keeps a refresh from being tried again, whatever came of it") {
  const auto fails = {+[](FirstScript& dns) { dns.deadline(); },
                      +[](FirstScript& dns) { dns.give_up(); },
                      +[](FirstScript& dns) { dns.upstream("NOERROR tc"); },
                      +[](FirstScript&) {}};  // there was no room for it
  for (const auto fail : fails) {
    FirstScript dns;
    dns.had("db.test A");
    dns.ask("db.test A");
    dns.expect_refresh();
    fail(dns);
    dns.end_refresh();
    dns.ask("db.test A");
    dns.expect_no_refresh();
    dns.pass(1250ms);
    dns.ask("db.test A");
    dns.expect_reply("stale NOERROR | 5 A 10.0.0.1");
    dns.expect_refresh();
  }
}

TEST_CASE("a refresh waits for upstream as long as there is time") {
  FirstScript dns;
  dns.had("db.test A");
  dns.ask("db.test A");
  dns.expect_refresh();
  CHECK_FALSE(dns.upstream_is_silent());
  dns.upstream("NOERROR | 60 A 10.0.0.2");
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.2");
}

TEST_CASE("a negative answer that has ended waits for upstream") {
  for (const char* answer : {"NXDOMAIN / test 60 SOA 60", "NOERROR / test 60 SOA 60"}) {
    FirstScript dns;
    dns.had("db.test A", answer);
    dns.ask("db.test A");
    dns.expect_asked("db.test A");
    dns.upstream("NOERROR | 60 A 10.0.0.1");
    dns.expect_reply("upstream NOERROR | 60 A 10.0.0.1");
    dns.pass(60s);
    dns.ask("db.test A");
    dns.expect_refresh();
    dns.upstream(answer);  // takes the place of what was there
    dns.pass(60s);
    dns.ask("db.test A");
    dns.expect_asked("db.test A");
    dns.upstream("SERVFAIL");
    CHECK(dns.reply_text().starts_with("stale " + std::string(answer).substr(0, 7)));
  }
}

TEST_CASE("what is not to be kept ends the old answer all the same") {
  FirstScript dns;
  dns.had("db.test A");
  dns.ask("db.test A");
  dns.expect_refresh();
  dns.upstream("NOERROR | 0 A 10.0.0.2");
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
}

TEST_CASE("an answer is used until its time is over") {
  FirstScript dns;
  dns.had("db.test A");
  dns.pass(3599s);
  dns.ask("db.test A");
  dns.expect_reply("stale NOERROR | 5 A 10.0.0.1");
  dns.pass(1s);
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
}

TEST_CASE("where nothing would come of a refresh upstream is asked first") {
  FirstScript dns;
  dns.had("db.test A");
  dns.ask("db.test A nord");
  dns.expect_asked("db.test A nord");
  dns.ask("db.test A do");
  dns.expect_asked("db.test A do");
  dns.settings.forwards = false;
  dns.ask("db.test A");
  dns.expect_reply("refused REFUSED");
}

TEST_CASE("a filter and names of ours come before what has ended") {
  FirstScript dns;
  dns.had("db.test A");
  (void)dns.hosts.add_text("10.0.0.9 db.test\n");
  dns.ask("db.test A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.9");
  dns.had("www.test A");
  dns.settings.filter = Filter::A;
  dns.ask("www.test A");
  CHECK(dns.reply_text().starts_with("filter NOERROR"));
}

TEST_CASE("addresses that take turns go on with that") {
  FirstScript dns;
  dns.settings.rotation = Rotation::On;
  dns.had("db.test A", "NOERROR | 60 A 10.0.0.1 | 60 A 10.0.0.2");
  dns.ask("db.test A");
  const std::string first = dns.reply_text();
  dns.ask("db.test A");
  CHECK(dns.reply_text() != first);
}

// The other address family.

TEST_CASE("a name whose addresses go out in the other family exists") {
  FirstScript dns;
  dns.had("db.test AAAA", "NOERROR | 60 AAAA fd00::1");
  dns.ask("db.test AAAA");
  dns.expect_reply("stale NOERROR | 5 AAAA fd00::1");
  dns.expect_refresh();
  dns.ask("db.test A");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.expect_reply("upstream NOERROR / test 60 SOA 60");
}

TEST_CASE("what has ended and nobody asks for shows nothing of the other family") {
  FirstScript dns;
  dns.had("db.test AAAA", "NOERROR | 60 AAAA fd00::1");
  dns.ask("db.test A");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.expect_reply("upstream NXDOMAIN / test 60 SOA 60");
}

// Search.

TEST_CASE("a search goes out with what it had found, and is searched again behind") {
  FirstScript dns;
  dns.search_in({"a.test", "b.test"});
  dns.ask("db A");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.pass(60s);
  dns.ask("db A");
  dns.expect_reply("stale NOERROR | 5 CNAME db.b.test | db.b.test 5 A 10.0.0.1");
  dns.expect_refresh();
  dns.expect_asked("db.a.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.2");
  dns.end_refresh();
  dns.ask("db A");
  dns.expect_reply("cache NOERROR | 60 CNAME db.a.test | db.a.test 60 A 10.0.0.2");
  dns.expect_no_refresh();
}

TEST_CASE("a search that fails behind is searched again a second later") {
  FirstScript dns;
  dns.search_in({"a.test"});
  dns.ask("db A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.pass(60s);
  dns.ask("db A");
  dns.expect_refresh();
  dns.upstream("SERVFAIL");
  dns.end_refresh();
  dns.ask("db A");
  dns.expect_reply("stale NOERROR | 5 CNAME db.a.test | db.a.test 5 A 10.0.0.1");
  dns.expect_no_refresh();
  dns.pass(1250ms);
  dns.ask("db A");
  dns.expect_refresh();
}

TEST_CASE("a name that stands first goes out as it stands") {
  FirstScript dns;
  dns.search_in({"a.test"});
  dns.had("db.test A");
  dns.ask("db.test A");
  dns.expect_reply("stale NOERROR | 5 A 10.0.0.1");
  dns.expect_refresh();
  dns.expect_asked("db.test A");
}

TEST_CASE("a search that is new goes out with the old answer of a name") {
  FirstScript dns;
  dns.search_in({"a.test", "b.test"});
  dns.had("db.b.test A");
  dns.ask("db A");
  dns.expect_asked("db.a.test A");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.expect_reply("stale NOERROR | 5 CNAME db.b.test | db.b.test 5 A 10.0.0.1");
  dns.expect_refresh();
  dns.expect_asked("db.b.test A");
  dns.ask("db A");
  dns.expect_reply("stale NOERROR | 5 CNAME db.b.test | db.b.test 5 A 10.0.0.1");
  dns.expect_no_refresh();
  dns.ask("db.b.test A");
  dns.expect_no_refresh();
  dns.late("SERVFAIL");
  dns.pass(1250ms);
  dns.ask("db A");
  dns.expect_refresh();
  dns.expect_asked("db.b.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.2");
  dns.ask("db A");
  dns.expect_reply("cache NOERROR | 60 CNAME db.b.test | db.b.test 60 A 10.0.0.2");
}

// Rules.

TEST_CASE("clients of different rules get their own old answers, and refresh these") {
  FirstScript dns;
  dns.use_rules(rules_of({"from:10.0.0.0/8 -> ask one", "* -> ask two"}));
  dns.ask("db.test A from=10.0.0.1");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.had("db.test A from=192.0.2.1", "NOERROR | 60 A 10.0.0.2");
  for (const char* const client : {"10.0.0.1", "192.0.2.1"}) {
    const bool is_first = *client == '1' && client[1] == '0';
    dns.ask(std::string("db.test A from=") + client);
    dns.expect_reply(std::string("stale NOERROR | 5 A 10.0.0.") + (is_first ? "1" : "2"));
    dns.expect_refresh();
    CHECK(dns.asked_servers() == (is_first ? 1 : 2));
  }
}

TEST_CASE("what a rule accepts goes out at once, and what it does not is asked for anew") {
  FirstScript dns;
  dns.use_rules(rules_of({"answer:10.0.0.0/8 -> ask one", "* -> ask two"}));
  dns.had("a.test A");
  dns.ask("a.test A");
  dns.expect_reply("stale NOERROR | 5 A 10.0.0.1");
  dns.expect_refresh();
  CHECK(dns.asked_servers() == 1);
  dns.upstream("NOERROR | 60 A 192.0.2.1");
  dns.ask("a.test A");
  CHECK(dns.asked_servers() == 2);
  dns.upstream("NOERROR | 60 A 192.0.2.2");
  dns.pass(60s);
  dns.ask("a.test A");  // the first servers may have changed their minds
  CHECK(dns.asked_servers() == 1);
  dns.upstream("NOERROR | 60 A 192.0.2.1");
  dns.expect_reply("stale NOERROR | 5 A 192.0.2.2");
  dns.expect_refresh();
  CHECK(dns.asked_servers() == 2);
}

TEST_CASE("addresses that are swapped are so in what has ended too") {
  FirstScript dns;
  dns.use_rules(rules_of({"answer:192.0.2.0/24 -> ask one swap:10.0.0.9"}));
  dns.had("a.test A", "NOERROR | 60 A 192.0.2.1");
  dns.ask("a.test A edns");
  dns.expect_reply("stale NOERROR ede=3 | 5 A 10.0.0.9");
  dns.expect_refresh();
  CHECK(dns.asked_servers() == 1);
}

TEST_CASE("the target of an alias goes out at once, and is what is asked for behind") {
  FirstScript dns;
  dns.use_rules(rules_of({"name:a.test -> alias b.test"}));
  dns.had("a.test A");
  dns.ask("a.test A edns");
  dns.expect_reply("stale NOERROR ede=3 | 10 CNAME b.test | b.test 5 A 10.0.0.1");
  dns.expect_refresh();
  dns.expect_asked("b.test A");
  dns.ask("b.test A");
  dns.expect_reply("stale NOERROR | 5 A 10.0.0.1");
  dns.expect_no_refresh();
}

TEST_CASE("a family that yields is asked for where the preferred one has ended") {
  FirstScript dns;
  dns.use_rules(rules_of({"* -> ask one prefer:ipv6"}));
  dns.ask("a.test AAAA");
  dns.upstream("NOERROR | 60 AAAA fd00::1");
  dns.pass(1s);
  dns.ask("a.test A");
  dns.expect_reply("rule NOERROR aa");
  dns.pass(60s);
  dns.ask("a.test AAAA");
  dns.expect_reply("stale NOERROR | 5 AAAA fd00::1");
  dns.ask("a.test A");
  dns.expect_asked("a.test A");
  CHECK(dns.last_ask().asking.asks_sibling);
}

TEST_CASE("what is not kept is not there when it has ended") {
  FirstScript dns;
  dns.use_rules(rules_of({"name:a.test -> ask one nocache"}));
  dns.had("a.test A");
  dns.ask("a.test A");
  dns.expect_asked("a.test A");
}

TEST_CASE("where rules tell clients apart a search goes out with the old answers of its names") {
  FirstScript dns;
  dns.search_in({"a.test", "b.test"});
  dns.use_rules(rules_of({"from:10.0.0.0/8 -> ask one", "* -> ask two"}));
  dns.ask("db A from=10.0.0.1");
  dns.upstream("NXDOMAIN / test 120 SOA 120");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.pass(60s);
  dns.ask("db A edns from=10.0.0.1");
  dns.expect_asked("db.a.test A");
  dns.upstream("NXDOMAIN / test 120 SOA 120");
  dns.expect_reply("stale NOERROR ede=3 | 5 CNAME db.b.test | db.b.test 5 A 10.0.0.1");
  dns.expect_refresh();
  CHECK(dns.asked_servers() == 1);
  dns.expect_asked("db.b.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.2");
  dns.end_refresh();
  dns.ask("db A from=10.0.0.1");
  dns.expect_reply("cache NOERROR | 60 CNAME db.b.test | db.b.test 60 A 10.0.0.2");
}

}  // namespace
}  // namespace dnslet::policy

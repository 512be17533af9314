// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// Scenarios: what is remembered of upstream's answers, for how long, and for whom.

#include "lookup_script.h"

namespace dnslet::policy {
namespace {

using test::addresses_text;
using test::Script;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): 2s

TEST_CASE("an answer is asked once and served until its TTL ends") {
  Script dns;
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
  dns.upstream("NOERROR | 30 A 10.0.0.1 | 40 A 10.0.0.2");
  dns.expect_reply("upstream NOERROR | 30 A 10.0.0.1 | 40 A 10.0.0.2");
  dns.pass(29'999ms);
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR | 1 A 10.0.0.1 | 11 A 10.0.0.2");
  dns.pass(1ms);
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
}

TEST_CASE("an answer is served no longer than the limit, with the TTL that it has left") {
  Script dns;
  dns.settings.ttls.max = 60s;
  dns.ask("db.test A");
  dns.upstream("NOERROR | 3600 A 10.0.0.1");
  dns.pass(59s);
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR | 3541 A 10.0.0.1");
  dns.pass(1s);
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
}

TEST_CASE("an answer with TTL 0 is passed on and not kept") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1 | 0 A 10.0.0.2");
  dns.expect_reply("upstream NOERROR | 60 A 10.0.0.1 | 0 A 10.0.0.2");
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
}

TEST_CASE("one entry serves every spelling, transport and EDNS size") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  for (const char* question : {"DB.Test A", "db.test A tcp", "db.test A edns=4096", "db.test A ad",
                               "dB.tesT A tcp edns=512"}) {
    dns.ask(question);
    dns.expect_reply("cache NOERROR | 60 A 10.0.0.1");
  }
}

TEST_CASE("another type, DO or CD is another question") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  for (const char* question : {"db.test AAAA", "db.test A do", "db.test A cd", "db.test A cd do"}) {
    dns.ask(question);
    dns.expect_asked(question);
  }
}

TEST_CASE("a question without RD is answered from the cache, but fills it with nothing") {
  Script dns;
  dns.ask("db.test A nord");
  dns.expect_asked("db.test A nord");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 A 10.0.0.1");
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.2");
  dns.ask("db.test A nord");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.2");
}

TEST_CASE("a type that nobody knows comes back byte for byte, cached too") {
  Script dns;
  dns.ask("db.test TYPE65280");
  dns.upstream("NOERROR | 60 TYPE65280 c00cff00");
  dns.expect_reply("upstream NOERROR | 60 TYPE65280 c00cff00");
  dns.ask("db.test TYPE65280");
  dns.expect_reply("cache NOERROR | 60 TYPE65280 c00cff00");
}

TEST_CASE("an alias is kept with what it leads to, for the smallest TTL") {
  Script dns;
  dns.ask("www.test A");
  dns.upstream("NOERROR | 10 CNAME a.test | a.test 60 A 10.0.0.1");
  dns.pass(9s);
  dns.ask("www.test A");
  dns.expect_reply("cache NOERROR | 1 CNAME a.test | a.test 51 A 10.0.0.1");
  dns.pass(1s);
  dns.ask("www.test A");
  dns.expect_asked("www.test A");
}

// Negative answers.

TEST_CASE("NXDOMAIN and NODATA are kept as their SOA says") {
  const std::string code = GENERATE(as<std::string>{}, "NXDOMAIN", "NOERROR");
  Script dns;
  dns.ask("no.test A");
  dns.upstream(code + " / test 60 SOA 5");
  dns.expect_reply("upstream " + code + " / test 60 SOA 5");
  dns.pass(4s);
  dns.ask("NO.test A");
  dns.expect_reply("cache " + code + " / test 56 SOA 5");
  dns.pass(1s);
  dns.ask("no.test A");
  dns.expect_asked("no.test A");
}

TEST_CASE("a negative answer is kept no longer than its own limit") {
  Script dns;
  dns.settings.ttls.max_negative = 10s;
  dns.ask("no.test A");
  dns.upstream("NXDOMAIN / test 3600 SOA 3600");
  dns.pass(9s);
  dns.ask("no.test A");
  dns.expect_reply("cache NXDOMAIN / test 3591 SOA 3600");
  dns.pass(1s);
  dns.ask("no.test A");
  dns.expect_asked("no.test A");
}

TEST_CASE("a limit of 0 keeps no negative answers") {
  Script dns;
  dns.settings.ttls.max_negative = 0s;
  dns.ask("no.test A");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.ask("no.test A");
  dns.expect_asked("no.test A");
}

TEST_CASE("a negative answer without SOA is asked again") {
  const std::string code = GENERATE(as<std::string>{}, "NXDOMAIN", "NOERROR");
  Script dns;
  dns.ask("no.test A");
  dns.upstream(code);
  dns.expect_reply("upstream " + code);
  dns.ask("no.test A");
  dns.expect_asked("no.test A");
}

// Failures.

TEST_CASE("a failure is remembered for one second") {
  const std::string code = GENERATE(as<std::string>{}, "SERVFAIL", "REFUSED", "NOTIMP", "FORMERR");
  Script dns;
  dns.ask("bad.test A");
  dns.upstream(code);
  dns.expect_reply("upstream " + code);
  dns.pass(999ms);
  dns.ask("Bad.test A tcp");
  dns.expect_reply("cache " + code);
  dns.pass(1ms);
  dns.ask("bad.test A");
  dns.expect_asked("bad.test A");
}

TEST_CASE("a failure is remembered without a cache too, an answer is not") {
  Script dns(0);
  dns.ask("bad.test A");
  dns.upstream("SERVFAIL");
  dns.ask("bad.test A");
  dns.expect_reply("cache SERVFAIL");
  dns.ask("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
}

TEST_CASE("silence of all servers is SERVFAIL, remembered for one second") {
  Script dns;
  dns.ask("bad.test A");
  dns.no_server_answers();
  dns.expect_reply("error SERVFAIL");
  dns.pass(500ms);
  dns.ask("bad.test A edns");
  dns.expect_reply("cache SERVFAIL");
  dns.pass(500ms);
  dns.ask("bad.test A");
  dns.expect_asked("bad.test A");
}

TEST_CASE("a failure is one of its question only") {
  Script dns;
  dns.ask("bad.test A");
  dns.upstream("SERVFAIL");
  for (const char* question : {"bad.test AAAA", "bad.test A cd", "bad.test A do", "b.bad.test A"}) {
    dns.ask(question);
    dns.expect_asked(question);
  }
}

TEST_CASE("a question that found no room is not remembered") {
  Script dns;
  dns.ask("db.test A edns");
  dns.give_up();
  dns.expect_reply("error SERVFAIL");
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
}

TEST_CASE("an answer ends the memory of a failure") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("SERVFAIL");
  dns.pass(1s);
  dns.ask("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.1");
}

TEST_CASE("a failure does not displace the answer that is still good") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.upstream("SERVFAIL");  // to another client that asked at the same time
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.1");
}

// Reload.

TEST_CASE("a reload forgets answers and failures") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.ask("bad.test A");
  dns.upstream("SERVFAIL");
  dns.reload();
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
  dns.ask("bad.test A");
  dns.expect_asked("bad.test A");
}

TEST_CASE("a hosts record that appears wins over the answer in the cache") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  (void)dns.hosts.add_text("10.0.0.2 db.test\n");
  dns.ask("db.test A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.2");
}

// Large answers.

TEST_CASE("an answer cut for one client is whole for the next") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR" + addresses_text(100));
  dns.expect_reply("upstream NOERROR tc" + addresses_text(30));
  dns.ask("db.test A edns=1000");
  dns.expect_reply("cache NOERROR tc" + addresses_text(60));
  dns.ask("db.test A tcp");
  dns.expect_reply("cache NOERROR" + addresses_text(100));
}

TEST_CASE("a cached answer that is cut counts its TTLs down as well") {
  Script dns;
  dns.ask("db.test A tcp");
  dns.upstream("NOERROR" + addresses_text(100));
  dns.pass(7s);
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR tc" + addresses_text(30, "53"));
}

TEST_CASE("a failure is told as one where another worker has kept an answer meanwhile") {
  for (const Rotation rotation : {Rotation::Off, Rotation::On}) {
    Script dns;
    dns.settings.rotation = rotation;
    dns.ask("db.test A");
    dns.late("NOERROR | 60 A 10.0.0.1");
    dns.no_server_answers();
    dns.expect_reply("error SERVFAIL");
    dns.ask("db.test A");
    dns.expect_reply("cache NOERROR | 60 A 10.0.0.1");
  }
}

}  // namespace
}  // namespace dnslet::policy

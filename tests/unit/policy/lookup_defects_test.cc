// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The defects of go-dnsmasq that dnslet was written to leave behind, as far as one question shows
// them. The numbers are those of the list in the design document; the rest is in tests/e2e.

#include "lookup_script.h"

namespace dnslet::policy {
namespace {

using test::addresses_text;
using test::Script;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): 2s

TEST_CASE("go-dnsmasq defect 1: the cache heeds the records' TTLs and lowers them") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR | 20 A 10.0.0.1");
  dns.pass(5s);
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR | 15 A 10.0.0.1");
  dns.pass(15s);
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
}

TEST_CASE("go-dnsmasq defect 2: a full cache loses its least recently used answer only") {
  Script dns(2);
  for (const char* question : {"a.test A", "b.test A"}) {
    dns.ask(question);
    dns.upstream("NOERROR | 60 A 10.0.0.1");
  }
  dns.ask("a.test A");
  dns.ask("c.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.3");
  dns.ask("a.test A");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.1");
  dns.ask("c.test A");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.3");
  dns.ask("b.test A");
  dns.expect_asked("b.test A");
}

TEST_CASE("go-dnsmasq defect 3: a truncated answer is not cached and keeps TC") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR tc | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR tc | 60 A 10.0.0.1");
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
}

TEST_CASE("go-dnsmasq defect 4: REFUSED and SERVFAIL are remembered for 1 s, not 60") {
  const std::string code = GENERATE(as<std::string>{}, "REFUSED", "SERVFAIL");
  Script dns;
  dns.ask("db.test A");
  dns.upstream(code + " | 60 A 10.0.0.1");
  dns.pass(1s);
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
}

TEST_CASE("go-dnsmasq defect 5: the key of the cache ignores case and heeds the class") {
  Script dns;
  dns.ask("version.bind TXT");
  dns.upstream("NOERROR | 60 TXT 0178");
  dns.ask("VERSION.bind TXT");
  dns.expect_reply("cache NOERROR | 60 TXT x");
  dns.ask("version.bind TXT CH");
  dns.expect_reply("chaos NOERROR aa | 0 TXT dnslet 1.0");
}

TEST_CASE("go-dnsmasq defect 8: a whole answer that came over TCP is cached whole") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR" + addresses_text(60));  // upstream said TC over UDP and this over TCP
  dns.expect_reply("upstream NOERROR tc" + addresses_text(30));
  dns.ask("db.test A tcp");
  dns.expect_reply("cache NOERROR" + addresses_text(60));
}

TEST_CASE("go-dnsmasq defect 9: a hosts entry with only A gives NODATA for AAAA") {
  Script dns;
  (void)dns.hosts.add_text("10.0.0.1 db.test *.apps.test\nfd00::5 six.test\n");
  dns.ask("db.test AAAA");
  dns.expect_reply("hosts NOERROR aa");
  dns.ask("x.apps.test AAAA");
  dns.expect_reply("hosts NOERROR aa");
  dns.ask("six.test A");
  dns.expect_reply("hosts NOERROR aa");
}

TEST_CASE("go-dnsmasq defect 10: only a PTR question for an ip6.arpa name is a reverse question") {
  const std::string reverse =
      "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa";
  Script dns;
  (void)dns.hosts.add_text("fd00::5 six.test\n");
  dns.ask(reverse + " PTR");
  dns.expect_reply("hosts NOERROR aa | 10 PTR six.test");
  for (const char* type : {" A", " AAAA", " TXT", " NS", " SOA", " ANY"}) {
    dns.ask(reverse + type);
    dns.expect_asked(reverse + type);
  }
}

TEST_CASE("go-dnsmasq defect 11: 0.0.0.0 and :: are served, and one-letter names too") {
  Script dns;
  (void)dns.hosts.add_text("0.0.0.0 ads.test x\n:: ads.test\n");
  dns.ask("ads.test A");
  dns.expect_reply("hosts NOERROR aa | 10 A 0.0.0.0");
  dns.ask("ads.test AAAA");
  dns.expect_reply("hosts NOERROR aa | 10 AAAA ::");
  dns.ask("x A");
  dns.expect_reply("hosts NOERROR aa | 10 A 0.0.0.0");
}

}  // namespace
}  // namespace dnslet::policy

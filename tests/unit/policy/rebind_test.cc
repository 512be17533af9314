// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/rebind.h"

#include "lookup_script.h"

namespace dnslet::policy {
namespace {

using namespace std::chrono_literals;
using test::Script;

bool is_inner_text(const std::string& text) {
  INFO(text);
  const auto address = IpAddress::from_text(text);
  REQUIRE(address);
  return is_inner(*address);
}

TEST_CASE("addresses of inner networks, to their first and last ones") {
  for (const char* text :
       {"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
        "127.0.0.1", "127.255.0.1", "169.254.0.1", "169.254.255.255", "172.16.0.0",
        "172.31.255.255", "192.168.0.0", "192.168.255.255"})
    CHECK(is_inner_text(text));
  for (const char* text : {"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
                           "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0",
                           "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0"})
    CHECK_FALSE(is_inner_text(text));
  for (const char* text : {"::", "::1", "fe80::1", "febf::1", "fc00::", "fdff:ffff::1"})
    CHECK(is_inner_text(text));
  for (const char* text : {"2001:db8::1", "fbff::1", "fe00::1", "ff02::1", "2606:4700::a00:1"})
    CHECK_FALSE(is_inner_text(text));
}

TEST_CASE("an IPv4 address inside an IPv6 address counts") {
  for (const char* head : {"::ffff:", "::", "64:ff9b::"}) {
    CHECK(is_inner_text(head + std::string("192.168.1.1")));
    CHECK(is_inner_text(head + std::string("127.0.0.1")));
    CHECK_FALSE(is_inner_text(head + std::string("192.0.2.1")));
  }
  CHECK(is_inner_text("2002:c0a8:0101::1"));
  CHECK_FALSE(is_inner_text("2002:c000:0201::1"));
  CHECK_FALSE(is_inner_text("64:ff9b:1::192.168.1.1"));  // a network's own prefix
}

// The guard is on; corp.test is allowed, stub.test a stub zone.
struct Guarding : Script {
  explicit Guarding(std::size_t capacity = 100) : Script(capacity) {
    settings.rebind.emplace(1);
    settings.rebind->allow(*dns::Name::from_text("corp.test"));
    zones.add(*dns::Name::from_text("stub.test"), 1);
  }
  // Upstream says `message` of a name; the answer is `expected`.
  void check(const std::string& question, const std::string& message, const std::string& expected) {
    ask(question);
    upstream(message);
    expect_reply("upstream " + expected);
  }
};

TEST_CASE("an answer of the default servers with one inner address is NODATA") {
  Guarding dns;
  dns.check("a.test A", "NOERROR | 60 A 10.0.0.1", "NOERROR");
  dns.check("b.test A", "NOERROR | 60 A 192.0.2.1 | 60 A 192.168.0.1 | 60 A 192.0.2.2", "NOERROR");
  dns.check("c.test AAAA", "NOERROR | 60 AAAA fd00::1", "NOERROR");
  dns.check("d.test AAAA", "NOERROR | 60 AAAA ::ffff:127.0.0.1", "NOERROR");
  dns.check("e.test A", "NOERROR | 60 CNAME x.corp.test | x.corp.test 60 A 10.0.0.1", "NOERROR");
  dns.check("f.test NS", "NOERROR | 60 NS m.f.test + m.f.test 60 A 10.0.0.1", "NOERROR");
  dns.check("g.test A", "NXDOMAIN | 60 A 10.0.0.1", "NOERROR");
  dns.check("h.test A", "NOERROR | 60 A 0.0.0.0", "NOERROR");
}

TEST_CASE("the answer says that it is blocked, to who asks with EDNS") {
  Guarding dns;
  dns.check("a.test A edns", "NOERROR opt | 60 A 10.0.0.1", "NOERROR ede=15");
  dns.ask("a.test A edns");
  dns.expect_reply("cache NOERROR ede=15");
}

TEST_CASE("all other answers are left alone") {
  Guarding dns;
  dns.check("a.test A", "NOERROR | 60 A 192.0.2.1", "NOERROR | 60 A 192.0.2.1");
  dns.check("b.test A", "NOERROR | 60 A 192.0.2.1 / 60 NS ns.b.test + ns.b.test 60 A 192.0.2.9",
            "NOERROR | 60 A 192.0.2.1 / 60 NS ns.b.test + ns.b.test 60 A 192.0.2.9");
  dns.check("c.test A", "NXDOMAIN / test 60 SOA 60", "NXDOMAIN / test 60 SOA 60");
  Script without;
  without.ask("a.test A");
  without.upstream("NOERROR | 60 A 10.0.0.1");
  without.expect_reply("upstream NOERROR | 60 A 10.0.0.1");
}

TEST_CASE("names of stub zones, of the search list and those that are allowed have theirs") {
  Guarding dns;
  dns.search_in({"lan.test"});
  for (const char* name : {"x.stub.test", "corp.test", "x.y.corp.test", "db.lan.test"})
    dns.check(name + std::string(" A"), "NOERROR | 60 A 10.0.0.1", "NOERROR | 60 A 10.0.0.1");
  dns.search_in({});
  dns.check("notcorp.test A", "NOERROR | 60 A 10.0.0.1", "NOERROR");
}

TEST_CASE("a name that a search finds has the inner address of its domain") {
  Guarding dns;
  dns.search_in({"lan.test"});
  dns.ask("db A");
  dns.expect_asked("db.lan.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 CNAME db.lan.test | db.lan.test 60 A 10.0.0.1");
  dns.ask("db A");
  dns.expect_reply("cache NOERROR | 60 CNAME db.lan.test | db.lan.test 60 A 10.0.0.1");
}

TEST_CASE("what is kept back is kept as NODATA as long as it would have lived") {
  Guarding dns;
  dns.settings.ttls = {100s, 5s};
  dns.check("a.test A", "NOERROR | 60 A 10.0.0.1", "NOERROR");
  dns.pass(59s);
  dns.ask("a.test A");
  dns.expect_reply("cache NOERROR");
  dns.pass(1s);
  dns.ask("a.test A");
  dns.expect_asked("a.test A");
}

TEST_CASE("the other family of a name that is guarded lives on") {
  Guarding dns;
  dns.check("a.test A", "NOERROR | 60 A 10.0.0.1", "NOERROR");
  dns.check("a.test AAAA", "NXDOMAIN / test 60 SOA 60", "NOERROR / test 60 SOA 60");
  dns.check("b.test AAAA", "NOERROR | 60 AAAA 2001:db8::1", "NOERROR | 60 AAAA 2001:db8::1");
  dns.check("b.test A", "NOERROR | 60 A 10.0.0.1", "NOERROR");
  dns.ask("b.test AAAA");
  dns.expect_reply("cache NOERROR | 60 AAAA 2001:db8::1");
}

TEST_CASE("a failure with an inner address stays a failure, without it") {
  Guarding dns;
  dns.check("a.test A", "SERVFAIL | 60 A 10.0.0.1", "SERVFAIL");
}

}  // namespace
}  // namespace dnslet::policy

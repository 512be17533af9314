// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// Static records of any type: what is answered from them, and what upstream says of their names.

#include "lookup_script.h"

namespace dnslet::policy {
namespace {

using namespace std::chrono_literals;
using test::Script;

constexpr const char* kNoName = "NXDOMAIN / test 60 SOA 60";

struct Recorded : Script {
  explicit Recorded(std::initializer_list<const char*> lines) {
    for (const char* line : lines) {
      const auto record = dns::record_from_text(line);
      REQUIRE(record);
      REQUIRE(records.add(*record, kStaticTtl));
    }
    REQUIRE(records.check_aliases());
  }
  void have(const char* name, const char* address) {
    addresses.start_source();
    REQUIRE(addresses.add(name, *IpAddress::from_text(address)) == Added::Yes);
  }
  void check(const char* question, const std::string& reply) {
    ask(question);
    expect_reply(reply);
  }
  void forwards(const std::string& question) {
    ask(question);
    expect_asked(question);
  }
};

TEST_CASE("all records of a name and type are the answer") {
  Recorded dns({"a.test TXT one", "a.test 60 TXT two", "a.test A 192.0.2.1"});
  dns.check("A.test TXT", "record NOERROR aa | 10 TXT one | 60 TXT two");
  dns.check("a.test A", "record NOERROR aa | 10 A 192.0.2.1");
  dns.forwards("b.test TXT");
  dns.forwards("x.a.test A");
}

TEST_CASE("a name with an address has NODATA for the other family, other types are forwarded") {
  Recorded dns({"a.test A 192.0.2.1", "t.test TXT one"});
  dns.check("a.test AAAA", "record NOERROR aa");
  dns.forwards("a.test MX");
  dns.forwards("t.test A");
  dns.forwards("t.test AAAA");
}

TEST_CASE("NXDOMAIN for another type of a name with a record is NODATA") {
  Recorded dns({"t.test TXT one", "*.w.test TXT one", "a.test A 192.0.2.1"});
  for (const char* name : {"t.test", "x.w.test", "1.2.0.192.in-addr.arpa"}) {
    dns.ask(name + std::string(" MX"));
    dns.upstream(kNoName);
    dns.expect_reply("upstream NOERROR / test 60 SOA 60");
  }
  dns.ask("t.test A");
  dns.upstream(kNoName);
  dns.expect_reply("upstream NOERROR / test 60 SOA 60");
  dns.ask("w.test MX");
  dns.upstream(kNoName);
  dns.expect_reply("upstream NXDOMAIN / test 60 SOA 60");
}

TEST_CASE("records and --address of one name add up") {
  Recorded dns({"a.test 60 A 192.0.2.1", "b.test TXT one", "c.test A 192.0.2.1"});
  dns.have("a.test", "192.0.2.2");
  dns.have("a.test", "192.0.2.1");
  dns.have("a.test", "2001:db8::1");
  dns.have("b.test", "192.0.2.3");
  dns.check("a.test A", "record NOERROR aa | 60 A 192.0.2.1 | 10 A 192.0.2.2");
  dns.check("a.test AAAA", "record NOERROR aa | 10 AAAA 2001:db8::1");
  dns.check("b.test A", "address NOERROR aa | 10 A 192.0.2.3");
  dns.check("b.test AAAA", "address NOERROR aa");
  dns.check("b.test TXT", "record NOERROR aa | 10 TXT one");
}

TEST_CASE("what is closer to a name has it, among records and --address") {
  Recorded dns({"*.test A 192.0.2.1", "x.b.test TXT one", "*.c.test A 192.0.2.3"});
  dns.have("own.test", "192.0.2.8");
  dns.have("*.b.test", "192.0.2.9");
  dns.have("*.c.test", "192.0.2.4");
  dns.check("own.test A", "address NOERROR aa | 10 A 192.0.2.8");
  dns.check("any.test A", "record NOERROR aa | 10 A 192.0.2.1");
  dns.check("y.b.test A", "address NOERROR aa | 10 A 192.0.2.9");
  dns.check("y.c.test A", "record NOERROR aa | 10 A 192.0.2.3 | 10 A 192.0.2.4");
  dns.forwards("x.b.test A");  // it has an entry of its own, which is no address
}

TEST_CASE("reverse names are those of addresses, and PTR records") {
  Recorded dns({"a.test A 192.0.2.1", "*.w.test A 192.0.2.3", "2.2.0.192.in-addr.arpa PTR p.test",
                "_x.test PTR a._x.test"});
  dns.check("1.2.0.192.in-addr.arpa PTR", "record NOERROR aa | 10 PTR a.test");
  dns.check("2.2.0.192.in-addr.arpa PTR", "record NOERROR aa | 10 PTR p.test");
  dns.check("_x.test PTR", "record NOERROR aa | 10 PTR a._x.test");
  dns.forwards("3.2.0.192.in-addr.arpa PTR");
}

TEST_CASE("the addresses of records take turns, with those of --address") {
  Recorded dns({"a.test A 192.0.2.1", "a.test A 192.0.2.2"});
  dns.have("a.test", "192.0.2.3");
  dns.settings.rotation = Rotation::On;
  dns.check("a.test A", "record NOERROR aa | 10 A 192.0.2.1 | 10 A 192.0.2.2 | 10 A 192.0.2.3");
  dns.check("a.test A", "record NOERROR aa | 10 A 192.0.2.2 | 10 A 192.0.2.3 | 10 A 192.0.2.1");
}

TEST_CASE("a name that has a record is not blocked away, and hosts files come behind") {
  Recorded dns({"a.ads.test TXT one", "h.test A 192.0.2.1"});
  dns.block("ads.test");
  (void)dns.hosts.add_text("192.0.2.7 h.test\n");
  dns.check("a.ads.test MX", "block NOERROR aa");
  dns.check("a.ads.test TXT", "record NOERROR aa | 10 TXT one");
  dns.check("b.ads.test TXT", "block NXDOMAIN aa");
  dns.check("h.test A", "record NOERROR aa | 10 A 192.0.2.1");
}

TEST_CASE("with nobody to ask a name that has a record is NODATA, not refused") {
  Recorded dns({"t.test TXT one"});
  dns.settings.forwards = false;
  dns.check("t.test MX", "record NOERROR aa");
  dns.check("t.test A", "record NOERROR aa");
  dns.check("u.test A", "refused REFUSED");
}

TEST_CASE("* has no name that has a record") {
  Recorded dns({"t.test TXT one"});
  dns.have("*", "192.0.2.9");
  dns.check("u.test A", "address NOERROR aa | 10 A 192.0.2.9");
  dns.forwards("t.test A");
}

TEST_CASE("a name with a record has been found, for a search") {
  Recorded dns({"db.lan.test TXT one", "db.lan.test A 192.0.2.1", "web TXT one"});
  dns.search_in({"lan.test", "other.test"});
  dns.check("db TXT", "record NOERROR | 10 CNAME db.lan.test | db.lan.test 10 TXT one");
  dns.check("db AAAA", "record NOERROR");
  dns.forwards("web MX");
}

TEST_CASE("hints stay where only other types are ours") {
  constexpr const char* kHints = "NOERROR | 60 TYPE65 000100000400040a000001";
  Recorded dns({"t.test TXT one", "a.test A 192.0.2.1"});
  dns.ask("t.test TYPE65");
  dns.upstream(kHints);
  dns.expect_reply("upstream " + std::string(kHints));
  dns.ask("a.test TYPE65");
  dns.upstream(kHints);
  dns.expect_reply("upstream NOERROR | 60 TYPE65 000100");
}

}  // namespace
}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// Names of ours: what upstream says of their other types, and `*`, which is every name.

#include "lookup_script.h"

namespace dnslet::policy {
namespace {

using test::Script;

constexpr const char* kNoName = "NXDOMAIN / test 60 SOA 60";

// One name for each way to have an address.
struct Owning : Script {
  Owning() {
    (void)hosts.add_text("10.0.0.1 db.test\n10.0.0.2 *.apps.test\n");
    addresses.start_source();
    (void)addresses.add("static.test", IpAddress::v4(10, 0, 0, 3));
  }
};

TEST_CASE("NXDOMAIN for another type of a name of ours is NODATA, fresh and cached") {
  const std::string name = GENERATE(as<std::string>{}, "db.test", "x.apps.test", "static.test");
  Owning dns;
  for (const char* type : {" TXT", " TYPE65", " MX"}) {
    dns.ask(name + type);
    dns.upstream(kNoName);
    dns.expect_reply("upstream NOERROR / test 60 SOA 60");
    dns.ask(name + type);
    dns.expect_reply("cache NOERROR / test 60 SOA 60");
  }
  dns.ask("other.test TXT");
  dns.upstream(kNoName);
  dns.expect_reply("upstream NXDOMAIN / test 60 SOA 60");
}

TEST_CASE("records of other types of a name of ours come through") {
  Owning dns;
  dns.ask("db.test TXT");
  dns.upstream("NOERROR | 60 TXT 026869");
  dns.expect_reply("upstream NOERROR | 60 TXT hi");
}

// 1 . alpn=h2 ipv4hint=192.0.2.1 ipv6hint=fd00::1
constexpr const char* kPlain = "0001 00 0001 0003 026832";
constexpr const char* kHints = " 0004 0004 c0000201 0006 0010 fd000000000000000000000000000001";

TEST_CASE("HTTPS and SVCB records of a name of ours lose their address hints, others keep them") {
  Owning dns;
  for (const char* type : {"TYPE64", "TYPE65"}) {
    const std::string record = std::string("NOERROR | 60 ") + type + ' ';
    const auto packed = [](std::string text) {
      std::erase(text, ' ');
      return text;
    };
    dns.ask(std::string("db.test ") + type);
    dns.upstream(record + packed(std::string(kPlain) + kHints));
    dns.expect_reply("upstream " + record + packed(kPlain));
    dns.ask(std::string("db.test ") + type);
    dns.expect_reply("cache " + record + packed(kPlain));
    dns.ask(std::string("other.test ") + type);
    dns.upstream(record + packed(std::string(kPlain) + kHints));
    dns.expect_reply("upstream " + record + packed(std::string(kPlain) + kHints));
  }
}

TEST_CASE("where nothing is forwarded a name of ours has nothing of other types") {
  Owning dns;
  dns.settings.forwards = false;
  dns.ask("db.test TXT");
  dns.expect_reply("hosts NOERROR aa");
  dns.ask("static.test TYPE65");
  dns.expect_reply("address NOERROR aa");
  dns.ask("other.test TXT");
  dns.expect_reply("refused REFUSED");
}

TEST_CASE("the reverse name of an address of ours exists for all types") {
  Owning dns;
  dns.ask("1.0.0.10.in-addr.arpa PTR");
  dns.expect_reply("hosts NOERROR aa | 10 PTR db.test");
  for (const char* type : {" TXT", " A"}) {
    dns.ask(std::string("1.0.0.10.in-addr.arpa") + type);
    dns.upstream(kNoName);
    dns.expect_reply("upstream NOERROR / test 60 SOA 60");
  }
  dns.reload();
  dns.settings.forwards = false;
  dns.ask("1.0.0.10.in-addr.arpa A");
  dns.expect_reply("hosts NOERROR aa");
  dns.ask("9.0.0.10.in-addr.arpa A");
  dns.expect_reply("refused REFUSED");
}

TEST_CASE("a block above a name of ours leaves the name there") {
  Owning dns;
  dns.block("test");
  dns.ask("db.test A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.1");
  dns.ask("db.test TXT");
  dns.expect_reply("block NOERROR aa");
  dns.ask("other.test TXT");
  dns.expect_reply("block NXDOMAIN aa");
}

TEST_CASE("another type of what a search finds by its address is asked for there alone") {
  Owning dns;
  dns.search_in({"a.test", "apps.test", "c.test"});
  dns.ask("db TXT");
  dns.expect_asked("db.a.test TXT");
  dns.upstream(kNoName);
  dns.expect_asked("db.apps.test TXT");
  dns.upstream(kNoName);
  dns.expect_reply("upstream NOERROR / test 10 SOA 60");
  dns.ask("db TXT");
  dns.expect_reply("cache NOERROR / test 10 SOA 60");
}

TEST_CASE("a name of ours is not searched for other types either") {
  Owning dns;
  dns.settings.search.ndots = 5;
  dns.search_in({"a.test"});
  dns.ask("db.test TXT");
  dns.expect_asked("db.test TXT");
  dns.settings.search.fwd_ndots = 3;
  dns.ask("db.test MX");
  dns.expect_reply("special NOERROR aa");
}

// `*` alone.

struct Any : Owning {
  Any() { (void)hosts.add_text("10.9.9.9 *\n"); }
};

TEST_CASE("a star alone has every name that nothing else has") {
  Any dns;
  dns.block("ads.test");
  dns.zones.add(*dns::Name::from_text("stub.test"), 1);
  dns.ask("www.example A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.9.9.9");
  dns.ask("www.example AAAA");
  dns.expect_reply("hosts NOERROR aa");
  dns.ask("db.test A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.1");
  dns.ask("db.test AAAA");
  dns.expect_reply("hosts NOERROR aa");
  dns.ask("static.test A");
  dns.expect_reply("address NOERROR aa | 10 A 10.0.0.3");
  dns.ask("x.ads.test A");
  dns.expect_reply("block NXDOMAIN aa");
  dns.ask("localhost A");
  dns.expect_reply("special NOERROR aa | 10 A 127.0.0.1");
  dns.ask("x.onion A");
  dns.expect_reply("special NXDOMAIN aa");
  dns.ask("x.stub.test A");
  dns.expect_asked("x.stub.test A");
}

TEST_CASE("a star alone answers where nothing is forwarded, and a filter comes before it") {
  Any dns;
  dns.settings.forwards = false;
  dns.ask("www.example A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.9.9.9");
  dns.ask("www.example TXT");
  dns.expect_reply("hosts NOERROR aa");
  dns.search_in({"a.test"});
  dns.ask("www.example A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.9.9.9");
  dns.settings.filter = Filter::A;
  dns.ask("www.example A");
  dns.expect_reply("filter NOERROR aa");
}

TEST_CASE("other types of a name that a star has are forwarded, and the name exists") {
  Any dns;
  dns.ask("www.example TXT");
  dns.upstream(kNoName);
  dns.expect_reply("upstream NOERROR / test 60 SOA 60");
}

TEST_CASE("in a search a star has the name asked, when nothing else has a name of the list") {
  Any dns;
  dns.search_in({"a.test", "apps.test", "stub.test"});
  dns.zones.add(*dns::Name::from_text("stub.test"), 1);
  dns.ask("db A");
  dns.expect_reply("hosts NOERROR | 10 CNAME db.apps.test | db.apps.test 10 A 10.0.0.2");
  dns.search_in({"a.test", "stub.test"});
  dns.ask("db A");
  dns.expect_asked("db.stub.test A");
  dns.upstream(kNoName);
  dns.expect_reply("hosts NOERROR aa | 10 A 10.9.9.9");
  dns.ask("www.example A");
  dns.expect_asked("www.example.stub.test A");
  dns.no_server_answers();
  dns.expect_reply("hosts NOERROR aa | 10 A 10.9.9.9");
}

TEST_CASE("a star of --address wins over one of a hosts file") {
  Any dns;
  (void)dns.addresses.add("*", IpAddress::v4(10, 8, 8, 8));
  dns.ask("www.example A");
  dns.expect_reply("address NOERROR aa | 10 A 10.8.8.8");
}

}  // namespace
}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The ladder of answers, rung by rung: what a question gets, and that an earlier rung wins.

#include "policy/lookup.h"

#include "lookup_script.h"

namespace dnslet::policy {
namespace {

using dns::Type;
using test::hex;
using test::kDo;
using test::opt;
using test::Packet;
using test::Script;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): 2s

Packet query_packet() { return Packet("db.test", Type::A).id(0x4321).flags(0x0100); }

Network network(const char* text) { return *Network::from_text(text); }

// An entry of every table for one name, and an answer of every later rung.
struct FullScript : Script {
  FullScript() {
    addresses.start_source();
    CHECK(addresses.add("address.test", IpAddress::v4(10, 0, 0, 1)) == Added::Yes);
    (void)hosts.add_text("10.0.0.2 address.test hosts.test *.wild.test *.localhost\n");
    for (const char* name : {"address.test", "hosts.test", "blocked.test", "invalid"}) block(name);
  }
};

// 1: not a usable question.

TEST_CASE("a response, or less than a header, gets no answer") {
  FullScript dns;
  dns.ask_packet(Packet("hosts.test", Type::A).flags(0x8180));
  dns.expect_no_reply();
  Lookup lookup{Client{}};
  const KeyTable none(1);
  Cache cache(0, 1);
  dns::Bytes out(512);
  Turns turns;
  dns::ExtendedError error;
  const Tables tables = {dns.settings, dns.addresses, dns.hosts, none, dns.zones,
                         cache,        cache,         turns,     out,  error};
  for (std::size_t size = 0; size < 12; ++size)
    CHECK(std::holds_alternative<Drop>(lookup.start({tables, 0ms, out}, dns::Bytes(size))));
}

TEST_CASE("another opcode gets NOTIMP with its opcode and its question") {
  Script dns;
  dns.ask_packet(query_packet().flags(0x2900));
  dns.expect_reply("error NOTIMP");
  dns.ask_packet(query_packet().flags(0x2100).count(0, 0));
  dns.expect_reply("error NOTIMP");
}

TEST_CASE("a packet that is no question gets FORMERR") {
  Script dns;
  for (const Packet& packet :
       {query_packet().count(0, 0), query_packet().count(0, 2), query_packet().count(1, 1),
        Packet(query_packet()).additional({hex("c0ff")}), query_packet().answer(opt()),
        query_packet().additional({hex("0161 00"), Type::OPT})}) {
    dns.ask_packet(packet);
    dns.expect_reply("error FORMERR");
  }
}

TEST_CASE("two OPT records get FORMERR with one") {
  Script dns;
  dns.ask_packet_with_opt(query_packet().additional(opt()).additional(opt()));
  dns.expect_reply("error FORMERR");
}

TEST_CASE("an EDNS version above 0 gets BADVERS, before anything else") {
  FullScript dns;
  dns.ask_packet_with_opt(Packet("hosts.test", Type::A).additional(opt(1232, 0x10000 | kDo)));
  dns.expect_reply("error RCODE16 do");
}

TEST_CASE("a broken packet is judged before its sender") {
  Script dns;
  dns.settings.allow = {network("10.0.0.0/8")};
  dns.ask_packet(query_packet().count(0, 0), {IpAddress::v4(192, 0, 2, 1)});
  dns.expect_reply("error FORMERR");
}

// 2: refused.

TEST_CASE("a client outside of allow is refused, before any record is looked at") {
  FullScript dns;
  dns.settings.allow = {network("10.0.0.0/8"), network("fd00::/8")};
  dns.ask("hosts.test A from=192.0.2.1");
  dns.expect_reply("refused REFUSED");
  dns.ask("version.bind TXT CH from=2001:db8::1");
  dns.expect_reply("refused REFUSED");
  dns.ask("hosts.test A from=10.1.2.3");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.2");
  dns.ask("hosts.test A from=fd00::1");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.2");
  dns.ask("hosts.test A from=::ffff:10.1.2.3");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.2");
}

TEST_CASE("zone transfers are refused, whatever the name") {
  FullScript dns;
  for (const char* question : {"db.test AXFR tcp", "db.test IXFR", "hosts.test AXFR",
                               "invalid AXFR edns", "version.bind AXFR CH"}) {
    dns.ask(question);
    dns.expect_reply("refused REFUSED");
  }
}

TEST_CASE("classes other than IN and CH are refused") {
  FullScript dns;
  for (const char* question : {"hosts.test A class=0", "hosts.test A class=4",
                               "version.bind TXT class=254", "hosts.test A class=255"}) {
    dns.ask(question);
    dns.expect_reply("refused REFUSED");
  }
}

// 3: class CH.

TEST_CASE("the server's identity is told in class CH") {
  Script dns;
  dns.ask("Version.BIND TXT CH");
  dns.expect_reply("chaos NOERROR aa | 0 TXT dnslet 1.0");
  dns.ask("version.server TXT CH");
  dns.expect_reply("chaos NOERROR aa | 0 TXT dnslet 1.0");
  dns.ask("hostname.bind TXT CH edns");
  dns.expect_reply("chaos NOERROR aa | 0 TXT localhost");
  dns.ask("id.server TXT CH do");
  dns.expect_reply("chaos NOERROR aa do | 0 TXT localhost");
}

TEST_CASE("every other question of class CH is refused, also for names with records") {
  FullScript dns;
  for (const char* question : {"authors.bind TXT CH", "version.bind A CH", "version.bind ANY CH",
                               "hosts.test A CH", "localhost A CH", "invalid A CH"}) {
    dns.ask(question);
    dns.expect_reply("refused REFUSED");
  }
}

TEST_CASE("version.bind of class IN is a name like any other") {
  Script dns;
  dns.ask("version.bind TXT");
  dns.expect_asked("version.bind TXT");
}

// 4: static records.

TEST_CASE("an --address record wins over hosts and block") {
  FullScript dns;
  dns.ask("address.test A");
  dns.expect_reply("address NOERROR aa | 10 A 10.0.0.1");
}

TEST_CASE("a hosts record wins over block, block over the rest") {
  FullScript dns;
  dns.ask("hosts.test A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.2");
  dns.ask("blocked.test A");
  dns.expect_reply("block NXDOMAIN aa");
}

TEST_CASE("an --address wildcard wins over the exact name in a hosts file") {
  FullScript dns;
  CHECK(dns.addresses.add("*.test", IpAddress::v4(10, 0, 0, 9)) == Added::Yes);
  dns.ask("hosts.test A");
  dns.expect_reply("address NOERROR aa | 10 A 10.0.0.9");
}

TEST_CASE("a name that --address gives only IPv4 gets NODATA for IPv6, whatever hosts says") {
  FullScript dns;
  (void)dns.hosts.add_text("fd00::5 address.test\n");
  dns.ask("address.test AAAA");
  dns.expect_reply("address NOERROR aa");
}

TEST_CASE("all addresses of the family asked come in file order") {
  Script dns;
  (void)dns.hosts.add_text("10.0.0.3 db\nfd00::5 db\n10.0.0.1 db\nfd00::4 db\n");
  dns.ask("DB A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.3 | 10 A 10.0.0.1");
  dns.ask("db AAAA");
  dns.expect_reply("hosts NOERROR aa | 10 AAAA fd00::5 | 10 AAAA fd00::4");
}

TEST_CASE("other types of a name with addresses are forwarded") {
  Script dns;
  (void)dns.hosts.add_text("10.0.0.2 db.test *.wild.test\n");
  for (const char* question : {"db.test MX", "db.test TXT", "db.test ANY", "db.test PTR",
                               "db.test TYPE65", "x.wild.test SRV"}) {
    dns.ask(question);
    dns.expect_asked(question);
  }
}

TEST_CASE("a wildcard answers for what is below it") {
  FullScript dns;
  dns.ask("a.b.wild.test A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.2");
  dns.ask("a.wild.test AAAA");
  dns.expect_reply("hosts NOERROR aa");
  dns.ask("wild.test A");
  dns.expect_asked("wild.test A");
}

TEST_CASE("a reverse name has the name of its address, --address first") {
  FullScript dns;
  (void)dns.hosts.add_text("10.0.0.1 other.test\nfd00::5 six.test\n");
  dns.ask("1.0.0.10.in-addr.arpa PTR");
  dns.expect_reply("address NOERROR aa | 10 PTR address.test");
  dns.ask("2.0.0.10.IN-ADDR.arpa PTR");
  dns.expect_reply("hosts NOERROR aa | 10 PTR address.test");
  dns.ask("5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa PTR");
  dns.expect_reply("hosts NOERROR aa | 10 PTR six.test");
  dns.ask("3.0.0.10.in-addr.arpa PTR");
  dns.expect_asked("3.0.0.10.in-addr.arpa PTR");
}

TEST_CASE("a blocked domain has no names below it either, of any type") {
  FullScript dns;
  dns.ask("a.b.BLOCKED.test MX");
  dns.expect_reply("block NXDOMAIN aa");
  dns.ask("notblocked.test A");
  dns.expect_asked("notblocked.test A");
}

// 5: special names.

TEST_CASE("localhost and below is loopback") {
  Script dns;
  dns.ask("LocalHost A");
  dns.expect_reply("special NOERROR aa | 10 A 127.0.0.1");
  dns.ask("a.b.localhost AAAA");
  dns.expect_reply("special NOERROR aa | 10 AAAA ::1");
  dns.ask("localhost MX");
  dns.expect_reply("special NOERROR aa");
}

TEST_CASE("the loopback addresses are localhost") {
  Script dns;
  dns.ask("1.0.0.127.in-addr.arpa PTR");
  dns.expect_reply("special NOERROR aa | 10 PTR localhost");
  dns.ask("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa PTR");
  dns.expect_reply("special NOERROR aa | 10 PTR localhost");
  dns.ask("1.0.0.127.in-addr.arpa A");
  dns.expect_reply("special NOERROR aa");
}

TEST_CASE("invalid, onion and below do not exist") {
  Script dns;
  for (const char* question : {"invalid A", "a.invalid AAAA", "onion NS", "a.b.Onion A"}) {
    dns.ask(question);
    dns.expect_reply("special NXDOMAIN aa");
  }
}

TEST_CASE("static records and block win over special names") {
  FullScript dns;
  (void)dns.hosts.add_text("127.0.0.1 myhost\n");
  dns.ask("a.localhost A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.2");
  dns.ask("1.0.0.127.in-addr.arpa PTR");
  dns.expect_reply("hosts NOERROR aa | 10 PTR myhost");
  dns.ask("a.invalid A");
  dns.expect_reply("block NXDOMAIN aa");
}

// 6: filter.

TEST_CASE("a filtered family gets NODATA, the other is forwarded") {
  Script dns;
  dns.settings.filter = Filter::Aaaa;
  dns.ask("db.test AAAA");
  dns.expect_reply("filter NOERROR aa");
  dns.ask("db.test A");
  dns.expect_asked("db.test A");
  dns.settings.filter = Filter::A;
  dns.ask("db.test A");
  dns.expect_reply("filter NOERROR aa");
  dns.ask("db.test AAAA");
  dns.expect_asked("db.test AAAA");
}

TEST_CASE("static records and special names win over the filter") {
  FullScript dns;
  dns.settings.filter = Filter::A;
  dns.ask("hosts.test A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.2");
  dns.ask("localhost A");
  dns.expect_reply("special NOERROR aa | 10 A 127.0.0.1");
}

// 7: cache, 8: no forwarding, 9: upstream.

TEST_CASE("the filter wins over the cache") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.settings.filter = Filter::A;
  dns.ask("db.test A");
  dns.expect_reply("filter NOERROR aa");
}

TEST_CASE("the cache wins over the refusal to forward") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.settings.forwards = false;
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.1");
  dns.ask("db.test AAAA");
  dns.expect_reply("refused REFUSED");
}

TEST_CASE("without forwarding, hosts and special names are served and the rest is refused") {
  FullScript dns;
  dns.settings.forwards = false;
  dns.ask("hosts.test A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.2");
  dns.ask("x.wild.test MX");
  dns.expect_reply("hosts NOERROR aa");
  dns.ask("db.test MX");
  dns.expect_reply("refused REFUSED");
  dns.ask("db.test A do");
  dns.expect_reply("refused REFUSED do");
}

TEST_CASE("what no rung answers is asked upstream") {
  FullScript dns;
  dns.ask("Db.TEST A");
  dns.expect_asked("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 A 10.0.0.1");
  dns.ask(". NS");
  dns.expect_asked(". NS");
}

}  // namespace
}  // namespace dnslet::policy

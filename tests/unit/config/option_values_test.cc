// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/option_values.h"

#include <algorithm>

#include "config/parsed.h"

namespace dnslet::config {
namespace {

TEST_CASE("listen takes a list of addresses of both families") {
  CHECK(texts(good({"-l", "0.0.0.0, [::]:5353 ,fd00::5,127.0.0.1:0"}).listen) ==
        Arguments{"0.0.0.0:53", "[::]:5353", "[fd00::5]:53", "127.0.0.1:0"});
  CHECK(texts(good({}, {{"DNSMASQ_LISTEN", "10.0.0.1:5353"}}).listen) ==
        Arguments{"10.0.0.1:5353"});
}

TEST_CASE("a name to listen on is refused and told why") {
  CHECK(bad({"--listen", "127.0.0.1,dns.example:53"}) ==
        "--listen: 'dns.example:53' is not an IP address with an optional port, for example "
        "127.0.0.1:53 or [::1]:53 (names are not accepted here)");
}

TEST_CASE("listen refuses an address given twice, but not two free ports") {
  CHECK(bad({"-l", "127.0.0.1,127.0.0.1:53"}) == "--listen: '127.0.0.1:53' is given twice");
  CHECK(good({"-l", "127.0.0.1:0,127.0.0.1:0"}).listen.size() == 2);
}

TEST_CASE("nameservers are addresses and names, in their order") {
  CHECK(texts(good({"-n", "10.0.0.2,10.0.0.1:5353,[fe80::1%eth0]:53"}).nameservers) ==
        Arguments{"10.0.0.2:53", "10.0.0.1:5353", "[fe80::1%eth0]:53"});
  CHECK(texts(good({}, {{"DNSMASQ_SERVERS", "1.1.1.1"}}).nameservers) == Arguments{"1.1.1.1:53"});
  CHECK_THAT(bad({"-n", "10.0.0.1:0"}), Catch::Matchers::ContainsSubstring("'10.0.0.1:0' is not"));
  CHECK(texts(good({"-n", "unbound,tcp://DNS.test,udp://[fd00::1]:54"}).nameservers) ==
        Arguments{"unbound:53", "tcp://dns.test:53", "[fd00::1]:54"});
  CHECK_THAT(bad({"-n", "10.0.0.1,ftp://1.1.1.1"}),
             Catch::Matchers::StartsWith("--nameservers: 'ftp://1.1.1.1': 'ftp://' is no way"));
}

TEST_CASE("the servers of --bootstrap are addresses") {
  CHECK(texts(good({"--bootstrap=10.0.0.1,[fd00::1]:54"}).bootstrap) ==
        Arguments{"10.0.0.1:53", "[fd00::1]:54"});
  CHECK(texts(good({}, {{"DNSMASQ_BOOTSTRAP", "10.0.0.1"}}).bootstrap) == Arguments{"10.0.0.1:53"});
  CHECK_THAT(bad({"--bootstrap=dns.test"}),
             Catch::Matchers::StartsWith("--bootstrap: 'dns.test' is not an IP address"));
  CHECK_FALSE(bad({"--bootstrap=10.0.0.1:0"}).empty());
  CHECK_FALSE(bad({"--bootstrap=tcp://10.0.0.1"}).empty());
}

TEST_CASE("an empty element of a list is refused") {
  const std::string list = GENERATE(as<std::string>{}, ",", "10.0.0.1,", ",10.0.0.1",
                                    "10.0.0.1,,10.0.0.2", " ", "10.0.0.1, ,10.0.0.2");
  CAPTURE(list);
  CHECK(bad({"--listen=" + list}) ==
        "--listen: '" + list +
            "' is not a list: put a value on both sides of every comma, for "
            "example a,b");
  CHECK_FALSE(bad({"--nameservers=" + list}).empty());
  CHECK_FALSE(bad({"--allow=" + list}).empty());
  CHECK_FALSE(bad({"--block=" + list}).empty());
  CHECK_FALSE(bad({"--search-domains=" + list}).empty());
  CHECK_FALSE(bad({}, {{"DNSMASQ_HOSTSFILE", list}}).empty());
}

TEST_CASE("allow takes networks and single addresses") {
  CHECK(texts(good({"--allow=10.0.0.0/8, fd00::/8,127.0.0.1"}).allow) ==
        Arguments{"10.0.0.0/8", "fd00::/8", "127.0.0.1/32"});
  CHECK(bad({"--allow=10.0.0.0/33"}) ==
        "--allow: '10.0.0.0/33' is not a network, for example 10.0.0.0/8, fd00::/8, 10.0.0.5 or "
        "private");
}

TEST_CASE("private clients are those that are no part of the internet") {
  const auto allowed = [](std::string_view address) {
    const auto networks = good({"--allow=10.1.2.3, Private"}).allow;
    return std::ranges::any_of(networks, [&](const Network& network) {
      return network.contains(*IpAddress::from_text(address));
    });
  };
  for (const char* address : {"127.0.0.1", "10.9.9.9", "172.16.0.1", "172.31.255.255",
                              "192.168.1.1", "100.64.0.1", "100.127.255.255", "169.254.9.9", "::1",
                              "fd00::1", "fc00::1", "fe80::1", "::ffff:10.0.0.1"}) {
    CAPTURE(address);
    CHECK(allowed(address));
  }
  for (const char* address :
       {"8.8.8.8", "172.32.0.1", "172.15.255.255", "100.128.0.1", "100.63.255.255", "192.169.0.1",
        "2001:db8::1", "::2", "fec0::1", "0.0.0.0", "::ffff:8.8.8.8"}) {
    CAPTURE(address);
    CHECK_FALSE(allowed(address));
  }
}

TEST_CASE("hosts files add up, by flags and in the variable") {
  CHECK(good({"-f", "/a", "--hostsfile=/b"}).hosts_files == Arguments{"/a", "/b"});
  CHECK(good({}, {{"DNSMASQ_HOSTSFILE", "/a, /b c"}}).hosts_files == Arguments{"/a", "/b c"});
}

TEST_CASE("static records add up, by flags and in the variable") {
  CHECK(
      texts(good({"--address=db.local=10.0.0.5, fd00::5", "--address", "*.apps=::1"}).addresses) ==
      Arguments{"db.local=10.0.0.5,fd00::5", "*.apps=::1"});
  CHECK(texts(good({"--address=*=10.0.0.5", "--address=#=::1"}).addresses) ==
        Arguments{"*=10.0.0.5", "*=::1"});
  CHECK(texts(good({}, {{"DNSMASQ_ADDRESS", " a=10.0.0.1\n\tb.=10.0.0.2,::1 "}}).addresses) ==
        Arguments{"a=10.0.0.1", "b.=10.0.0.2,::1"});
  CHECK(good({}, {{"DNSMASQ_ADDRESS", " \n"}}).addresses.empty());
}

TEST_CASE("a static record needs a usable name and addresses") {
  CHECK(bad({"--address=db.local"}) ==
        "--address: 'db.local' is not a name and its addresses, for example "
        "db.test=10.0.0.5,fd00::5");
  CHECK(bad({"--address=a=10.0.0.1,b=10.0.0.2"}) ==
        "--address: 'a=10.0.0.1,b=10.0.0.2': 'b=10.0.0.2' is not an IP address, for example "
        "10.0.0.5 or fd00::5");
  const std::string name = GENERATE(as<std::string>{}, "", ".", "*.", "a..b", ".a", "*.*.a", "a.*",
                                    "*a", "a b", "a\tb", "a\x01");
  CAPTURE(name);
  CHECK_THAT(bad({"--address=" + name + "=10.0.0.1"}),
             Catch::Matchers::EndsWith("is not a name, for example db.test or *.apps.test"));
}

TEST_CASE("block takes domains with or without dots at their ends") {
  CHECK(texts(good({"--block=ads.example, .Tracker.test ,b.test.,localhost"}).block) ==
        Arguments{"ads.example", "tracker.test", "b.test", "localhost"});
  CHECK(texts(good({"--block=128/26.1.0.10.in-addr.arpa"}).block) ==
        Arguments{"128/26.1.0.10.in-addr.arpa"});
  const std::string domain = GENERATE(as<std::string>{}, ".", "..", "a..b", "..a", "*.a", "*",
                                      "a b", "a\x7f", "a.test/", "10.0.0.1");
  CAPTURE(domain);
  CHECK_THAT(bad({"--block=" + domain}), Catch::Matchers::ContainsSubstring("is not a domain"));
}

TEST_CASE("a path to block is no domain, and is told what to do") {
  const std::string path = GENERATE(as<std::string>{}, "/etc/ads.txt", "./ads.txt", "ads/list",
                                    "../a", "/ads", "lists/ads.test");
  CAPTURE(path);
  const std::string error = bad({"--block=a.test," + path});
  CHECK_THAT(error, Catch::Matchers::StartsWith("--block: '" + path + "' is a path"));
  CHECK_THAT(error, Catch::Matchers::EndsWith("--blocklist"));
  CHECK_FALSE(bad({"--search-domains=" + path}).empty());
  CHECK_FALSE(bad({"--address=" + path + "=10.0.0.1"}).empty());
}

TEST_CASE("names are as long as DNS allows and no longer") {
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  REQUIRE(longest.size() == 253);
  CHECK(texts(good({"--block=" + longest + "."}).block) == Arguments{longest});
  CHECK_FALSE(bad({"--block=" + longest + "b"}).empty());
  CHECK_FALSE(bad({"--block=" + label + "a.test"}).empty());
  CHECK(good({"--address=" + longest + "=::1"}).addresses.size() == 1);
  CHECK_FALSE(bad({"--address=" + longest + "b=::1"}).empty());
}

// That names are looked up is tested from outside: a unit test reads no /etc/passwd.
TEST_CASE("user takes a uid and a gid") {
  CHECK(good({"--user=12:34"}).user == io::UserIds{12, 34});
  CHECK(good({}, {{"DNSMASQ_USER", "0:4294967294"}}).user == io::UserIds{0, 4294967294});
}

TEST_CASE("what is no user is refused with what would be one") {
  const std::string text =
      GENERATE(as<std::string>{}, "1000:", ":5", ":", "1:2:3", "-1", "+5", "4294967295",
               "0:4294967295", "5:-1", "99999999999999999999", "12:staff", "a:b", "root:0");
  CHECK(bad({"--user=" + text}) == "--user: '" + text +
                                       "' is not a user: write a name, a uid or uid:gid, for "
                                       "example nobody or 65534:65534");
}

TEST_CASE("what becomes of the clients' search list is kept or auto") {
  CHECK(good({}).client_options == ClientOptions::Keep);
  CHECK(good({"--resolvconf-options=Keep"}).client_options == ClientOptions::Keep);
  CHECK(good({}, {{"DNSMASQ_RESOLVCONF_OPTIONS", "auto"}}).client_options == ClientOptions::Auto);
  CHECK(bad({"--resolvconf-options=yes"}) == "--resolvconf-options: 'yes' is not keep or auto");
}

TEST_CASE("the search list is taken away from clients only where dnslet searches") {
  CHECK(good({"-d", "--resolvconf-options=auto", "--enable-search"}).default_resolver);
  CHECK_THAT(bad({"-d", "--resolvconf-options=auto"}),
             Catch::Matchers::ContainsSubstring("add --enable-search"));
}

TEST_CASE("filter takes an address family") {
  CHECK(good({"--filter=a"}).filter == policy::Filter::A);
  CHECK(good({"--filter=AAAA"}).filter == policy::Filter::Aaaa);
  CHECK(good({}, {{"DNSMASQ_FILTER", "aaaa"}}).filter == policy::Filter::Aaaa);
  CHECK(bad({"--filter=mx"}) == "--filter: 'mx' is not a or aaaa");
}

// Stub zones.

TEST_CASE("a stub zone has domains and nameservers") {
  CHECK(texts(good({"-z", "a.test/10.0.0.1"}).stub_zones) == Arguments{"a.test > 10.0.0.1:53"});
  CHECK(texts(good({"--stubzones=a.test,b.test/10.0.0.1,10.0.0.2:5353"}).stub_zones) ==
        Arguments{"a.test b.test > 10.0.0.1:53 10.0.0.2:5353"});
  CHECK(texts(good({"-stubzones", "a.test/[fd00::1]:5353,fd00::2,fe80::1%eth0"}).stub_zones) ==
        Arguments{"a.test > [fd00::1]:5353 [fd00::2]:53 [fe80::1%eth0]:53"});
}

TEST_CASE("every form of DNSMASQ_STUB gives the same zones, by variable and by flag") {
  const std::string text = GENERATE(as<std::string>{},  //
                                    "a.test,b.test/10.0.0.1,10.0.0.2:5353,c.test/[fd00::1]",
                                    "a.test,b.test/10.0.0.1,10.0.0.2:5353 c.test/[fd00::1]",
                                    "a.test,b.test/10.0.0.1,10.0.0.2:5353;c.test/[fd00::1]:53",
                                    "a.test,b.test/10.0.0.1,10.0.0.2:5353 ; c.test/fd00::1",
                                    " a.test, b.test/10.0.0.1 ,10.0.0.2:5353 , c.test/[fd00::1]\n",
                                    "a.test,b.test/10.0.0.1,10.0.0.2:5353;\n\tc.test/[fd00::1];",
                                    ".a.test,.b.test/10.0.0.1,10.0.0.2:5353,.c.test/[fd00::1]");
  CAPTURE(text);
  const Arguments expected = {"a.test b.test > 10.0.0.1:53 10.0.0.2:5353", "c.test > [fd00::1]:53"};
  CHECK(texts(good({}, {{"DNSMASQ_STUB", text}}).stub_zones) == expected);
  CHECK(texts(good({"--stubzones", text}).stub_zones) == expected);
}

TEST_CASE("behind a comma, what is no address starts the next zone, of several domains too") {
  CHECK(texts(good({"-z", "a/10.0.0.1,b,c/10.0.0.2,d/10.0.0.3,10.0.0.4"}).stub_zones) ==
        Arguments{"a > 10.0.0.1:53", "b c > 10.0.0.2:53", "d > 10.0.0.3:53 10.0.0.4:53"});
}

TEST_CASE("stub zones add up, and flags replace the variable") {
  const Variables variables = {{"DNSMASQ_STUB", "v.test/10.0.0.9"}};
  CHECK(texts(good({"-z", "a/10.0.0.1", "-z", "b/10.0.0.2;c/10.0.0.3"}, variables).stub_zones) ==
        Arguments{"a > 10.0.0.1:53", "b > 10.0.0.2:53", "c > 10.0.0.3:53"});
  CHECK(setting("stubzones", {"-z", "a/::1", "-z", "b/::2"}).value == "a/::1 b/::2");
  CHECK(setting("stubzones", {}, variables).value == "v.test/10.0.0.9");
  CHECK(good({}, {{"DNSMASQ_STUB", " \n"}}).stub_zones.empty());
}

TEST_CASE("the domain of a stub zone may have a dot at either end") {
  CHECK(texts(good({"-z", ".A.Test./10.0.0.1,1.0.10.in-addr.arpa/10.0.0.2"}).stub_zones) ==
        Arguments{"a.test > 10.0.0.1:53", "1.0.10.in-addr.arpa > 10.0.0.2:53"});
}

TEST_CASE("a stub zone for a dot stands for every name") {
  CHECK(texts(good({"-z", "./10.0.0.1 a.test/10.0.0.2"}).stub_zones) ==
        Arguments{". > 10.0.0.1:53", "a.test > 10.0.0.2:53"});
}

TEST_CASE("a stub zone needs a domain, a slash and a nameserver") {
  const std::string text = GENERATE(as<std::string>{}, "a.test", "a,b", " ; ", "a;b/::1",
                                    "a/10.0.0.1 b", "a/10.0.0.1,b", "a /10.0.0.1");
  CAPTURE(text);
  CHECK_THAT(bad({"--stubzones=" + text}),
             Catch::Matchers::StartsWith("--stubzones: '" + text + "'") &&
                 Catch::Matchers::EndsWith(" is not a stub zone: write domains, a slash and "
                                           "nameservers, for example corp.example/10.0.0.53"));
}

TEST_CASE("the domain of a stub zone must be one") {
  const std::string domain =
      GENERATE(as<std::string>{}, "", "..", "a..b", "..a", "*.a", "a\x7f", "10.0.0.1", "10.0.0.1.",
               "fd00::1", "[fd00::1]:53", "a.test:53", "5");
  CAPTURE(domain);
  CHECK_THAT(bad({}, {{"DNSMASQ_STUB", domain + "/10.0.0.1"}}),
             Catch::Matchers::EndsWith(
                 "is not a domain, for example corp.example (names below it are included)"));
}

TEST_CASE("a mistyped address does not pass for the domain of the next stub zone") {
  const std::string address = GENERATE(as<std::string>{}, "10.0.0.300", "10.0.0", "10.0.0.1.");
  CAPTURE(address);
  CHECK_THAT(
      bad({"--stubzones=a.test/10.0.0.1," + address + ",b.test/10.0.0.3"}),
      Catch::Matchers::EndsWith("': '" + address +
                                "' is not another nameserver or the domain of another stub zone"));
}

TEST_CASE("the servers of a stub zone are written like nameservers") {
  CHECK(texts(good({"-z", "a.test/ns.test,ns2.test:53,tcp://NS3.test,10.0.0.1"}).stub_zones) ==
        Arguments{"a.test > ns.test:53 ns2.test:53 tcp://ns3.test:53 10.0.0.1:53"});
  CHECK(texts(good({"-z", "a.test/tcp://10.0.0.1,b.test/udp://[fd00::1]:54"}).stub_zones) ==
        Arguments{"b.test > [fd00::1]:54", "a.test > tcp://10.0.0.1:53"});
  CHECK(texts(good({"-z", "a.test/ns.test,b.test/ns.test"}).stub_zones) ==
        Arguments{"a.test b.test > ns.test:53"});
  CHECK_THAT(bad({"-z", "a.test/10.0.0.1,ftp://10.0.0.2"}),
             Catch::Matchers::ContainsSubstring("is no way to a server"));
  const std::string server = GENERATE(
      as<std::string>{}, "", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1/b.test", "10.0.0.1,[::1]:0",
      "10.0.0.1,10.0.0.1:dns", "10.0.0.1,[fd00::1", "10.0.0.1,fd00::g", "10.0.0.1,10.0.0.2:99999",
      "10.0.0.1,", "10.0.0.1,,10.0.0.2", ",10.0.0.1", " 10.0.0.1");
  CAPTURE(server);
  CHECK_THAT(bad({"--stubzones=a.test/" + server}),
             Catch::Matchers::StartsWith("--stubzones: 'a.test/" + server + "'"));
}

TEST_CASE("no domain has two stub zones") {
  CHECK(bad({"--stubzones=a.test/10.0.0.1,A.test./10.0.0.2"}) ==
        "--stubzones: 'a.test' is given twice: name all its servers at once, for example "
        "corp.example/10.0.0.53,10.0.0.54");
  CHECK_FALSE(bad({"-z", "a/10.0.0.1", "-z", "a/10.0.0.2"}).empty());
  CHECK_FALSE(bad({"-z", "a,.a/10.0.0.1"}).empty());
  CHECK_FALSE(bad({"-z", "./10.0.0.1;./10.0.0.2"}).empty());
  CHECK(bad({"-z", "a.test/10.0.0.1;b.a.test/10.0.0.1"}).empty());
}

TEST_CASE("stub zones without number are taken, and hostile ones refused in one line") {
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "z" + std::to_string(i) + ".test/10.0.0.1 ";
  const auto zones = good({}, {{"DNSMASQ_STUB", many}}).stub_zones;
  REQUIRE(zones.size() == 1);  // those of the same servers are kept together
  CHECK(zones.begin()->second.size() == 20'000);
  for (const char c : {',', ';', '/', '.', 'a', ' ', '\n', '[', '\xff'}) {
    const std::string error = bad({"-z", "a.test/10.0.0.1," + std::string(100'000, c)});
    CAPTURE(c, error);
    CHECK(error.size() < 1000);
    CHECK((is_one_printable_line(error)));
  }
}

}  // namespace
}  // namespace dnslet::config

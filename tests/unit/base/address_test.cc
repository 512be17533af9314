// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/address.h"

#include <bit>
#include <string>

#include "catch.h"

namespace dnslet {
namespace {

// What the text says, written back; "refused" if it says nothing.
std::string address(std::string_view text) {
  const auto parsed = IpAddress::from_text(text);
  return parsed ? parsed->to_text() : "refused";
}

std::string endpoint(std::string_view text) {
  const auto parsed = Endpoint::from_text(text, 53);
  return parsed ? parsed->to_text() : "refused";
}

std::string network(std::string_view text) {
  const auto parsed = Network::from_text(text);
  return parsed ? parsed->to_text() : "refused";
}

bool contains(std::string_view network_text, std::string_view address_text) {
  return Network::from_text(network_text)
      .value()
      .contains(IpAddress::from_text(address_text).value());
}

TEST_CASE("an address reads what it writes") {
  for (const char* text : {"0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "::1", "fd00::5",
                           "2001:db8:1:2:3:4:5:6", "::ffff:10.0.0.1"}) {
    CAPTURE(text);
    CHECK(address(text) == text);
  }
  CHECK(address("FD00:0:0::5") == "fd00::5");
}

TEST_CASE("what is not exactly an address is refused") {
  for (const char* text : {"", " ", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4 ",
                           " 1.2.3.4", "01.2.3.4", "0x1.2.3.4", "16909060", "1.2.3.4:53", "[::1]",
                           "::1%lo", ":::", "1::2::3", "12345::", "fd00::g", "1:2:3:4:5:6:7:8:9"}) {
    CAPTURE(text);
    CHECK(address(text) == "refused");
  }
  CHECK(address(std::string_view("1.2.3.4\0", 8)) == "refused");
  CHECK(address(std::string(10'000, '1')) == "refused");
}

TEST_CASE("an address knows its bytes, its loopback and its wildcard") {
  const IpAddress v4 = IpAddress::v4(10, 1, 2, 3);
  REQUIRE(v4.data().size() == 4);
  CHECK(v4.data()[0] == 10);
  CHECK(v4.data()[3] == 3);
  CHECK(IpAddress::loopback(Family::V6).data().size() == 16);

  CHECK(IpAddress::loopback(Family::V4).to_text() == "127.0.0.1");
  CHECK(IpAddress::loopback(Family::V6).to_text() == "::1");
  CHECK(IpAddress::v4(127, 9, 9, 9).is_loopback());
  CHECK_FALSE(v4.is_loopback());
  CHECK_FALSE(IpAddress::from_text("::2")->is_loopback());

  CHECK(IpAddress::from_text("0.0.0.0")->is_wildcard());
  CHECK(IpAddress::from_text("::")->is_wildcard());
  CHECK_FALSE(v4.is_wildcard());
}

TEST_CASE("the wildcards of the two families are different addresses") {
  CHECK(IpAddress::from_text("0.0.0.0") != IpAddress::from_text("::"));
}

TEST_CASE("an endpoint takes the default port where it has none") {
  CHECK(endpoint("1.2.3.4") == "1.2.3.4:53");
  CHECK(endpoint("1.2.3.4:5353") == "1.2.3.4:5353");
  CHECK(endpoint("1.2.3.4:0") == "1.2.3.4:0");
  CHECK(endpoint("1.2.3.4:65535") == "1.2.3.4:65535");
  CHECK(endpoint("::1") == "[::1]:53");
  CHECK(endpoint("[::1]") == "[::1]:53");
  CHECK(endpoint("[::1]:5353") == "[::1]:5353");
}

TEST_CASE("an endpoint keeps the zone index of an IPv6 address") {
  CHECK(endpoint("fe80::1%eth0") == "[fe80::1%eth0]:53");
  CHECK(endpoint("[fe80::1%eth0]:5353") == "[fe80::1%eth0]:5353");
  CHECK(Endpoint::from_text("fe80::1%eth0", 53)->scope == "eth0");
  CHECK(endpoint("fe80::1%") == "refused");
  CHECK(endpoint("fe80::1%eth 0") == "refused");
  CHECK(endpoint("fe80::1%eth0:5353") == "refused");
  CHECK(endpoint("[fe80::1%a/b]") == "refused");
  CHECK(endpoint("fe80::1%eth0]x") == "refused");
  CHECK(endpoint("fe80::1%[eth0") == "refused");
  CHECK(endpoint("fe80::1%a-name-that-is-too-long") == "refused");
  CHECK(endpoint("10.0.0.1%eth0") == "refused");
}

TEST_CASE("an IPv4 network in an IPv6 one is that IPv4 network") {
  for (const char* text : {"::ffff:127.0.0.0/104", "::ffff:127.0.0.1"}) {
    INFO(text);
    CHECK(Network::from_text(text)->contains(*IpAddress::from_text("127.0.0.1")));
    CHECK(Network::from_text(text)->contains(*IpAddress::from_text("::ffff:127.0.0.1")));
    CHECK_FALSE(Network::from_text(text)->contains(*IpAddress::from_text("128.0.0.1")));
  }
  CHECK(Network::from_text("::/0")->contains(*IpAddress::from_text("::1")));
  CHECK(Network::from_text("::ffff:0:0/95")->contains(*IpAddress::from_text("::fffe:0:1")));
}

TEST_CASE("what is not exactly an endpoint is refused") {
  for (const char* text : {"",
                           ":",
                           ":53",
                           "dns.example",
                           "dns.example:53",
                           "1.2.3.4:",
                           "1.2.3.4:65536",
                           "1.2.3.4:-1",
                           "1.2.3.4:+1",
                           "1.2.3.4: 53",
                           "1.2.3.4:5a",
                           "1.2.3.4:99999999999",
                           "[::1",
                           "::1]",
                           "[::1]53",
                           "[::1]:",
                           "[]",
                           "[]:53",
                           "[1.2.3.4]:53",
                           "[[::1]]:53",
                           "[::1]:53:53"}) {
    CAPTURE(text);
    CHECK(endpoint(text) == "refused");
  }
}

TEST_CASE("a network is an address with a prefix, or all bits of it") {
  CHECK(network("10.0.0.0/8") == "10.0.0.0/8");
  CHECK(network("10.0.0.5") == "10.0.0.5/32");
  CHECK(network("fd00::/8") == "fd00::/8");
  CHECK(network("fd00::5") == "fd00::5/128");
  CHECK(network("0.0.0.0/0") == "0.0.0.0/0");
}

TEST_CASE("what is not exactly a network is refused") {
  for (const char* text :
       {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10/8",
        "fd00::/129", "10.0.0.0/255.0.0.0", "example/8", "10.0.0.0 /8"}) {
    CAPTURE(text);
    CHECK(network(text) == "refused");
  }
}

TEST_CASE("a network contains what shares its prefix, at every bit") {
  CHECK(contains("10.0.0.0/8", "10.255.0.1"));
  CHECK_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  CHECK(contains("10.0.0.128/25", "10.0.0.200"));
  CHECK_FALSE(contains("10.0.0.128/25", "10.0.0.127"));
  CHECK(contains("10.0.0.5", "10.0.0.5"));
  CHECK_FALSE(contains("10.0.0.5", "10.0.0.4"));
  CHECK(contains("0.0.0.0/0", "255.255.255.255"));
  CHECK(contains("fd00::/9", "fd7f::1"));
  CHECK_FALSE(contains("fd00::/9", "fd80::1"));
  CHECK(contains("fd00::5/128", "fd00::5"));
  CHECK(contains("::/0", "fd00::5"));
}

TEST_CASE("the network of an address has no bits behind its prefix, and covers what is inside") {
  const IpAddress v4 = *IpAddress::from_text("255.255.255.255");
  const IpAddress v6 = *IpAddress::from_text("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  for (const IpAddress& address : {v4, v6}) {
    const auto width = static_cast<uint8_t>(address.size() * 8);
    for (uint8_t prefix = 0; prefix <= width; ++prefix) {
      const Network network = Network::of(address, prefix);
      unsigned bits = 0;
      for (const uint8_t byte : network.address.bytes)
        bits += static_cast<unsigned>(std::popcount(byte));
      CHECK(bits == prefix);
      CHECK(network.contains(address));
      for (uint8_t other = 0; other <= width; ++other)
        CHECK(network.covers(Network::of(address, other)) == (other >= prefix));
    }
  }
  CHECK(Network::of(v4, 9).to_text() == "255.128.0.0/9");
  CHECK_FALSE(Network::of(v4, 0).covers(Network::of(v6, 0)));
  CHECK_FALSE(Network::of(v4, 8).covers(Network::from_text("10.0.0.0/8").value()));
}

TEST_CASE("bits behind the prefix do not count") { CHECK(contains("10.1.2.3/8", "10.9.9.9")); }

TEST_CASE("private networks end where the Internet begins, at both ends of each") {
  const auto is_private = [](const char* text) {
    const auto address = *IpAddress::from_text(text);
    const auto networks = private_networks();
    return std::any_of(networks.begin(), networks.end(),
                       [&](const Network& network) { return network.contains(address); });
  };
  for (const char* text : {"127.0.0.1", "127.255.255.255", "::1", "10.0.0.0", "10.255.255.255",
                           "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255",
                           "100.64.0.0", "100.127.255.255", "169.254.0.0", "169.254.255.255",
                           "fe80::", "febf::1", "fc00::", "fdff::1", "::ffff:10.0.0.1"}) {
    CAPTURE(text);
    CHECK(is_private(text));
  }
  for (const char* text : {"126.255.255.255",
                           "128.0.0.0",
                           "::",
                           "::2",
                           "9.255.255.255",
                           "11.0.0.0",
                           "172.15.255.255",
                           "172.32.0.0",
                           "192.167.255.255",
                           "192.169.0.0",
                           "100.63.255.255",
                           "100.128.0.0",
                           "169.253.255.255",
                           "169.255.0.0",
                           "fe7f::1",
                           "fec0::",
                           "fbff::1",
                           "fe00::",
                           "2001:db8::1",
                           "::ffff:192.0.2.1",
                           "192.0.2.1"}) {
    CAPTURE(text);
    CHECK_FALSE(is_private(text));
  }
}

TEST_CASE("a network of one family contains no address of the other") {
  CHECK_FALSE(contains("0.0.0.0/0", "::1"));
  CHECK_FALSE(contains("::/0", "10.0.0.1"));
}

TEST_CASE("a mapped address counts as the IPv4 address that it carries") {
  CHECK(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
  CHECK_FALSE(contains("10.0.0.0/8", "::ffff:11.1.2.3"));
  CHECK_FALSE(contains("::/0", "::ffff:10.1.2.3"));
}

}  // namespace
}  // namespace dnslet

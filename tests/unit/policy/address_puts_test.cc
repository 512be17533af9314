// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/address_puts.h"

#include <string>

#include "catch.h"
#include "dns/packet_text.h"

using namespace dnslet;
using namespace dnslet::policy;
using namespace dnslet::test;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<const AddressSet> set_of(const char* name) {
  return std::make_shared<const AddressSet>(
      AddressSet{.family = "inet", .table = "t", .name = name});
}

std::string puts_of(const std::string& question, const std::string& answer) {
  const Packet packet = message_of(question, answer);
  std::string text;
  for (const AddressPut& put : addresses_for({set_of("a"), set_of("b")}, packet.bytes()))
    text += (text.empty() ? "" : " ") + put.set->name + "=" + put.address.to_text() + "/" +
            std::to_string(put.lifetime.count());
  return text;
}

}  // namespace

TEST_CASE("all addresses of the answer section go into each set, for their records' time") {
  CHECK(puts_of("a.test A", "NOERROR | 60 A 192.0.2.1 | 90 A 192.0.2.2") ==
        "a=192.0.2.1/60 b=192.0.2.1/60 a=192.0.2.2/90 b=192.0.2.2/90");
  CHECK(puts_of("a.test AAAA", "NOERROR | 30 CNAME b.test | 60 AAAA fd00::1") ==
        "a=fd00::1/60 b=fd00::1/60");
  CHECK(puts_of("a.test A", "NXDOMAIN").empty());
}

TEST_CASE("an address stays for 10 s at least") {
  CHECK(puts_of("a.test A", "NOERROR | 0 A 192.0.2.1 | 11 A 192.0.2.2") ==
        "a=192.0.2.1/10 b=192.0.2.1/10 a=192.0.2.2/11 b=192.0.2.2/11");
}

TEST_CASE("what has been put for no less need not be put again within a second") {
  RecentPuts recent(1);
  AddressPut put{set_of("a"), IpAddress::v4(192, 0, 2, 1), 60s};
  CHECK_FALSE(recent.has(put, 0s));
  recent.note(put, 0s);
  CHECK(recent.has(put, 999ms));
  CHECK_FALSE(recent.has(put, 1s));  // nobody knows whether the set is the same

  AddressPut longer = put;
  longer.lifetime = 61s;
  CHECK_FALSE(recent.has(longer, 0s));
  AddressPut elsewhere = put;
  elsewhere.set = set_of("b");
  CHECK_FALSE(recent.has(elsewhere, 0s));
  AddressPut other = put;
  other.address = IpAddress::v4(192, 0, 2, 2);
  CHECK_FALSE(recent.has(other, 0s));
  AddressPut same = put;
  same.set = set_of("a");  // as another rule names it
  CHECK(recent.has(same, 0s));
}

TEST_CASE("an address that is put again keeps the longer one of two times") {
  RecentPuts recent(1);
  AddressPut put{set_of("a"), IpAddress::v4(192, 0, 2, 1), 3600s};
  recent.note(put, 0s);
  put.lifetime = 60s;
  CHECK_FALSE(recent.has(put, 2500ms));
  CHECK(put.lifetime == 3598s);
  put.lifetime = 60s;
  CHECK_FALSE(recent.has(put, 3590s));
  CHECK(put.lifetime == 60s);
}

TEST_CASE("of too many addresses those that were put longest ago are forgotten") {
  RecentPuts recent(1);
  const auto put_of = [set = set_of("a")](uint32_t number) {
    return AddressPut{
        set,
        IpAddress::v4(10, static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 8),
                      static_cast<uint8_t>(number)),
        60s};
  };
  for (uint32_t i = 0; i <= RecentPuts::kMostAddresses; ++i) recent.note(put_of(i), 0s);
  AddressPut first = put_of(0), second = put_of(1);
  CHECK_FALSE(recent.has(first, 0s));
  CHECK(recent.has(second, 0s));
}

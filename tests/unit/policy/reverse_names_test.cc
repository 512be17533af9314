// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/reverse_names.h"

#include <string>

#include "catch.h"

namespace dnslet::policy {
namespace {

using namespace std::chrono_literals;
using Key = ReverseNames::Key;

Key key(const char* address, uint32_t servers = 0) {
  return {*IpAddress::from_text(address), {.servers = servers}};
}

void note(ReverseNames& names, const Key& key, const std::string& name,
          std::chrono::seconds lifetime, std::chrono::milliseconds now) {
  names.note(key, *dns::Name::from_text(name), lifetime, now);
}

std::string found(ReverseNames& names, const Key& key, std::chrono::milliseconds now) {
  const auto name = names.find(key, now);
  return name ? name->view().to_text() : "none";
}

TEST_CASE("an address has the last name for as long as its answer lives, a minute at least") {
  ReverseNames names(1);
  CHECK(found(names, key("192.0.2.1"), 0s) == "none");
  note(names, key("192.0.2.1"), "a.test", 5s, 0s);
  note(names, key("192.0.2.2"), "b.test", 300s, 0s);
  CHECK(found(names, key("192.0.2.1"), 59'999ms) == "a.test");
  CHECK(found(names, key("192.0.2.1"), 60s) == "none");
  CHECK(found(names, key("192.0.2.2"), 299s) == "b.test");
  CHECK(found(names, key("192.0.2.2"), 300s) == "none");
  note(names, key("192.0.2.1"), "c.test", 5s, 100s);
  CHECK(found(names, key("192.0.2.1"), 101s) == "c.test");
}

TEST_CASE("an answer of the cache does not shorten the time, another name begins its own") {
  ReverseNames names(1);
  note(names, key("fd00::1"), "a.test", 300s, 0s);
  note(names, key("fd00::1"), "a.test", 100s, 10s);
  CHECK(found(names, key("fd00::1"), 299s) == "a.test");
  note(names, key("fd00::1"), "b.test", 1s, 20s);
  CHECK(found(names, key("fd00::1"), 79s) == "b.test");
  CHECK(found(names, key("fd00::1"), 80s) == "none");
}

TEST_CASE("each route has names of its own") {
  ReverseNames names(1);
  note(names, key("192.0.2.1", 1), "a.test", 60s, 0s);
  CHECK(found(names, key("192.0.2.1"), 0s) == "none");
  note(names, key("192.0.2.1"), "b.test", 60s, 0s);
  CHECK(found(names, key("192.0.2.1", 1), 0s) == "a.test");
  CHECK(found(names, key("192.0.2.1"), 0s) == "b.test");
}

TEST_CASE("of more addresses than there is room for the one used longest ago goes") {
  ReverseNames names(1);
  const auto numbered = [](uint32_t i) {
    return Key{IpAddress::v4(10, static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 8),
                             static_cast<uint8_t>(i)),
               {}};
  };
  for (uint32_t i = 0; i < ReverseNames::kMostAddresses; ++i)
    note(names, numbered(i), "a.test", 60s, 0s);
  CHECK(found(names, numbered(0), 1s) == "a.test");
  note(names, key("192.0.2.1"), "b.test", 60s, 0s);
  CHECK(found(names, numbered(0), 1s) == "a.test");
  CHECK(found(names, numbered(1), 1s) == "none");
  CHECK(found(names, numbered(2), 1s) == "a.test");
}

}  // namespace
}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/special.h"

#include "catch.h"

namespace dnslet::policy {
namespace {

Special kind(std::string_view text) { return special_kind(*dns::Name::from_text(text)); }

// "" for none.
std::string identity(std::string_view name, dns::Type type = dns::Type::TXT,
                     dns::Class qclass = dns::Class::CH) {
  return std::string(
      chaos_text({*dns::Name::from_text(name), type, qclass}, "dnslet 1").value_or(""));
}

TEST_CASE("localhost and what is below it is this host") {
  CHECK(kind("localhost") == Special::Localhost);
  CHECK(kind("LOCALHOST.") == Special::Localhost);
  CHECK(kind("a.b.localhost") == Special::Localhost);
}

TEST_CASE("invalid, onion and what is below them does not exist") {
  CHECK(kind("invalid") == Special::NoSuchDomain);
  CHECK(kind("a.Invalid") == Special::NoSuchDomain);
  CHECK(kind("onion") == Special::NoSuchDomain);
  CHECK(kind("a.b.onion") == Special::NoSuchDomain);
}

TEST_CASE("a special label elsewhere is an ordinary one") {
  for (const char* text : {".", "test", "localhost.test", "invalid.test", "onion.test", "notonion",
                           "localhost4", "local", "xinvalid", "db.local", "a\\.localhost"})
    CHECK(kind(text) == Special::None);
}

TEST_CASE("the reverse names of the loopback addresses are this host") {
  CHECK(kind("1.0.0.127.in-addr.arpa") == Special::LoopbackName);
  std::string zeros;
  for (int i = 0; i < 31; ++i) zeros += "0.";
  CHECK(kind("1." + zeros + "ip6.arpa") == Special::LoopbackName);
}

TEST_CASE("other reverse names are nothing special") {
  for (const char* text : {"arpa", "in-addr.arpa", "127.in-addr.arpa", "2.0.0.127.in-addr.arpa",
                           "1.0.0.10.in-addr.arpa", "x.1.0.0.127.in-addr.arpa"})
    CHECK(kind(text) == Special::None);
}

TEST_CASE("the server tells its version and keeps its host's name to itself") {
  CHECK(identity("version.bind") == "dnslet 1");
  CHECK(identity("VERSION.Server") == "dnslet 1");
  CHECK(identity("hostname.bind") == "localhost");
  CHECK(identity("id.server") == "localhost");
}

TEST_CASE("no other question of class CHAOS has an answer") {
  CHECK(identity("authors.bind").empty());
  CHECK(identity("bind").empty());
  CHECK(identity("a.version.bind").empty());
  CHECK(identity("version.bind", dns::Type::A).empty());
  CHECK(identity("version.bind", dns::Type::ANY).empty());
  CHECK(identity("version.bind", dns::Type::TXT, dns::Class::IN).empty());
}

}  // namespace
}  // namespace dnslet::policy

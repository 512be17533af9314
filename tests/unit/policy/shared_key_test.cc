// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/shared_key.h"

#include <string>

#include "catch.h"

namespace dnslet::policy {
namespace {

std::string shared_key(const UpstreamQuestion& question, uint64_t mark = 0) {
  dns::Bytes key;
  append_shared_key(question, mark, key);
  return {key.begin(), key.end()};
}

UpstreamQuestion question_of(std::string_view name, dns::Type type = dns::Type::A) {
  UpstreamQuestion question;
  question.question.name = *dns::Name::from_text(name);
  question.question.type = type;
  return question;
}

}  // namespace

TEST_CASE("a key of the shared cache can be read, and tells apart what the cache does") {
  CHECK(shared_key(question_of("WWW.test")) == "dnslet:1:www.test:1:1::0");
  CHECK(shared_key(question_of(".", dns::Type::NS)) == "dnslet:1:.:2:1::0");
  UpstreamQuestion question = question_of("www.test", dns::Type::AAAA);
  question.flags.dnssec_ok = question.flags.checking_disabled = true;
  question.route.reach = Reach::Subnet;
  CHECK(shared_key(question, 255) == "dnslet:1:www.test:28:1:dcs:ff");
}

TEST_CASE("servers of a set have the same mark everywhere, in one order only") {
  const auto a = dnslet::ServerAddress::at({IpAddress::v4(10, 0, 0, 1), 53, {}});
  const auto b = dnslet::ServerAddress::at({IpAddress::v4(10, 0, 0, 2), 53, {}});
  CHECK(mark_of({a, b}) == mark_of({a, b}));
  CHECK(mark_of({a, b}) != mark_of({b, a}));
  CHECK(mark_of({a}) != mark_of({a, b}));
  CHECK(mark_of({a}) != 0);
}

}  // namespace dnslet::policy

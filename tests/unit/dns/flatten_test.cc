// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/flatten.h"

#include <set>

#include "lookup_script.h"

namespace dnslet::dns {
namespace {

using test::addresses_text;
using test::Script;

// The upstream's answer over UDP without EDNS.
void expect(const std::string& upstream, const std::string& reply, const char* type = "A") {
  Script dns;
  dns.ask(std::string("db.test ") + type);
  dns.upstream(upstream);
  dns.expect_reply("upstream " + reply);
}

// `count` addresses of another name.
std::string addresses_of(const std::string& owner, int count, const std::string& ttl = "60") {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += " | " + owner + " " + ttl + " A 10.0.0." + std::to_string(i);
  return text;
}

constexpr const char* kLabel = "label-of-some-letters.";
std::string far(char letter) { return std::string(1, letter) + "." + kLabel + kLabel + "test"; }
std::string chain() {
  return " | 90 CNAME " + far('a') + " | " + far('a') + " 40 CNAME " + far('b') + " | " + far('b') +
         " 90 CNAME " + far('c');
}

TEST_CASE("addresses that don't fit behind their aliases are told of the name asked") {
  expect(
      "NOERROR" + chain() + addresses_of(far('c'), 20), "NOERROR" + [] {
        std::string text;
        for (int i = 0; i < 20; ++i) text += " | 40 A 10.0.0." + std::to_string(i);
        return text;
      }());
}

TEST_CASE("as many addresses stay as fit, and TC tells of the others") {
  expect(
      "NOERROR" + chain() + addresses_of(far('c'), 40), "NOERROR tc" + [] {
        std::string text;
        for (int i = 0; i < 30; ++i) text += " | 40 A 10.0.0." + std::to_string(i);
        return text;
      }());
}

TEST_CASE("AAAA records are flattened too") {
  std::string many;
  std::string kept;
  for (int i = 1; i <= 16; ++i) {
    many += " | " + far('c') + " 60 AAAA fd00::" + std::to_string(i);
    kept += " | 40 AAAA fd00::" + std::to_string(i);
  }
  expect("NOERROR" + chain() + many, "NOERROR" + kept, "AAAA");
}

TEST_CASE("a chain stays where it fits once authority and additional are gone") {
  const std::string short_chain = " | 90 CNAME a.test";
  expect("NOERROR" + short_chain + addresses_of("a.test", 19) + " / 60 NS ns." + far('n') +
             " + ns." + far('n') + " 60 A 10.0.0.99 + x." + far('x') + " 60 A 10.0.0.98 + y." +
             far('y') + " 60 A 10.0.0.97",
         "NOERROR" + short_chain + addresses_of("a.test", 19));
}

TEST_CASE("without aliases nothing is to be flattened") {
  expect("NOERROR" + addresses_text(40), "NOERROR tc" + addresses_text(30));
}

TEST_CASE("other records of an answer go with the chain") {
  expect(
      "NOERROR" + chain() + addresses_of(far('c'), 10) + " | other.test 60 A 10.9.9.9 | " +
          far('c') + " 60 TXT text",
      "NOERROR" + [] {
        std::string text;
        for (int i = 0; i < 10; ++i) text += " | 40 A 10.0.0." + std::to_string(i);
        return text;
      }());
}

TEST_CASE("who knows EDNS, asks over TCP or has it switched off gets the chain") {
  const std::string whole = "NOERROR" + chain() + addresses_of(far('c'), 10);
  Script dns;
  dns.ask("db.test A edns");
  dns.upstream(whole);
  dns.expect_reply("upstream " + whole);
  dns.ask("db.test A tcp");
  dns.expect_reply("cache " + whole);
  dns.settings.flattens = false;
  dns.ask("db.test A");
  CHECK(dns.reply_text().starts_with("cache NOERROR tc" + chain()));
}

TEST_CASE("flattened addresses rotate, and what is flattened is no validated answer") {
  Script dns;
  dns.settings.rotation = policy::Rotation::On;
  dns.ask("db.test A ad");
  dns.upstream("NOERROR ad" + chain() + addresses_of(far('c'), 3) + " | " + far('d') +
               " 60 TXT text | " + far('e') + " 60 TXT text");
  std::set<std::string> firsts;
  for (int i = 0; i < 3; ++i) {
    dns.ask("db.test A ad");
    firsts.insert(dns.reply_text().substr(0, 40));
  }
  CHECK(firsts.size() == 3);
  CHECK(firsts.begin()->starts_with("cache NOERROR | 40 A 10.0.0."));
}

TEST_CASE("a chain that leads to no address is cut like any answer") {
  std::string texts;
  for (int i = 0; i < 9; ++i) texts += " | " + far('c') + " 60 TXT text";
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR" + chain() + texts);
  CHECK(dns.reply_text().starts_with("upstream NOERROR tc" + chain()));
}

}  // namespace
}  // namespace dnslet::dns

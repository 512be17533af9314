// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/block_lists.h"

#include <initializer_list>
#include <random>
#include <set>
#include <string>

#include "catch.h"

namespace dnslet::policy {
namespace {

dns::Name name(const std::string& text) {
  const auto parsed = dns::Name::from_text(text);
  REQUIRE(parsed);
  return *parsed;
}

void fill(ListedNames& names, const std::vector<std::string>& lines) {
  ListLine line;
  for (const std::string& text : lines) {
    line.parse(text);
    for (const ListEntry& entry : line.entries) names.add(entry);
  }
  names.finish();
}

bool takes(const std::vector<std::string>& lines, const std::string& text) {
  ListedNames names(1);
  fill(names, lines);
  return names.has(name(text));
}

TEST_CASE("a list takes what any of its lines takes") {
  const std::vector<std::string> lines = {"ads.test", "0.0.0.0 host.test", "keyword:track",
                                          "||cdn.*^"};
  for (const char* text : {"ads.test", "x.ads.test", "host.test", "mytracker.org", "cdn.org"})
    CHECK(takes(lines, text));
  for (const char* text : {"x.host.test", "test", "www.org", "."}) CHECK_FALSE(takes(lines, text));
}

TEST_CASE("an exception spares names of its list, also what a pattern takes") {
  CHECK_FALSE(takes({"||ads.test^", "@@||ok.ads.test^"}, "x.ok.ads.test"));
  CHECK(takes({"||ads.test^", "@@|ok.ads.test^"}, "x.ok.ads.test"));
  CHECK_FALSE(takes({"keyword:ads", "@@||ads.test^"}, "ads.test"));
  CHECK_FALSE(takes({"||ads.test^", "@@ok*"}, "ok1.ads.test"));
  CHECK_FALSE(takes({"@@||ads.test^"}, "ads.test"));
}

TEST_CASE("what is important beats exceptions, and is beaten by important ones") {
  CHECK(takes({"||ads.test^$important", "@@||ads.test^"}, "ads.test"));
  CHECK_FALSE(takes({"||ads.test^$important", "@@||ads.test^$important"}, "ads.test"));
  CHECK_FALSE(takes({"||ads.test^", "@@||ads.test^$important"}, "ads.test"));
}

TEST_CASE("what is allowed is not blocked, whatever is important") {
  BlockLists lists(1);
  fill(lists.blocked, {"||ads.test^$important", "other.test"});
  fill(lists.allowed, {"ok.ads.test", "@@||no.ok.ads.test^"});
  CHECK(lists.block(name("ads.test")));
  CHECK_FALSE(lists.block(name("ok.ads.test")));
  CHECK(lists.block(name("no.ok.ads.test")));
  CHECK(lists.block(name("other.test")));
  CHECK_FALSE(lists.block(name("test")));
}

TEST_CASE("a plain line is added as a whole or not at all") {
  ListedNames names(1);
  CHECK(names.add_plain("Ads.test\r"));
  CHECK_FALSE(names.add_plain("full:other.test"));
  names.finish();
  CHECK(names.size() == 1);
  CHECK(names.has(name("x.ads.test")));
  CHECK_FALSE(names.has(name("test")));
}

TEST_CASE("networks take no name") { CHECK_FALSE(takes({"10.0.0.0/8"}, "ads.test")); }

TEST_CASE("expressions take the names that they fit, whatever their case") {
  const std::vector<std::string> lines = {R"(regexp:^AD[0-9]+\.)", R"(regexp:\.track(er)?\.)",
                                          "keyword:banner"};
  for (const char* text :
       {"ad1.test", "AD22.x.test", "x.tracker.test", "x.track.test", "banner.org"})
    CHECK(takes(lines, text));
  for (const char* text : {"x.ad1.test", "ad.test", "track.test", "xtracker.test", "."})
    CHECK_FALSE(takes(lines, text));
}

TEST_CASE("exceptions spare names that an expression takes") {
  CHECK_FALSE(takes({"regexp:^ads", "@@||ok.test^"}, "ads.ok.test"));
  CHECK(takes({"regexp:^ads", "@@||ok.test^"}, "ads.test"));
  CHECK_FALSE(takes({"regexp:(^ads", "regexp:a{100}{100}"}, "ads.test"));
}

TEST_CASE("lists by number have names and networks of their own, by the same hashes") {
  BlockLists lists(1, 2);
  ListLine line;
  for (const char* text : {"ads.test", "@@||ok.ads.test^", "10.0.0.0/8", "fd00::/8"}) {
    line.parse(text);
    for (const ListEntry& entry : line.entries) lists.named[0].add(entry);
  }
  line.parse("full:other.test");
  lists.named[1].add(line.entries.front());
  lists.finish();
  CHECK_FALSE(lists.block(name("ads.test")));

  const auto takes_name = [&](std::size_t number, const dns::Name& asked) {
    return lists.named[number].names.has(lists.hashes_of(asked), asked);
  };
  CHECK(takes_name(0, name("x.ads.test")));
  CHECK_FALSE(takes_name(0, name("ok.ads.test")));
  CHECK_FALSE(takes_name(0, name("other.test")));
  CHECK(takes_name(1, name("other.test")));
  CHECK_FALSE(takes_name(1, name("x.other.test")));
  CHECK_FALSE(takes_name(1, name(".")));
  CHECK(lists.named[0].networks.contains(IpAddress::v4(10, 1, 1, 1)));
  CHECK_FALSE(lists.named[1].networks.contains(IpAddress::v4(10, 1, 1, 1)));
}

// A model that keeps the names themselves.
struct Model {
  std::set<std::string> alone;
  std::set<std::string> trees;
  std::set<std::string> below;

  bool has(const std::string& text) const {
    if (alone.contains(text) || trees.contains(text)) return true;
    for (std::size_t dot = text.find('.'); dot != std::string::npos; dot = text.find('.', dot + 1))
      if (trees.contains(text.substr(dot + 1)) || below.contains(text.substr(dot + 1))) return true;
    return false;
  }
};

TEST_CASE("100,000 random names are taken as a naive model says") {
  std::mt19937 random(7);
  const auto random_name = [&random] {
    std::string text;
    for (std::size_t labels = 2 + random() % 3; labels > 0; --labels)
      text +=
          (text.empty() ? "" : ".") + std::string(1 + random() % 2, "abcdefghijkl"[random() % 12]);
    return text;
  };
  Model model;
  std::vector<std::string> lines;
  for (int i = 0; i < 400; ++i) {
    const std::string text = random_name();
    const auto kind = random() % 3;
    (kind == 0 ? model.alone : kind == 1 ? model.trees : model.below).insert(text);
    lines.push_back((kind == 0   ? "full:"
                     : kind == 1 ? "domain:"
                                 : "||*.") +
                    text + (kind == 2 ? "^" : ""));
  }
  ListedNames names(random());
  fill(names, lines);
  std::size_t taken = 0;
  std::size_t wrong = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::string text = random_name();
    taken += model.has(text) ? 1U : 0U;
    wrong += names.has(name(text)) == model.has(text) ? 0U : 1U;
  }
  CHECK(wrong == 0);
  CHECK(taken > 10'000);
  CHECK(taken < 90'000);
}

TEST_CASE("a list of exceptions alone takes nothing") {
  ListedNames names(1);
  fill(names, {"@@||ok.test^", "@@||x.test^$important"});
  CHECK(names.takes_nothing());
  CHECK_FALSE(names.empty());
  ListedNames others(1);
  fill(others, {"||ok.test^$important"});
  CHECK_FALSE(others.takes_nothing());
}

}  // namespace
}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/name_patterns.h"

#include <random>
#include <string>
#include <vector>

#include "catch.h"

namespace dnslet::policy {
namespace {

using Start = NamePattern::Start;
using End = NamePattern::End;

// By the definition, one letter after the other.
bool fits_slowly(std::string_view text, std::string_view name, End end) {
  if (text.empty()) return end == End::Anywhere || name.empty();
  if (text.front() == '*')
    return fits_slowly(text.substr(1), name, end) ||
           (!name.empty() && fits_slowly(text, name.substr(1), end));
  return !name.empty() && text.front() == name.front() &&
         fits_slowly(text.substr(1), name.substr(1), end);
}

bool fits_slowly(const NamePattern& pattern, std::string_view name) {
  for (std::size_t at = 0; at <= name.size(); ++at) {
    const bool is_start = at == 0 || pattern.start == Start::Anywhere ||
                          (pattern.start == Start::Label && name[at - 1] == '.');
    if (is_start && fits_slowly(pattern.text, name.substr(at), pattern.end)) return true;
  }
  return false;
}

std::string random_text(std::mt19937& random, std::string_view letters, std::size_t longest) {
  std::string text;
  for (std::size_t size = 1 + random() % longest; size > 0; --size)
    text += letters[random() % letters.size()];
  return text;
}

TEST_CASE("a word is found anywhere in a name") {
  const NamePattern word{"track"};
  for (const char* name : {"track", "a.track.test", "mytracker.test", "x.test.track"})
    CHECK(word.fits(name));
  for (const char* name : {"trac", "tra.ck", "test", ""}) CHECK_FALSE(word.fits(name));
}

TEST_CASE("a pattern begins where its start says") {
  const NamePattern label{"t.a.", Start::Label};
  CHECK(label.fits("t.a.test"));
  CHECK(label.fits("x.t.a.test"));
  CHECK_FALSE(label.fits("xt.a.test"));
  const NamePattern name{"ads", Start::Name};
  CHECK(name.fits("ads1.test"));
  CHECK_FALSE(name.fits("x.ads1.test"));
}

TEST_CASE("a pattern ends where its end says, at the last place that would do") {
  const NamePattern metric{"-ds.metric.a.test", Start::Anywhere, End::Name};
  CHECK(metric.fits("x-ds.metric.a.test"));
  CHECK_FALSE(metric.fits("x-ds.metric.a.test.org"));
  const NamePattern twice{"a*b.test", Start::Label, End::Name};
  CHECK(twice.fits("a1.b.test.b.test"));
  CHECK_FALSE(twice.fits("a1.b.test.c.test"));
  const NamePattern one{"a.a", Start::Label, End::Name};
  CHECK(one.fits("a.a.a"));
}

TEST_CASE("a star stands for any letters, or none") {
  const NamePattern pattern{"cdn.us*.a.test", Start::Label, End::Name};
  for (const char* name : {"cdn.us.a.test", "cdn.us-east.x.a.test", "y.cdn.us1.a.test"})
    CHECK(pattern.fits(name));
  for (const char* name : {"cdn.eu.a.test", "cdn.us.b.test", "xcdn.us1.a.test"})
    CHECK_FALSE(pattern.fits(name));
  const NamePattern top{"ads.*", Start::Label, End::Name};
  CHECK(top.fits("ads.test"));
  CHECK_FALSE(top.fits("ads"));
}

TEST_CASE("patterns fit as the definition says, alone and among many") {
  std::mt19937 random(1);
  std::size_t fitting = 0;
  for (int turn = 0; turn < 300; ++turn) {
    std::vector<NamePattern> patterns;
    NamePatterns set;
    for (std::size_t i = random() % 8; i < 8; ++i) {
      NamePattern pattern{random_text(random, "aab.*", 8), static_cast<Start>(random() % 3),
                          static_cast<End>(random() % 2)};
      if (!pattern.says_something()) continue;
      patterns.push_back(pattern);
      set.add(pattern);
    }
    set.finish();
    for (int i = 0; i < 50; ++i) {
      const std::string name = random_text(random, "abc.", 12);
      bool expected = false;
      for (const NamePattern& pattern : patterns) {
        INFO(pattern.text << " in " << name);
        CHECK(pattern.fits(name) == fits_slowly(pattern, name));
        expected = expected || fits_slowly(pattern, name);
      }
      CHECK(set.has(name) == expected);
      fitting += expected ? 1U : 0U;
    }
  }
  CHECK(fitting > 1000);
}

TEST_CASE("expressions among many fit as each of them does") {
  std::mt19937 random(3);
  std::size_t fitting = 0;
  for (int turn = 0; turn < 300; ++turn) {
    NamePatterns set;
    std::vector<std::shared_ptr<const NameExpression>> expressions;
    for (std::size_t i = random() % 6; i < 6; ++i) {
      const std::string literal = random_text(random, "aab.", 6);
      const std::string other = random_text(random, "abb", 6);
      const char* const between[] = {"", "[ab]", ".*", "|", "(c|b)+", "\\*"};
      auto expression = NameExpression::compile(literal + between[random() % 6] + other);
      REQUIRE(expression);
      expressions.push_back(std::make_shared<const NameExpression>(std::move(*expression)));
      set.add(expressions.back());
      if (random() % 2 == 0) set.add(NamePattern{"ccc" + other});
    }
    set.finish();
    for (int i = 0; i < 50; ++i) {
      const std::string name = random_text(random, "aabbbc.*", 14);
      bool expected = false;
      for (const auto& expression : expressions) expected = expected || expression->fits(name);
      if (name.find("ccc") != std::string::npos) continue;
      CHECK(set.has(name) == expected);
      fitting += expected ? 1U : 0U;
    }
  }
  CHECK(fitting > 1000);
}

TEST_CASE("an expression given twice counts once, whatever its literals") {
  NamePatterns set;
  for (const char* text : {"doubleclick|adservice", "^a", "doubleclick|adservice", "^a", "x"}) {
    auto expression = NameExpression::compile(text);
    REQUIRE(expression);
    set.add(std::make_shared<const NameExpression>(std::move(*expression)));
  }
  set.add(NamePattern{"track"});
  set.finish();
  CHECK(set.size() == 4);
  CHECK(set.has("www.adservice.test"));
  CHECK(set.has("track.test"));
  CHECK_FALSE(set.has("www.test"));
}

TEST_CASE("no pattern at all fits no name") {
  NamePatterns set;
  CHECK_FALSE(set.has("a.test"));
  set.finish();
  CHECK_FALSE(set.has("a.test"));
}

TEST_CASE("a pattern of dots and stars says nothing") {
  for (const char* text : {"", "*", ".", "*.*", "**"})
    CHECK_FALSE(NamePattern{text}.says_something());
  CHECK(NamePattern{"a"}.says_something());
  CHECK(NamePattern{"*.-"}.says_something());
}

TEST_CASE("a name's text has its labels and dots, as long as names may be") {
  CHECK(NameText(*dns::Name::from_text("WWW.Test")).view() == "www.test");
  CHECK(NameText(dns::Name()).view().empty());
  std::string longest = "a";
  for (int i = 1; i < 127; ++i) longest += ".a";
  CHECK(NameText(*dns::Name::from_text(longest)).view() == longest);
}

TEST_CASE("patterns that several lists have are kept once") {
  NamePatterns patterns;
  for (int i = 0; i < 3; ++i) patterns.add({"track"});
  patterns.add({"track", Start::Label});
  patterns.finish();
  CHECK(patterns.size() == 2);
  CHECK(patterns.has("mytrack.test"));
}

}  // namespace
}  // namespace dnslet::policy

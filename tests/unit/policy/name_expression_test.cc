// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/name_expression.h"

#include <array>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "policy/expression_parser.h"

namespace dnslet::policy {
namespace {

NameExpression compiled(const std::string& text) {
  auto expression = NameExpression::compile(text);
  INFO(text << ": " << (expression ? "" : expression.error().text));
  REQUIRE(expression);
  return std::move(*expression);
}

struct Case {
  const char* text;
  std::vector<const char*> fitting;
  std::vector<const char*> others;
};

TEST_CASE("an expression fits the names that its dialect says") {
  const std::vector<Case> cases = {
      {R"(^ad[0-9]+\.)", {"ad1.test", "ad12.x.test"}, {"ad.test", "x.ad1.test", "ad1"}},
      {R"((^|\.)track(er|ing)?[0-9]*\.)",
       {"track.test", "x.tracker2.test", "tracking.test"},
       {"xtrack.test", "trackers.test", "x-track1.test"}},
      {"ads", {"ads", "x.ads.test", "leads.test"}, {"ad.s", ""}},
      {"ADS[A-Z]", {"adsx"}, {"ads1"}},
      {R"(\.com$)", {"a.com"}, {"com", "a.com.test", "acom"}},
      {"^$", {""}, {"a"}},
      {".", {"a", "."}, {""}},
      {R"(^\d+\.\D+$)", {"12.test"}, {"1a.test", "12.t3st"}},
      {R"(^\w+$)", {"a_1", "x"}, {"a-1", "a.b", ""}},
      {R"(\W)", {"a.b", "a-b", "a b"}, {"a_b", "a1"}},
      {R"(\s)", {"a b", "a\tb"}, {"ab"}},
      {R"(^\S+$)", {"a.b"}, {"a b"}},
      {R"(\bads\b)", {"ads", "ads.test", "x-ads.test", "x.ads"}, {"xads", "ads_x", "ads1.test"}},
      {R"(\Bads)", {"xads", "leads.test"}, {"ads", "x.ads"}},
      {R"(^[\w.-]+$)", {"a-b.c_d"}, {"a b", "a!"}},
      {R"(^[\d\-]+$)", {"1-2"}, {"a", "1.2"}},
      {R"(^[^\d.]+$)", {"abc-"}, {"a1", "a.b"}},
      {"^[[:alpha:]_]+$", {"ab_"}, {"a1"}},
      {"^[^[:alnum:]]+$", {".-_"}, {".a"}},
      {R"(^[]^[-]+$)", {"[]^-"}, {"\\", "a"}},
      {R"(^[\]\\]+$)", {"]\\"}, {"[", "a"}},
      {R"(^[a^]+$)", {"a^"}, {"b"}},
      {R"(^[^-^]+$)", {"ab"}, {"a-", "a^"}},
      {R"(^\^\$\(\)\[\]\{\}\*\+\?\|\\\.$)", {R"(^$()[]{}*+?|\.)"}, {"a"}},
      {"^]}$", {"]}"}, {"]"}},
      {"^a{2}b{1,2}c{0,1}d{2,}$", {"aabdd", "aabbcddd"}, {"abdd", "aabbbdd", "aabd"}},
      {"^(ab){2,3}$", {"abab", "ababab"}, {"ab", "abababab"}},
      {"^((a{2}){2}b?){2}$", {"aaaaaaaa", "aaaabaaaab"}, {"aaaaaaa"}},
      {"^(?:a|bc)+$", {"a", "abc", "bcbca"}, {"", "b"}},
      {"^(|a)b()$", {"b", "ab"}, {"aab"}},
      {"^a|b$", {"ax", "xb"}, {"xa", "bx"}},
      {"(^|-)?a", {"xa", "a", "x-a"}, {"x-b"}},
      {"^x(^|-)*a", {"xa", "x-a", "x--a"}, {"x.a"}},
      {"(^|-){0,2}ads", {"xads", "ads"}, {"ad"}},
      {"^a([^b.]|^){2,}b$", {"a-ab", "acccb"}, {"aab", "ab"}},
      {R"(^(((.{2,3})+|\.)){2,3}$)", {"..", "ab.", "abab"}, {"ab", "b", "abc"}},
      {"(^a|^)b", {"b", "ab"}, {"xb", "xab"}},
      {"(^|)b", {"xb"}, {"x"}},
      {"a^b|c$d", {}, {"ab", "cd", "a^b"}},
  };
  for (const Case& one : cases) {
    const NameExpression expression = compiled(one.text);
    INFO(one.text);
    for (const char* name : one.fitting)
      CHECK((expression.fits(name) ? "" : name) == std::string());
    for (const char* name : one.others) CHECK((expression.fits(name) ? name : "") == std::string());
  }
}

TEST_CASE("what the dialect has not is refused, with the place and what would be right") {
  const std::vector<std::array<std::string, 3>> cases = {
      {R"(^(ads)\1)", R"(at letter 7, '\1')", "back reference"},
      {"^(?=ads)", "at letter 2, '(?=ads)'", "looking around"},
      {"(?<!x)ads", "at letter 1", "looking around"},
      {"(?i)ads", "at letter 1, '(?i)ads'", "case never matters"},
      {"(?P<x>ads)", "at letter 1", "without a name"},
      {"a.*?b", "at letter 4, '?b'", "one repeat"},
      {"a++", "at letter 3", "one repeat"},
      {"a**", "at letter 3", "one repeat"},
      {"*ads", "at letter 1, '*ads'", "write \\*"},
      {"(+a)", "at letter 2", "write \\+"},
      {"a|{2}", "at letter 3", "write \\{"},
      {"^*a", "at letter 2", "no letter in front"},
      {R"(\b+a)", "at letter 3", "no letter in front"},
      {"(^|\\b)*a", "", "one expression"},
      {"(^)?a", "at letter 4", "no letter in front"},
      {"()*", "at letter 3", "no letter in front"},
      {"ads(a{100}){100}", "at letter 12, '{100}'", "repeat less"},
      {"a{x}", "at letter 2, '{x}'", "a count is"},
      {"a{,3}", "at letter 2", "a count is"},
      {"a{3,2}", "at letter 2", "a count is"},
      {"a{0}", "at letter 2", "not of nothing"},
      {"a{256}", "at letter 2", "up to 255"},
      {"a{2", "at letter 2", "a count is"},
      {"a{1+2}", "at letter 2", "a count is"},
      {R"(\x2e)", "at letter 1", R"(\d \w \s \b)"},
      {R"(\Qads)", "at letter 1", R"(\d \w \s \b)"},
      {R"(\<ads)", "", ""},  // < is a mark: fits "<ads"
      {R"(\p{L})", "at letter 1", R"(\d \w \s \b)"},
      {"ads\\", "at letter 4", R"(\d \w \s \b)"},
      {"(ads", "at letter 1, '(ads'", "write )"},
      {"ads)", "at letter 4, ')'", "write \\)"},
      {"[ads", "at letter 1", "write ]"},
      {"[]", "at letter 1", "write ]"},
      {"[z-a]", "at letter 2", "turn it round"},
      {"[a-]", "", ""},
      {"[a-z-9]", "at letter 5, '-9]'", "a - stands"},
      {R"([\d-z])", "at letter 4", "a - stands"},
      {R"([a-\d])", "at letter 2", "no such range"},
      {R"([\D])", "at letter 2", "d, w, s"},
      {R"([\b])", "at letter 2", "d, w, s"},
      {"[[:letter:]]", "at letter 2, '[:letter:]]'", "[:alpha:]"},
      {"[[=a=]]", "at letter 2", "[:alpha:]"},
      {"[[.a.]]", "at letter 2", "[:alpha:]"},
      {R"([^\x])", "at letter 3", "d, w, s"},
      {R"([\w\W])", "at letter 4", "d, w, s"},
      {R"([^\w -~])", "", ""},
      {"b\xc3\xbc"
       "cher",
       "at letter 2", "xn--"},
      {"[\xc3\xbc]", "at letter 2", "xn--"},
      {std::string("a\0b", 3), "at letter 2", "ASCII"},
      {"", "", "must not be empty"},
      {"(^|$)", "at letter 4, '$)'", "one expression for each"},
      {R"(\b|^)", "at letter 4", "one expression for each"},
  };
  for (const auto& [text, place, right] : cases) {
    INFO(text);
    const auto expression = NameExpression::compile(text);
    if (place.empty() && right.empty()) {
      CHECK(expression);
      continue;
    }
    REQUIRE_FALSE(expression);
    INFO(expression.error().text);
    CHECK(expression.error().text.find(place) != std::string::npos);
    CHECK(expression.error().text.find(right) != std::string::npos);
  }
}

TEST_CASE("an expression that would become too large is refused, its neighbour is not") {
  const std::string long_text(ParsedExpression::kMaxText, 'a');
  CHECK_FALSE(NameExpression::compile(long_text + "a"));
  CHECK_FALSE(NameExpression::compile(long_text));
  CHECK(NameExpression::compile(long_text.substr(0, ParsedExpression::kMaxPlaces)));
  CHECK_FALSE(NameExpression::compile("a{100}{100}"));
  CHECK_FALSE(NameExpression::compile("(a{100}){100}"));
  CHECK_FALSE(NameExpression::compile("((((a{255}){255}){255}){255}){255}"));
  CHECK_FALSE(NameExpression::compile("(((a?){200}){2,}){3}"));
  CHECK_FALSE(NameExpression::compile("(a?){0,255}"));
  std::string doubled = "a";
  for (int i = 0; i < 19; ++i) doubled = "(" + doubled + "b{2,}){2,}";
  CHECK_FALSE(NameExpression::compile(doubled));
  CHECK(NameExpression::compile("(a{20}){40}"));
  CHECK(NameExpression::compile("([a-z0-9-]{1,63}\\.){2}z$"));
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "a" + std::string(depth, ')');
  };
  CHECK(NameExpression::compile(nested(ParsedExpression::kMaxDepth)));
  CHECK_FALSE(NameExpression::compile(nested(ParsedExpression::kMaxDepth + 1)));
  std::string words = "a";
  for (char c = 'b'; c <= 'z'; ++c) words += std::string("|") + c;
  CHECK(NameExpression::compile("(" + words + ")*"));
  CHECK_FALSE(NameExpression::compile("((" + words + "){5})*"));
}

TEST_CASE("what is as large as may be still works") {
  const auto name = [](std::size_t size) { return std::string(size, 'a'); };
  CHECK(compiled("^a{250}$").fits(name(250)));
  CHECK_FALSE(compiled("^a{250}$").fits(name(251)));
  CHECK(compiled("^(a{20}){12}$").fits(name(240)));
  const NameExpression several = compiled("^(a{1,63}\\.){3}z$");
  CHECK(several.fits(name(63) + "." + name(1) + "." + name(63) + ".z"));
  CHECK_FALSE(several.fits(name(64) + "." + name(1) + "." + name(63) + ".z"));
  CHECK_FALSE(compiled(".").fits(name(256)));  // no name is so long
}

TEST_CASE("any byte of a name is a letter like others") {
  for (int code = 0; code < 256; ++code) {
    const auto byte = static_cast<char>(code);
    if (byte >= 'A' && byte <= 'Z') continue;  // names are folded
    const std::string name = std::string("a") + byte + "b";
    INFO(code);
    CHECK(compiled("^a.b$").fits(name));
    CHECK(compiled("^a[^x]b$").fits(name) == (byte != 'x'));
    const bool is_word =
        (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';
    CHECK(compiled(R"(^a\wb$)").fits(name) == is_word);
    CHECK(compiled(R"(^a\Wb$)").fits(name) == !is_word);
    CHECK(compiled(R"(^a\b)").fits(name) == !is_word);
    CHECK(compiled(R"(^a\B)").fits(name) == is_word);
    CHECK_FALSE(compiled("^a$").fits(name));
    CHECK(compiled("[[:cntrl:]]").fits(name) == (code < 0x20 || code == 0x7f));
    CHECK(compiled("^a[[:print:]]b$").fits(name) == (code >= 0x20 && code < 0x7f));
  }
}

TEST_CASE("an expression can be moved") {
  NameExpression expression = compiled("ads");
  const NameExpression other = std::move(expression);
  CHECK(other.fits("ads.test"));
  CHECK(other.text() == "ads");
}

TEST_CASE("what every fitting name holds is known where it can be") {
  using Literals = std::vector<std::string>;
  CHECK(compiled("^ads\\.").literals() == Literals{"ads."});
  CHECK(compiled("(^|\\.)TRACK(er|ing)?[0-9]*\\.").literals() == Literals{"track"});
  CHECK(compiled("x(doubleclick|adservice)\\.").literals() == Literals{"doubleclick", "adservice"});
  CHECK(compiled("(ads){2}x").literals() == Literals{"ads"});
  CHECK(compiled("(ads|x)").literals().empty());
  CHECK(compiled(R"(\*\*\*\*)").literals().empty());
  CHECK(compiled("(ads)?x").literals().empty());
  CHECK(compiled("(|ads)x").literals().empty());
  CHECK(compiled("[a]d[s]").literals() == Literals{"ads"});
  CHECK(compiled("^ad[0-9]+\\.").literals().empty());
  CHECK(compiled("(abc|(abcd|abcde)[0-9]|(abc)+)").literals() ==
        Literals{"abc", "abcd", "abcde", "abc"});
}

// Expressions as trees, and what they fit by trying all ways: it shares nothing with the parser.
struct Node;
using Nodes = std::vector<std::shared_ptr<const Node>>;
using Goes = std::function<bool(std::size_t at)>;

struct Node {
  enum class Kind { Letter, Any, NoneOf, Place, Sequence, Choice, Repeat };

  Kind kind = Kind::Letter;
  std::string letters;  // of Letter, NoneOf, Place
  Nodes parts;
  std::size_t least = 0;
  std::size_t most = 0;  // of Repeat; 99: any

  std::string text() const;
  bool fits(std::string_view name, std::size_t at, const Goes& on) const;
  bool repeats(std::string_view name, std::size_t at, std::size_t done, const Goes& on) const;
};

std::string joined(const Nodes& parts, const char* between) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : between) + part->text();
  return text;
}

std::string Node::text() const {
  switch (kind) {
    case Kind::Letter:
    case Kind::Place:
      return letters == "." ? "\\." : letters;
    case Kind::Any:
      return ".";
    case Kind::NoneOf:
      return "[^" + letters + "]";
    case Kind::Sequence:
      return joined(parts, "");
    case Kind::Choice:
      return "(" + parts[0]->text() + "|" + parts[1]->text() + ")";
    case Kind::Repeat:
      break;
  }
  const std::string again = "(" + parts[0]->text() + ")";
  if (most == 99 && least < 2) return again + (least == 0 ? "*" : "+");
  return again + "{" + std::to_string(least) + "," + (most == 99 ? "" : std::to_string(most)) + "}";
}

bool is_at_place(const std::string& place, std::string_view name, std::size_t at) {
  const auto is_word = [](char c) { return c != '.' && c != '-'; };
  const bool is_end = at == 0 || at == name.size();
  if (place == "^") return at == 0;
  if (place == "$") return at == name.size();
  const bool is_boundary = is_end || is_word(name[at - 1]) != is_word(name[at]);
  return is_boundary == (place == "\\b");
}

bool Node::fits(std::string_view name, std::size_t at, const Goes& on) const {
  switch (kind) {
    case Kind::Letter:
      return at < name.size() && name[at] == letters[0] && on(at + 1);
    case Kind::Any:
      return at < name.size() && on(at + 1);
    case Kind::NoneOf:
      return at < name.size() && letters.find(name[at]) == std::string::npos && on(at + 1);
    case Kind::Place:
      return is_at_place(letters, name, at) && on(at);
    case Kind::Choice:
      return parts[0]->fits(name, at, on) || parts[1]->fits(name, at, on);
    case Kind::Repeat:
      return repeats(name, at, 0, on);
    case Kind::Sequence:
      break;
  }
  const std::function<bool(std::size_t, std::size_t)> go = [&](std::size_t i, std::size_t from) {
    if (i == parts.size()) return on(from);
    return parts[i]->fits(name, from, [&, i](std::size_t to) { return go(i + 1, to); });
  };
  return go(0, at);
}

bool Node::repeats(std::string_view name, std::size_t at, std::size_t done, const Goes& on) const {
  if (done >= least && on(at)) return true;
  if (done >= most) return false;
  return parts[0]->fits(name, at, [&](std::size_t to) {
    return (to != at || done < least) && repeats(name, to, done + 1, on);
  });
}

class Random {
 public:
  std::size_t below(std::size_t end) { return engine_() % end; }

  Node node(int depth) {
    Node node;
    const std::size_t kind = below(depth > 0 ? 10 : 5);
    if (kind < 2) node = {Node::Kind::Letter, std::string(1, "aab."[below(4)]), {}};
    if (kind == 2) node = {Node::Kind::Any, "", {}};
    if (kind == 3) node = {Node::Kind::NoneOf, below(2) == 0 ? "a" : "b.", {}};
    if (kind == 4) node = {Node::Kind::Place, places_[below(4)], {}};
    if (kind == 5 || kind == 6) node = {Node::Kind::Choice, "", parts(2, depth)};
    if (kind == 7) node = {Node::Kind::Sequence, "", parts(below(4), depth)};
    if (kind > 7) {
      node = {Node::Kind::Repeat, "", parts(1, depth), below(3)};
      node.most = below(2) == 0 ? 99 : std::max<std::size_t>(1, node.least + below(3));
    }
    return node;
  }

  std::string name() {
    std::string text;
    for (std::size_t size = below(7); size > 0; --size) text += "aabb.-"[below(6)];
    return text;
  }

 private:
  Nodes parts(std::size_t count, int depth) {
    Nodes parts;
    while (parts.size() < count) parts.push_back(std::make_shared<const Node>(node(depth - 1)));
    return parts;
  }

  std::mt19937 engine_{5};
  std::array<const char*, 4> places_ = {"^", "$", "\\b", "\\B"};
};

TEST_CASE("random expressions fit random names as a search of all ways says") {
  Random random;
  std::size_t compiled_ones = 0;
  std::size_t fitting = 0;
  std::size_t wrong = 0;
  for (int turn = 0; turn < 30'000; ++turn) {
    const Node node = random.node(4);
    const auto expression = NameExpression::compile(node.text());
    if (!expression) continue;
    ++compiled_ones;
    for (int i = 0; i < 10; ++i) {
      const std::string name = random.name();
      bool expected = false;
      for (std::size_t at = 0; at <= name.size() && !expected; ++at)
        expected = node.fits(name, at, [](std::size_t) { return true; });
      fitting += expected ? 1U : 0U;
      if (expression->fits(name) == expected) continue;
      ++wrong;
      UNSCOPED_INFO(node.text() << " and " << name << ": " << expected);
    }
  }
  CHECK(wrong == 0);
  CHECK(compiled_ones > 20'000);
  CHECK(fitting > 50'000);
}

}  // namespace
}  // namespace dnslet::policy

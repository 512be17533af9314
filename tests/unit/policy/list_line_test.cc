// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/list_line.h"

#include <string>

#include "catch.h"

namespace dnslet::policy {
namespace {

const char* to_text(Covers covers) {
  switch (covers) {
    case Covers::Name:
      return "= ";
    case Covers::NameAndBelow:
      return "*= ";
    case Covers::Below:
      return "*. ";
  }
  return "?";
}

std::string to_text(const NamePattern& pattern) {
  const char* const start = pattern.start == NamePattern::Start::Anywhere ? "~ "
                            : pattern.start == NamePattern::Start::Label  ? "~ ||"
                                                                          : "~ |";
  return start + pattern.text + (pattern.end == NamePattern::End::Name ? "^" : "");
}

// "= a.test" the name alone, "*= a.test" with all below, "*. a.test" all below; "~ " a pattern,
// "/ " an expression, "net "; "! " in front: important, "- ": an exception.
std::string to_text(const ListEntry& entry) {
  const std::string front =
      std::string(entry.is_important ? "! " : "") + (entry.is_exception ? "- " : "");
  switch (entry.kind) {
    case ListEntry::Kind::Name:
      return front + to_text(entry.covers) + entry.name.view().to_text();
    case ListEntry::Kind::Pattern:
      return front + to_text(entry.pattern);
    case ListEntry::Kind::Expression:
      return front + "/ " + entry.expression->text();
    case ListEntry::Kind::Network:
      return front + "net " + entry.network.to_text();
  }
  return "?";
}

std::string read(const std::string& text) {
  static ListLine line;  // serves many lines, one after the other
  line.parse(text);
  std::string told;
  for (const ListEntry& entry : line.entries) told += (told.empty() ? "" : ", ") + to_text(entry);
  if (!line.included.empty()) told += "include " + line.included;
  for (const std::string& attribute : line.attributes) told += " @" + attribute;
  if (line.fault == ListLine::Fault::LeftOut) told += told.empty() ? "left out" : ", left out";
  if (line.fault == ListLine::Fault::Unreadable) told += told.empty() ? "bad" : ", bad";
  return told;
}

struct Case {
  const char* line;
  const char* told;
};

template <std::size_t count>
void check(const Case (&cases)[count]) {
  for (const auto& [line, told] : cases) {
    INFO(line);
    CHECK(read(line) == told);
  }
}

TEST_CASE("a domain or a wildcard takes the name and all below") {
  check({{"ads.test", "*= ads.test"},
         {".ads.test", "*= ads.test"},
         {"+.ads.test", "*= ads.test"},
         {"*.ads.test", "*= ads.test"},
         {"domain:ads.test", "*= ads.test"},
         {"||ads.test^", "*= ads.test"},
         {"||ads.test^|", "*= ads.test"},
         {"local=/ads.test/", "*= ads.test"},
         {"server=/ads.test/", "*= ads.test"},
         {"server=/ads.test/10.0.0.1#5353", "*= ads.test"},
         {"address=/ads.test/0.0.0.0", "*= ads.test"},
         {"address=/ads.test/#", "*= ads.test"},
         {"address=/a.test/b.test/", "*= a.test, *= b.test"},
         {"address=/a.test/.b.test/::", "*= a.test, *= b.test"},
         {"test", "*= test"},
         {"a_b-c.xn--p1ai", "*= a_b-c.xn--p1ai"}});
}

TEST_CASE("a line of a hosts file takes its names alone, but for those of this host") {
  check({{"0.0.0.0 ads.test", "= ads.test"},
         {"0.0.0.0 ads.test other.test", "= ads.test, = other.test"},
         {"127.0.0.1\tads.test", "= ads.test"},
         {"10.1.2.3 ads.test # why", "= ads.test"},
         {":: ads.test", "= ads.test"},
         {"::1 localhost ip6-localhost ip6-loopback", ""},
         {"127.0.0.1 localhost", ""},
         {"127.0.0.1 localhost.localdomain LocalHost.", ""},
         {"255.255.255.255 broadcasthost", ""},
         {"fe80::1%lo0 localhost", ""},
         {"0.0.0.0 0.0.0.0", ""},
         {"0.0.0.0 good.test b@d", "= good.test, bad"},
         {"0.0.0.0 *.ads.test", "*= ads.test"},
         {"0.0.0.0 *", "bad"},
         {"full:ads.test", "= ads.test"},
         {"|ads.test^", "= ads.test"},
         {"|ads.test^|", "= ads.test"}});
}

TEST_CASE("some wildcards take what is below a name, not the name") {
  check({{"||*.ads.test^", "*. ads.test"},
         {"local=/*.ads.test/", "*. ads.test"},
         {"server=/a.test/*.b.test/", "*= a.test, *. b.test"},
         {"@@||*.ok.test^", "- *. ok.test"}});
}

TEST_CASE("words, patterns and expressions are told from names") {
  check({{"keyword:track", "~ track"},
         {"keyword:Track-1.", "~ track-1."},
         {"regexp:^ad[0-9]+\\.", "/ ^ad[0-9]+\\."},
         {"regexp:^\\D+$", "/ ^\\D+$"},
         {"||ads.*^", "~ ||ads.*^"},
         {"||cdn.us*.a.test^", "~ ||cdn.us*.a.test^"},
         {"@@-ds.metric.a.test^|", "- ~ -ds.metric.a.test^"},
         {"||t.a.", "~ ||t.a."},
         {"||ads.test", "~ ||ads.test"},
         {"|ads", "~ |ads"},
         {"ads.test^", "~ ads.test^"},
         {"ads.test|", "~ ads.test^"},
         {"ads*.test", "~ ads*.test"},
         {"*.ads*.test", "~ *.ads*.test"},
         {"@@ok.test", "- ~ ok.test"},
         {"||.ads.test^", "~ ||.ads.test^"}});
}

TEST_CASE("exceptions and what beats them are told") {
  check({{"@@||ok.test^", "- *= ok.test"},
         {"@@|ok.test^|", "- = ok.test"},
         {"server=/ok.test/#", "- *= ok.test"},
         {"server=/a.test/b.test/#", "- *= a.test, - *= b.test"},
         {"||ads.test^$important", "! *= ads.test"},
         {"@@||ok.test^$important", "! - *= ok.test"},
         {"ads.test$important", "! ~ ads.test"}});
}

TEST_CASE("networks are read as such") {
  check({{"10.0.0.0/8", "net 10.0.0.0/8"},
         {"10.0.0.1", "net 10.0.0.1/32"},
         {"fd00::/8", "net fd00::/8"},
         {"fd00::1", "net fd00::1/128"},
         {"10.0.0.0/8 @cn", "net 10.0.0.0/8 @cn"},
         {"10.0.0.0/33", "bad"},
         {"300.1.2.3", "bad"}});
}

TEST_CASE("attributes and included files are told") {
  check({{"ads.test @cn @Ads", "*= ads.test @cn @ads"},
         {"full:ads.test @-cn", "= ads.test @-cn"},
         {"regexp:^a @ads", "/ ^a @ads"},
         {"include:other @ads @-cn", "include other @ads @-cn"},
         {"include:other # why", "include other"},
         {"include:", "bad"},
         {"ads.test cn", "bad"},
         {"ads.test @", "bad"}});
}

TEST_CASE("a line has the attributes that are wanted, and lacks those that are not") {
  ListLine line;
  line.parse("a.test @cn @ads");
  CHECK(line.has_attributes({}));
  CHECK(line.has_attributes({"cn"}));
  CHECK(line.has_attributes({"ads", "cn"}));
  CHECK(line.has_attributes({"ads", "-other"}));
  CHECK_FALSE(line.has_attributes({"-cn"}));
  CHECK_FALSE(line.has_attributes({"ads", "-cn"}));
  CHECK_FALSE(line.has_attributes({"other"}));
}

TEST_CASE("comments take nothing") {
  check({{"", ""},
         {"  \t", ""},
         {"# a.test", ""},
         {"#a.test", ""},
         {"! a.test", ""},
         {"// a.test", ""},
         {"[Adblock Plus 2.0]", ""},
         {"ads.test # a.test", "*= ads.test"},
         {"ads.test\t#a.test", "*= ads.test"},
         {"||ads.test^ # why", "*= ads.test"}});
}

TEST_CASE("what asks for more than a name is left out, and never cut down to one") {
  check({{"||ads.test/banner^", "left out"},
         {"||ads.test:8080^", "left out"},
         {"|https://ads.test^", "left out"},
         {"https://ads.test/", "left out"},
         {"ads.test/path", "left out"},
         {"ads.test:80", "left out"},
         {"/ads[0-9]+/", "left out"},
         {"/banner/*/ads", "left out"},
         {"ads.test##.banner", "left out"},
         {"ads.test#@#.banner", "left out"},
         {"ads.test#?#.x:has(.y)", "left out"},
         {"ads.test$$script", "left out"},
         {"||ads.test^$third-party", "left out"},
         {"||ads.test^$important,third-party", "left out"},
         {"||ads.test^$document", "left out"},
         {"||ads.test^$dnsrewrite=1.2.3.4", "left out"},
         {"@@||ok.test^$document", "left out"},
         {"||ads.test^$", "left out"},
         {"||ads.test^$csp=script-src 'none'", "left out"},
         {"||ads.test^path", "left out"},
         {"||10.0.0.1^", "left out"}});
}

TEST_CASE("what names nothing is unreadable") {
  check({{".", "bad"},
         {"*", "bad"},
         {"*.", "bad"},
         {"+.", "bad"},
         {"..", "bad"},
         {"a..test", "bad"},
         {"||^", "bad"},
         {"||*^", "bad"},
         {"||", "bad"},
         {"|", "bad"},
         {"^", "bad"},
         {"@@", "bad"},
         {"$important", "bad"},
         {"address=/#/0.0.0.0", "bad"},
         {"local=//", "bad"},
         {"local=/a.test", "bad"},
         {"server=/a.test//b.test/", "*= a.test, *= b.test, bad"},
         {"server=1.1.1.1", "bad"},
         {"domain:", "bad"},
         {"full:.", "bad"},
         {"keyword:", "bad"},
         {"keyword:.", "bad"},
         {"keyword:a*b", "bad"},
         {"regexp:", "bad"},
         {"regexp:(ads", "bad"},
         {R"(regexp:(a)\1)", "bad"},
         {"<html>", "bad"},
         {"two words", "bad"},
         {"a(b).test", "bad"},
         {"ads.test#x", "bad"},
         {"m\xc3\xbcnchen.test", "bad"},
         {"||m\xc3\xbcnchen.test^", "bad"},
         {"||m\xc3\xbc*^", "bad"}});
  CHECK(read(std::string("a\0b.test", 8)) == "bad");
  CHECK(read(std::string(64, 'a') + ".test") == "bad");
  CHECK(read(std::string(300, 'a')) == "bad");
}

TEST_CASE("case, a final dot, a byte order mark and line ends do not matter") {
  check({{"ADS.Test.", "*= ads.test"},
         {"\xef\xbb\xbf"
          "ads.test\r\n",
          "*= ads.test"},
         {"\xef\xbb\xbf# comment", ""},
         {"  ads.test  ", "*= ads.test"},
         {"||ADS.test.^\r", "*= ads.test"},
         {"DOMAIN:ads.test", "*= ads.test"},
         {"LOCAL=/ADS.test./", "*= ads.test"},
         {"0.0.0.0 ADS.test.", "= ads.test"},
         {"||ADS.*.^", "~ ||ads.*^"},
         {"||ads.test^$IMPORTANT", "! *= ads.test"}});
}

TEST_CASE("a pattern that only costs time is cut down or refused") {
  CHECK(read("||a" + std::string(60'000, '*') + "b^") == "~ ||a*b^");
  CHECK(read("||" + std::string(251, 'a') + "*.") == "~ ||" + std::string(251, 'a') + "*.");
  CHECK(read("||" + std::string(254, 'a') + "*") == "bad");
  CHECK(read("keyword:" + std::string(253, 'a')) == "~ " + std::string(253, 'a'));
  CHECK(read("keyword:" + std::string(254, 'a')) == "bad");
}

TEST_CASE("a line has sixteen attributes at most") {
  std::string line = "a.test";
  for (int i = 0; i < 16; ++i) line += " @a";
  CHECK(read(line).starts_with("*= a.test @a"));
  CHECK(read(line + " @a").ends_with("bad"));
}

TEST_CASE("the name of an included file holds no control characters") {
  CHECK(read("include:other") == "include other");
  CHECK(read("include:a\x1b[2J") == "bad");
  CHECK(read(std::string("include:a\0b", 11)) == "bad");
}

}  // namespace
}  // namespace dnslet::policy

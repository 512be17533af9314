// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/rule_text.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "config/rule_words.h"
#include "config/server_url.h"

using namespace dnslet;
using namespace dnslet::config;
using policy::Condition, policy::Rule, policy::RuleAction, policy::RuleOptions;
using About = Condition::About;
using Texts = std::vector<std::string>;

namespace {

const RuleNames& names() {
  static const RuleNames known = {
      .sets = {{"local", {*parse_server("10.0.0.1"), *parse_server("10.0.0.2")}},
               {"remote", {*parse_server("tcp://dns.test:5353")}}},
      .lists = {{"ads", 0}, {"cn", 3}},
      .listeners = {*Endpoint::from_text("127.0.0.1:5353", 53), *Endpoint::from_text("::1", 53)}};
  return known;
}

Rule good(const std::string& text) {
  const auto rule = parse_rule(text, names());
  INFO(text << ": " << (rule ? "" : rule.error().text));
  REQUIRE(rule);
  return *rule;
}

std::string bad(const std::string& text) {
  const auto rule = parse_rule(text, names());
  return rule ? "" : rule.error().text;
}

Condition condition(const std::string& word) {
  const Rule rule = good(word + " -> pass");
  REQUIRE(rule.conditions.size() == 1);
  return rule.conditions.front();
}

RuleAction action(const std::string& text) { return good("* -> " + text).action; }
RuleOptions options(const std::string& text) { return good("* -> pass " + text).options; }

// All values that a condition has, of whatever kind.
Texts values(const Condition& condition) {
  Texts all = condition.words;
  for (const dns::Name& name : condition.names) all.push_back(name.view().to_text());
  for (const policy::ListNumber list : condition.lists) all.push_back(std::to_string(list));
  for (const Network& network : condition.networks) all.push_back(network.to_text());
  if (condition.has_none) all.emplace_back("none");
  for (const dns::Type type : condition.types) all.push_back(dns::to_text(type));
  for (const Protocol protocol : condition.protocols)
    all.push_back(std::to_string(static_cast<int>(protocol)));
  for (const Endpoint& listener : condition.listeners) all.push_back(listener.to_text());
  for (const dns::Rcode rcode : condition.rcodes) all.push_back(dns::to_text(rcode));
  return all;
}

}  // namespace

TEST_CASE("rules: each key reads its values") {
  struct Row {
    std::string word;
    About about;
    Texts values;
  };
  const Row rows[] = {
      {"name:a.test", About::Name, {"a.test"}},
      {"NAME:A.Test.,b.test", About::Name, {"a.test", "b.test"}},
      {"zone:a.test,.b.test,.", About::Zone, {"a.test", "b.test", "."}},
      {"word:Track,ad-", About::Word, {"track", "ad-"}},
      {"word:\"a,b -> c ; d \\\" e\",f", About::Word, {"a,b -> c ; d \" e", "f"}},
      {"list:ads,cn", About::List, {"0", "3"}},
      {"ptr:10.0.0.0/8,fd00::1", About::Reverse, {"10.0.0.0/8", "fd00::1/128"}},
      {"type:a,HTTPS,TYPE65280", About::Type, {"A", "HTTPS", "TYPE65280"}},
      {"from:10.0.0.0/8,list:cn", About::Client, {"3", "10.0.0.0/8"}},
      {"via:udp,TCP,tls,https", About::Via, {"0", "1", "2", "3"}},
      {"at:127.0.0.1:5353,[::1]:53", About::Listener, {"127.0.0.1:5353", "[::1]:53"}},
      {"answer:10.0.0.0/8,list:ads,none", About::Address, {"0", "10.0.0.0/8", "none"}},
      {"rcode:NXDOMAIN,noerror,RCODE7", About::Rcode, {"NXDOMAIN", "NOERROR", "RCODE7"}},
      {"alias:ads.test,list:ads", About::Alias, {"ads.test", "0"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.word);
    for (const bool is_negated : {false, true}) {
      const Condition read = condition((is_negated ? "!" : "") + row.word);
      CHECK(read.about == row.about);
      CHECK(read.is_negated == is_negated);
      CHECK(values(read) == row.values);
    }
  }
}

TEST_CASE("rules: private is what --allow calls so, and in answers what is no address at all") {
  Texts expected;
  for (const Network& network : private_networks()) expected.push_back(network.to_text());
  for (const char* key : {"ptr:private", "from:Private"}) CHECK(values(condition(key)) == expected);
  expected.insert(expected.begin(), {"0.0.0.0/32", "::/128"});
  CHECK(values(condition("answer:private")) == expected);
}

TEST_CASE("rules: conditions stand in their order, and * is none") {
  const Rule rule = good("  zone:a.test !type:AAAA\tfrom:10.0.0.1->block ");
  REQUIRE(rule.conditions.size() == 3);
  CHECK(rule.conditions[0].about == About::Zone);
  CHECK(rule.conditions[1].is_negated);
  CHECK(rule.conditions[2].about == About::Client);
  CHECK(rule.text == "zone:a.test !type:AAAA\tfrom:10.0.0.1->block");
  CHECK(rule.origin.empty());
  CHECK(good("* -> drop").conditions.empty());
}

TEST_CASE("rules: ask takes sets and servers, each server once") {
  const auto servers = [](const std::string& text) {
    const RuleAction read = action(text);
    CHECK(read.kind == RuleAction::Kind::Ask);
    Texts all;
    for (const ServerAddress& server : read.servers) all.push_back(server.to_text());
    return all;
  };
  CHECK(servers("ask local") == Texts{"10.0.0.1:53", "10.0.0.2:53"});
  CHECK(servers("ASK remote,10.0.0.2,local") ==
        Texts{"tcp://dns.test:5353", "10.0.0.2:53", "10.0.0.1:53"});
  CHECK(servers("ask unbound:53,udp://quad,[fd00::1]:5353,fd00::2") ==
        Texts{"unbound:53", "quad:53", "[fd00::1]:5353", "[fd00::2]:53"});
}

TEST_CASE("rules: each action that answers says with what") {
  using dns::Rcode;
  struct Row {
    std::string text;
    Rcode rcode;
  };
  const Row rows[] = {{"block", Rcode::NxDomain},
                      {"refuse", Rcode::Refused},
                      {"empty", Rcode::NoError},
                      {"rcode SERVFAIL", Rcode::ServFail},
                      {"rcode nxdomain", Rcode::NxDomain},
                      {"rcode NOTAUTH", static_cast<Rcode>(9)},
                      {"rcode RCODE15", static_cast<Rcode>(15)}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(action(row.text).kind == RuleAction::Kind::Rcode);
    CHECK(action(row.text).rcode == row.rcode);
  }
  CHECK(action("drop").kind == RuleAction::Kind::Drop);
  CHECK(action("pass").kind == RuleAction::Kind::Pass);
  CHECK(action("with nocache").kind == RuleAction::Kind::With);

  const RuleAction addresses = action("answer 10.0.0.1,fd00::1");
  CHECK(addresses.kind == RuleAction::Kind::Answer);
  CHECK(addresses.addresses ==
        std::vector{*IpAddress::from_text("10.0.0.1"), *IpAddress::from_text("fd00::1")});
  CHECK_FALSE(addresses.text);
  CHECK(action("answer TXT \"v=spf1, \\\"all\\\" -> x\"").text == "v=spf1, \"all\" -> x");
  CHECK(action("answer txt hello").text == "hello");
  CHECK(action("answer TXT hello").addresses.empty());

  CHECK(action("alias WWW.Test.").kind == RuleAction::Kind::Alias);
  CHECK(action("alias WWW.Test.").target == *dns::Name::from_text("www.test"));
}

TEST_CASE("rules: each option reads its value") {
  using policy::TtlRange;
  CHECK(options("ttl:60").ttl == TtlRange{60, 60});
  CHECK(options("TTL:30-3600").ttl == TtlRange{30, 3600});
  CHECK(options("ttl:0-2147483647").ttl == TtlRange{0, 2147483647});
  CHECK(options("nocache").is_uncached);
  CHECK(options("only:ipv4").only == Family::V4);
  CHECK(options("only:IPv6").only == Family::V6);
  CHECK(options("limit:100").limit == 100);
  CHECK(options("wait:250").wait == std::chrono::milliseconds(250));
  CHECK(options("race:2").race == 2);
  using Kind = policy::SubnetChoice::Kind;
  CHECK(options("subnet:none").subnet->kind == Kind::None);
  CHECK(options("subnet:192.0.2.77").subnet->fixed.to_text() == "192.0.2.0/24");
  CHECK(options("subnet:2001:db8:1:2ff::1").subnet->fixed.to_text() == "2001:db8:1:200::/56");
  CHECK(options("subnet:192.0.2.77/31").subnet->fixed.to_text() == "192.0.2.76/31");
  CHECK(options("subnet:client").subnet->most_v4 == 24);
  const auto client = options("subnet:CLIENT/16/48").subnet;
  CHECK((client->kind == Kind::Client && client->most_v4 == 16 && client->most_v6 == 48));
  const RuleOptions none = options("");
  CHECK_FALSE((none.ttl || none.is_uncached || none.only || none.limit || none.wait || none.race));
  const RuleOptions all = options("race:3 wait:1 limit:7 only:ipv6 nocache ttl:1");
  CHECK((all.ttl && all.is_uncached && all.only && all.limit && all.wait && all.race));
  CHECK(good("* -> answer TXT a ttl:7").options.ttl == TtlRange{7, 7});
}

TEST_CASE("rules: what is wrong is named with its rule and what would be right") {
  CHECK(bad("zone:a..test -> block") ==
        "'zone:a..test' in rule 'zone:a..test -> block' is not a domain name, for example ads.test "
        "(zone: takes names below it too)");
  CHECK(bad("type:A -> ask locl") ==
        "'ask locl' in rule 'type:A -> ask locl': 'locl' is no set of --server "
        "(DNSMASQ_SERVER_SETS); there are: local, remote (a host needs a port here, for example "
        "dns.example:53)");
  CHECK(
      bad("* -> pass first:ipv4") ==
      "'first:ipv4' in rule '* -> pass first:ipv4' is no option of a rule; there are, for "
      "example: ttl:30-3600, nocache, only:ipv4, prefer:ipv4, limit:100, wait:300, race:2, ahead, "
      "subnet:client/24/56, swap:192.0.2.1, nft:inet/filter/allowed, ipset:allowed");
  CHECK(bad("* -> deny") ==
        "'deny' in rule '* -> deny' is no action; there are: ask, block, refuse, empty, drop, "
        "rcode, answer, fake, alias, pass, with");
  CHECK(bad("domain:a.test -> block") ==
        "'domain:a.test' in rule 'domain:a.test -> block' has an unknown key; there are: *, name:, "
        "zone:, word:, regex:, list:, ptr:, type:, from:, via:, at:, answer:, rcode:, alias:");
}

TEST_CASE("rules: bad ones") {
  struct Row {
    std::string text;
    std::string place;  // what the sentence begins with
    std::string why;
  };
  const Row rows[] = {
      // The whole.
      {"", "rule ''", "has no '->'"},
      {"block", "rule 'block'", "has no '->'"},
      {"-> block", "rule '-> block'", "has no condition"},
      {"* ->", "'->'", "needs an action"},
      {"* -> -> block", "'->'", "is no action"},
      {"* -> block -> drop", "'->'", "is no option"},
      {"word:\"a -> block", "rule", "without its end"},
      {"* zone:a.test -> block", "'*'", "leave it out"},
      {"!* -> block", "'!*'", "is no condition"},
      {"a.test -> block", "'a.test'", "is no condition"},
      {"!!zone:a.test -> block", "'!!zone:a.test'", "unknown key"},
      {"regex:(ad -> block", "'regex:(ad'", "is no expression"},
      {":a -> block", "':a'", "unknown key"},
      // Values.
      {"zone: -> block", "'zone:'", "has an empty value"},
      {"zone:a.test, b.test -> block", "'zone:a.test,'", "has an empty value"},
      {"zone:a.test,,b.test -> block", "'zone:a.test,,b.test'", "has an empty value"},
      {"word:\"\" -> block", "'word:\"\"'", "has an empty value"},
      {"word:a\"b\" -> block", "'word:a\"b\"'", "has a quote in a value"},
      {"word:\"a\"b -> block", "'word:\"a\"b'", "goes on behind a quote"},
      {"name:a.test,*.b.test -> block", "'name:*.b.test'", "is not a domain name"},
      {"zone:10.0.0.1 -> block", "'zone:10.0.0.1'", "is not a domain name"},
      {"zone:\"a b\" -> block", "'zone:a b'", "is not a domain name"},
      {"word:" + std::string(254, 'a') + " -> block", "'word:a", "is longer than any name"},
      {"list:other -> block", "'list:other'", "there are: ads, cn"},
      {"ptr:a.test -> block", "'ptr:a.test'", "is not a network"},
      {"ptr:list:ads -> block", "'ptr:list:ads'", "is not a network"},
      {"type:A,B -> block", "'type:B'", "is not a type"},
      {"from:10.0.0.0/33 -> block", "'from:10.0.0.0/33'", "is not a network"},
      {"from:list:x -> block", "'from:list:x'", "names no list"},
      {"via:h3 -> block", "'via:h3'", "is not udp"},
      {"at:127.0.0.1 -> block", "'at:127.0.0.1'", "there are: 127.0.0.1:5353, [::1]:53"},
      {"at:localhost:53 -> block", "'at:localhost:53'", "is not an address and a port"},
      {"answer:some -> pass", "'answer:some'", "is not a network"},
      {"answer:list:x -> pass", "'answer:list:x'", "names no list"},
      {"rcode:SERVFAIL -> pass", "'rcode:SERVFAIL'", "is a failure"},
      {"rcode:refused -> pass", "'rcode:refused'", "is a failure"},
      {"rcode:RCODE4 -> pass", "'rcode:RCODE4'", "is a failure"},
      {"rcode:FORMERR -> pass", "'rcode:FORMERR'", "is a failure"},
      {"rcode:RCODE16 -> pass", "'rcode:RCODE16'", "is not a code"},
      {"alias:a..b -> pass", "'alias:a..b'", "is not a domain name"},
      // Actions.
      {"answer:none -> block", "'answer:none'", "ask and pass only"},
      {"* -> ask", "'ask'", "needs servers"},
      {"* -> ask 10.0.0.1:0", "'ask 10.0.0.1:0'", "its port is from 1 to 65535"},
      {"* -> ask ftp://dns.test", "'ask ftp://dns.test'", "is no way to a server"},
      {"* -> ask local,", "'ask local,'", "has an empty value"},
      {"* -> block a.test", "'a.test'", "is no option"},
      {"* -> rcode", "'rcode'", "is not a code"},
      {"* -> rcode BAD", "'rcode BAD'", "is not a code"},
      {"* -> rcode BADVERS", "'rcode BADVERS'", "is not a code"},
      {"* -> answer", "'answer'", "needs addresses or a text"},
      {"* -> answer a.test", "'answer a.test'", "'a.test' is not an IP address"},
      {"* -> answer TXT", "'answer TXT'", "needs a text"},
      {"* -> answer TXT a,b", "'answer TXT a,b'", "needs double quotes"},
      {"* -> answer TXT " + std::string(256, 'a'), "'answer TXT a", "more than 255 bytes"},
      {"* -> alias", "'alias'", "is not the name of a target"},
      {"* -> alias .", "'alias .'", "is not the name of a target"},
      {"* -> alias a.test,b.test", "'alias a.test,b.test'", "is not the name of a target"},
      {"* -> with", "'with'", "needs an option"},
      {"* -> fake", "'fake'", "needs networks"},
      // Options.
      {"* -> pass ttl", "'ttl'", "is no option"},
      {"* -> pass nocache:1", "'nocache:1'", "is no option"},
      {"* -> pass ttl:x", "'ttl:x'", "is not a time to live"},
      {"* -> pass ttl:60-30", "'ttl:60-30'", "is not a time to live"},
      {"* -> pass ttl:-30", "'ttl:-30'", "is not a time to live"},
      {"* -> pass ttl:2147483648", "'ttl:2147483648'", "is not a time to live"},
      {"* -> pass only:v4", "'only:v4'", "is not only:ipv4"},
      {"* -> pass limit:0", "'limit:0'", "from 1 to 1000000"},
      {"* -> pass wait:0", "'wait:0'", "milliseconds from 1"},
      {"* -> pass race:0", "'race:0'", "servers from 1"},
      {"* -> pass race:2,3", "'race:2,3'", "has more than one value"},
      {"* -> pass ttl:", "'ttl:'", "has an empty value"},
      {"* -> pass ttl:1 ttl:2", "'ttl:2'", "is given twice"},
      {"* -> pass prefer:", "'prefer:'", "has an empty value"},
      {"* -> pass prefer:v4", "'prefer:v4'", "is not prefer:ipv4"},
      {"* -> pass ahead", "'ahead'", "needs answer:, rcode: or alias:"},
      {"answer:none -> pass ahead:1", "'ahead:1'", "is no option"},
      {"rcode:NXDOMAIN -> pass swap:10.0.0.1", "'swap'", "needs answer: or alias:"},
      {"answer:none -> pass swap:a.test", "'swap:a.test'", "is not an IP address"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const std::string sentence = bad(row.text);
    CHECK_THAT(sentence, Catch::Matchers::StartsWith(row.place));
    CHECK_THAT(sentence, Catch::Matchers::ContainsSubstring(row.why));
    CHECK_THAT(sentence, Catch::Matchers::ContainsSubstring("rule '"));
    CHECK(std::ranges::all_of(sentence, [](char c) { return c >= ' ' && c <= '~'; }));
  }
}

TEST_CASE("rules: sets of the packet filter") {
  if (!has_address_sets()) {
    for (const std::string word : {"nft:inet/filter/allowed", "ipset:allowed"})
      CHECK(bad("* -> pass " + word) ==
            "'" + word + "' in rule '* -> pass " + word +
                "' is a set of the packet filter, which the variant dnslet-min does not have; "
                "dnslet has it");
    return;
  }
  const auto sets = [](const std::string& options) {
    const Rule rule = good("* -> " + options);
    std::string text;
    REQUIRE(rule.sets);
    for (const AddressSets& some : {rule.sets->nft, rule.sets->ip})
      for (const auto& set : some) (text += text.empty() ? "" : " ") += set->to_text();
    return text;
  };
  CHECK(sets("pass nft:inet/filter/allowed") == "nft:inet/filter/allowed");
  CHECK(sets("ask local NFT:INET/T/a,ip6/t/B/c nft:netdev/T/a ttl:60 ipset:S,s ipset:t") ==
        "nft:inet/T/a nft:ip6/t/B/c nft:netdev/T/a ipset:S ipset:s ipset:t");
  CHECK(sets("answer 10.0.0.1 ipset:" + std::string(31, 'a')) == "ipset:" + std::string(31, 'a'));
  for (const std::string value :
       {"a", "inet/t", "inet//s", "inet/t/", "/t/s", "tcp/t/s", "\"inet/t/a b\"", "inet/t/\x01"}) {
    CAPTURE(value);
    CHECK_THAT(bad("* -> with nft:" + value),
               Catch::Matchers::ContainsSubstring("is not a set of nftables as FAMILY/TABLE/SET"));
  }
  CHECK_THAT(bad("* -> with nft:inet/t/" + std::string(256, 'a')),
             Catch::Matchers::ContainsSubstring("is not a set of nftables"));
  CHECK_THAT(bad("* -> pass nft:"), Catch::Matchers::ContainsSubstring("has an empty value"));
  CHECK_THAT(bad("* -> pass ipset:" + std::string(32, 'a')),
             Catch::Matchers::ContainsSubstring("is not the name of an ipset"));
}

TEST_CASE("rules: conditions on answers go with ask and pass") {
  for (const std::string word :
       {"answer:none", "!answer:private", "rcode:NXDOMAIN", "alias:a.test"})
    for (const std::string action :
         {"ask local", "pass", "block", "refuse", "empty", "drop", "rcode YXDOMAIN",
          "answer 10.0.0.1", "answer TXT a", "alias b.test", "with nocache"}) {
      CAPTURE(word, action);
      const bool is_good = action == "ask local" || action == "pass";
      CHECK(bad(word + " type:A -> " + action).empty() == is_good);
    }
}

TEST_CASE("rules: no listener is refused where systemd brings them") {
  RuleNames known = names();
  known.knows_listeners = false;
  CHECK(parse_rule("at:10.0.0.1:53 -> drop", known));
}

TEST_CASE("rules: without sets and lists the sentence says so") {
  CHECK_THAT(parse_rule("* -> ask a", {}).error().text,
             Catch::Matchers::ContainsSubstring("there are: none"));
  CHECK_THAT(parse_rule("list:a -> block", {}).error().text,
             Catch::Matchers::ContainsSubstring("there are: none"));
}

TEST_CASE("rules: a password is never told") {
  const std::string sentence = bad("* -> ask socks5://me:secret@10.0.0.9/tls://10.0.0.1 race:x");
  CHECK_FALSE(sentence.empty());
  CHECK_THAT(sentence, !Catch::Matchers::ContainsSubstring("secret"));
  CHECK_THAT(bad("zone:.. -> ask local,socks5://me:secret@10.0.0.9/tls://10.0.0.1"),
             !Catch::Matchers::ContainsSubstring("secret"));
}

TEST_CASE("rules: one a line or between lone semicolons, but for those in quotes") {
  const auto split = [](std::string_view text) {
    Texts all;
    for (const std::string_view rule : split_rules(text)) all.emplace_back(rule);
    return all;
  };
  CHECK(split("").empty());
  CHECK(split(" ; \n;\n").empty());
  CHECK(split("a -> b") == Texts{"a -> b"});
  CHECK(split("a -> b ; c -> d\r\n e -> f ;") == Texts{"a -> b", "c -> d", "e -> f"});
  CHECK(split("word:a;b -> c") == Texts{"word:a;b -> c"});
  CHECK(split("word:\"a ; b\" -> c ; d") == Texts{"word:\"a ; b\" -> c", "d"});
  CHECK(split("word:\"a \\\" ; b\" -> c ; d") == Texts{"word:\"a \\\" ; b\" -> c", "d"});
  CHECK(split("word:\"a ; b\nc") == Texts{"word:\"a ; b", "c"});
}

TEST_CASE("rules: a comment of a file begins with a # at the start or behind a blank") {
  CHECK(without_comment("# all").empty());
  CHECK(without_comment("a -> b # why") == "a -> b ");
  CHECK(without_comment("ask https://a/q#name") == "ask https://a/q#name");
  CHECK(without_comment("word:\" # \" -> b\t#c") == "word:\" # \" -> b\t");
}

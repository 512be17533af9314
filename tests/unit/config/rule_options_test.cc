// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/rule_options.h"

#include <string>

#include "config/rule_loops.h"
#include "config/rule_text.h"
#include "parsed.h"

using namespace dnslet;
using namespace dnslet::config;

namespace {

std::string loop(const Arguments& texts) {
  std::vector<policy::Rule> rules;
  for (const std::string& text : texts) {
    auto rule = parse_rule(text, {.sets = {}, .lists = {{"ads", 0}}, .listeners = {}});
    INFO(text << ": " << (rule ? "" : rule.error().text));
    REQUIRE(rule);
    rules.push_back(*rule);
  }
  const Status status = check_alias_loops(rules);
  return status ? "" : status.error().text;
}

}  // namespace

TEST_CASE("rule options: a set has its servers in order, and more where its name comes again") {
  const Options options = good({"--server", "local=10.0.0.1,10.0.0.2:5353", "--server",
                                "far=tcp://dns.test", "--server", "local=10.0.0.3,10.0.0.1"});
  REQUIRE(options.server_sets.size() == 2);
  CHECK(texts(options.server_sets.at("local")) ==
        Arguments{"10.0.0.1:53", "10.0.0.2:5353", "10.0.0.3:53"});
  CHECK(texts(options.server_sets.at("far")) == Arguments{"tcp://dns.test:53"});
  CHECK(
      good({}, {{"DNSMASQ_SERVER_SETS", "a=10.0.0.1\nb=10.0.0.2 c=10.0.0.3"}}).server_sets.size() ==
      3);
  CHECK(good({"--server", "a=10.0.0.1"}, {{"DNSMASQ_SERVER_SETS", "b=10.0.0.2"}})
            .server_sets.size() == 1);
}

TEST_CASE("rule options: a set needs a name that is no server, and servers") {
  CHECK_THAT(bad({"--server", "local"}), Catch::Matchers::StartsWith("--server: 'local' is not"));
  for (const char* text : {"=10.0.0.1", "a b=10.0.0.1", "10.0.0.1=10.0.0.2", "a:1=10.0.0.1",
                           "system=10.0.0.1", "Resolved=10.0.0.1", "a/b=10.0.0.1"}) {
    CAPTURE(text);
    CHECK_THAT(bad({"--server", text}), Catch::Matchers::ContainsSubstring("not a name for a set"));
  }
  CHECK_THAT(bad({"--server", "a=10.0.0.1,"}), Catch::Matchers::ContainsSubstring("every comma"));
  CHECK_THAT(bad({}, {{"DNSMASQ_SERVER_SETS", "a=x_:0"}}),
             Catch::Matchers::StartsWith("DNSMASQ_SERVER_SETS: "));
}

TEST_CASE("rule options: a stub zone names sets, before and behind the flag that defines them") {
  for (const bool is_before : {false, true}) {
    Arguments flags = {"--server", "near=10.0.0.1,10.0.0.2"};
    flags.insert(is_before ? flags.begin() : flags.end(),
                 {"--stubzones", "a.test/near,10.0.0.3 b.test/10.0.0.4,near,c.test/near"});
    CHECK(texts(good(flags).stub_zones) ==
          Arguments{"c.test > 10.0.0.1:53 10.0.0.2:53",
                    "a.test > 10.0.0.1:53 10.0.0.2:53 10.0.0.3:53",
                    "b.test > 10.0.0.4:53 10.0.0.1:53 10.0.0.2:53"});
    CHECK(warnings(flags).empty());
  }
}

TEST_CASE("rule options: rules and files keep their order") {
  const auto shown = [](const Options& options) {
    Arguments all;
    for (const RuleSource& source : options.rules)
      all.push_back(source.path.empty() ? source.rule.text : "file " + source.path);
    return all;
  };
  const Options options = good({"--rule", "zone:a.test -> ask near ; @/etc/rules", "--rule",
                                "* -> block", "--server", "near=10.0.0.1"});
  CHECK(shown(options) == Arguments{"zone:a.test -> ask near", "file /etc/rules", "* -> block"});
  CHECK(options.rules[0].rule.action.servers.size() == 1);
  CHECK(options.rules[2].rule.action.rcode == dns::Rcode::NxDomain);
  const Variables variables = {{"DNSMASQ_RULES", "zone:a.test -> block\n@ /x y ; * -> drop\n"}};
  CHECK(shown(good({}, variables)) == Arguments{"zone:a.test -> block", "file /x y", "* -> drop"});
  CHECK(shown(good({"--rule", "* -> pass"}, variables)) == Arguments{"* -> pass"});
  CHECK(good({}, {{"DNSMASQ_RULES", " ;\n"}}).rules.empty());
  CHECK(setting("rule", {}, variables).value == "zone:a.test -> block ; @ /x y ; * -> drop");
}

TEST_CASE("rule options: what can't be a rule is told with its flag or variable") {
  CHECK_THAT(bad({"--rule", "zone:a..test -> block"}),
             Catch::Matchers::StartsWith("--rule: 'zone:a..test' in rule 'zone:a..test -> block'"));
  CHECK_THAT(bad({}, {{"DNSMASQ_RULES", "* -> pass ; * -> deny"}}),
             Catch::Matchers::StartsWith("DNSMASQ_RULES: 'deny' in rule '* -> deny' is no action"));
  CHECK_THAT(bad({"--rule", "@"}), Catch::Matchers::ContainsSubstring("is not a file of rules"));
  CHECK_THAT(bad({"--rule", " ; "}), Catch::Matchers::ContainsSubstring("is not a rule"));
  CHECK_THAT(bad({"--rule", "at:127.0.0.1:5354 -> drop", "--listen", "127.0.0.1:5353"}),
             Catch::Matchers::ContainsSubstring("there are: 127.0.0.1:5353"));
  CHECK(bad({"--rule", "at:127.0.0.1:5354 -> drop", "--systemd"}).empty());
}

TEST_CASE("rule options: at most 65,000 rules") {
  std::string text;
  for (int i = 0; i < 65'000; ++i) text += "name:a.test -> drop\n";
  CHECK(good({"--rule", text}).rules.size() == 65'000);
  CHECK_THAT(bad({"--rule", text, "--rule", "* -> drop"}),
             Catch::Matchers::ContainsSubstring("more than 65000 rules"));
}

TEST_CASE("rule options: a set that nobody asks has a warning, but where a file may") {
  const Arguments flags = {"--server", "a=10.0.0.1", "--server", "b=10.0.0.2"};
  const auto with = [&](Arguments more) {
    more.insert(more.begin(), flags.begin(), flags.end());
    return warnings(more);
  };
  CHECK(with({}).size() == 2);
  CHECK(with({"--rule", "type:A -> ask 10.0.0.9:53,b"}) ==
        Arguments{"--server: no stub zone and no rule asks the set 'a'"});
  CHECK(with({"--rule", "* -> ask b", "-z", "x.test/a"}).empty());
  CHECK(with({"--rule", "@/etc/rules"}).empty());
}

TEST_CASE("rule options: servers by name of sets, rules and files need somebody to resolve them") {
  CHECK_FALSE(has_server_by_name(good({"--rule", "* -> ask 10.0.0.1"})));
  CHECK(has_server_by_name(good({"--rule", "* -> ask dns.test:53"})));
  CHECK(has_server_by_name(good({"--server", "a=dns.test"})));
  CHECK(has_server_by_name(good({"--rule", "@/etc/rules"})));
}

TEST_CASE("alias loops: names that lead back to themselves") {
  CHECK(loop({"name:a.test -> alias b.test"}).empty());
  CHECK_THAT(loop({"name:a.test -> alias b.test", "zone:b.test -> alias a.test"}),
             Catch::Matchers::ContainsSubstring("makes a loop of aliases"));
  CHECK_THAT(loop({"zone:a.test -> alias www.a.test"}),
             Catch::Matchers::StartsWith("rule 'zone:a.test -> alias www.a.test' makes a loop"));
  CHECK_FALSE(loop({"* -> alias a.test"}).empty());
  CHECK_FALSE(loop({"word:a -> alias ba"}).empty());
  CHECK_FALSE(loop({"!zone:x.test -> alias a.test"}).empty());
  CHECK_FALSE(loop({"regex:^[ab]\\. -> alias a.test"}).empty());
  CHECK(loop({"regex:^a -> block", "zone:a.test -> alias a.test"}).empty());
  CHECK_FALSE(loop({"!regex:^a -> block", "zone:a.test -> alias a.test"}).empty());
  CHECK_FALSE(loop({"* -> with ttl:9", "name:a,b -> alias c", "name:c -> alias a"}).empty());
  CHECK_FALSE(loop({"name:a -> alias b", "name:b -> alias c", "name:c -> alias b"}).empty());
}

TEST_CASE("alias loops: what another rule may take out of them is none") {
  CHECK(loop({"name:www.a.test -> pass", "zone:a.test -> alias www.a.test"}).empty());
  CHECK(loop({"zone:a.test !name:www.a.test -> alias www.a.test"}).empty());
  CHECK(loop({"list:ads -> alias a.test"}).empty());
  CHECK(loop({"list:ads -> block", "* -> alias a.test"}).empty());
  CHECK(loop({"type:A -> alias a.test"}).empty());
  CHECK(loop({"name:a -> alias b", "name:b -> block", "* -> alias a"}).empty());
}

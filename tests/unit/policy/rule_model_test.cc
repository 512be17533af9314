// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Which rule decides, against a model that looks at texts and does nothing cleverly: random rules
// of every kind of condition about questions, random questions.

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "catch.h"
#include "dns/packet_text.h"
#include "policy/rule_set.h"
#include "policy/rules_of.h"
#include "policy/world.h"

namespace dnslet::policy {
namespace {

class Dice {
 public:
  std::size_t below(std::size_t most) { return engine_() % most; }
  template <typename Values>
  const auto& one_of(const Values& values) {
    return values[below(std::size(values))];
  }

 private:
  std::mt19937 engine_{20};  // the same each time
};

struct Asked {
  std::string name;  // in lower case, without the final dot
  std::string type;
  std::string client;
  Protocol protocol;
};

// A condition and what the model makes of it.
struct Modelled {
  std::string key, value;
  bool is_negated = false;

  bool is_about_name() const { return key != "type" && key != "from" && key != "via"; }
  bool is_at_or_below(const std::string& name) const {
    return name == value || name.ends_with("." + value);
  }
  bool holds(const Asked& asked) const {
    if (key == "name") return asked.name == value;
    if (key == "zone") return is_at_or_below(asked.name);
    if (key == "word") return asked.name.find(value) != std::string::npos;
    if (key == "regex") return asked.name.starts_with(value.substr(1));  // ^ and plain letters
    if (key == "ptr") return asked.name.ends_with(".10.in-addr.arpa") && labels(asked.name) == 6;
    if (key == "type") return asked.type == value;
    if (key == "via") return (asked.protocol == Protocol::Tcp) == (value == "tcp");
    return asked.client.starts_with(value.substr(0, value.find('/') - 1));  // N.0/PREFIX
  }
  static std::size_t labels(const std::string& name) {
    return static_cast<std::size_t>(std::ranges::count(name, '.')) + 1;
  }
};

using ModelRule = std::vector<Modelled>;

bool fits(const ModelRule& rule, const Asked& asked) {
  bool needs_name = false;
  bool has_name = false;
  for (const Modelled& condition : rule) {
    const bool holds = condition.holds(asked);
    if (condition.is_negated) {
      if (holds) return false;
    } else if (condition.is_about_name()) {
      needs_name = true;
      has_name = has_name || holds;
    } else if (!holds) {
      return false;
    }
  }
  return has_name || !needs_name;
}

constexpr std::array kNames = {"a.test",     "b.test",    "www.a.test",    "ads.track.test",
                               "test",       "xa.test",   "ad1.b.example", "b.example",
                               "track.ad.a", "a-b.c.d.e", "example",       "7.1.2.10.in-addr.arpa"};
constexpr std::array kPtr = {"3.2.1.10.in-addr.arpa", "3.2.1.11.in-addr.arpa", "1.10.in-addr.arpa"};
constexpr std::array kTypes = {"A", "AAAA", "MX", "TXT"};
constexpr std::array kClients = {"10.1.0.7", "10.2.0.7", "192.0.2.7"};

Modelled draw_condition(Dice& dice) {
  static constexpr std::array kKeys = {"name", "zone", "word", "regex", "ptr",
                                       "type", "from", "via",  "name",  "zone"};
  Modelled drawn{dice.one_of(kKeys), "", dice.below(5) == 0};
  if (drawn.key == "name" || drawn.key == "zone") drawn.value = dice.one_of(kNames);
  if (drawn.key == "word") drawn.value = dice.one_of(std::array{"ad", "track", "b.ex", "w", "1."});
  if (drawn.key == "regex") drawn.value = dice.one_of(std::array{"^ad", "^www", "^b", "^track"});
  if (drawn.key == "ptr") drawn.value = "10.0.0.0/8";
  if (drawn.key == "type") drawn.value = dice.one_of(kTypes);
  if (drawn.key == "from") drawn.value = dice.one_of(std::array{"10.1.0.0/24", "192.0.2.0/24"});
  if (drawn.key == "via") drawn.value = dice.one_of(std::array{"udp", "tcp"});
  return drawn;
}

std::string text_of(const ModelRule& rule) {
  std::string text;
  for (const Modelled& condition : rule)
    text += (condition.is_negated ? "!" : "") + condition.key + ":" + condition.value + " ";
  return text + "-> block";
}

TEST_CASE("the rule that decides is the first one that a plain model finds") {
  Dice dice;
  test::World world(0);
  std::size_t found = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<ModelRule> model(1 + dice.below(12));
    std::vector<Rule> rules;
    for (ModelRule& rule : model) {
      for (std::size_t i = 0, count = 1 + dice.below(3); i < count; ++i)
        rule.push_back(draw_condition(dice));
      rules.push_back(test::rules_of({text_of(rule).c_str()}).front());
    }
    const RuleSet set(std::move(rules), 1, 1);
    for (int question = 0; question < 300; ++question) {
      const Asked asked{dice.below(4) == 0 ? dice.one_of(kPtr) : dice.one_of(kNames),
                        dice.one_of(kTypes), dice.one_of(kClients),
                        dice.below(2) == 0 ? Protocol::Udp : Protocol::Tcp};
      const dns::Name name = *dns::Name::from_text(asked.name);
      const Client client{*IpAddress::from_text(asked.client), asked.protocol};
      const ClientQuestion given{
          {name, static_cast<dns::Type>(test::type_of(asked.type)), dns::Class::IN}, {}, client};
      RuleWalk walk;
      const auto decides = set.find(world.tables(), given, walk);
      const auto expected =
          std::ranges::find_if(model, [&](const ModelRule& rule) { return fits(rule, asked); });
      CAPTURE(asked.name, asked.type, asked.client);
      REQUIRE(decides.has_value() == (expected != model.end()));
      if (!decides) continue;
      ++found;
      CAPTURE(text_of(*expected), text_of(model[*decides]));
      REQUIRE(*decides == static_cast<RuleNumber>(expected - model.begin()));
    }
  }
  CHECK(found > 10'000);
}

}  // namespace
}  // namespace dnslet::policy

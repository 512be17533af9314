// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/rule_loops.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/sort.h"
#include "base/text.h"
#include "policy/name_patterns.h"

namespace dnslet::config {
namespace {

using policy::Condition, policy::Rule, policy::RuleAction;
using About = Condition::About;

// Whether the name tells if the condition holds.
bool is_decidable(const Condition& condition) {
  return policy::is_about_name(condition.about) && condition.about != About::List;
}

// REQUIRES: it is decidable. Without regard to the `!`.
bool holds(const Condition& condition, dns::NameView name) {
  const policy::NameText text(name);
  switch (condition.about) {
    case About::Name:
      return std::ranges::any_of(condition.names,
                                 [&](const dns::Name& one) { return one.view() == name; });
    case About::Zone:
      return std::ranges::any_of(condition.names,
                                 [&](const dns::Name& zone) { return name.is_within(zone); });
    case About::Word:
      return std::ranges::any_of(condition.words, [&](const std::string& word) {
        return text.view().find(word) != std::string_view::npos;
      });
    case About::Expression:
      return std::ranges::any_of(condition.expressions, [&](const auto& expression) {
        return expression->fits(text.view());
      });
    default:
      const auto address = dns::address_of_reverse(name);
      return address && any_contains(condition.networks, *address);
  }
}

enum class Match { No, Maybe, Yes };

// Of conditions about names without `!` one is enough; of all others each has to hold.
Match match(const Rule& rule, dns::NameView name) {
  bool has_choice = false;
  Match chosen = Match::No;
  Match rest = Match::Yes;
  for (const Condition& condition : rule.conditions) {
    const bool is_choice = policy::is_about_name(condition.about) && !condition.is_negated;
    has_choice = has_choice || is_choice;
    const Match one = !is_decidable(condition)                         ? Match::Maybe
                      : holds(condition, name) == condition.is_negated ? Match::No
                                                                       : Match::Yes;
    if (is_choice)
      chosen = std::max(chosen, one);
    else
      rest = std::min(rest, one);
  }
  return has_choice ? std::min(chosen, rest) : rest;
}

// The rules that may take a name, by its own name or that of a zone that it is in.
class RuleIndex {
 public:
  explicit RuleIndex(const std::vector<Rule>& rules) : rules_(rules) {
    for (std::size_t i = 0; i < rules.size(); ++i) file(i);
  }

  // The alias that decides for the name; null: something else does, or it can't be told.
  const Rule* alias_of(const dns::Name& name) {
    if (steps_left_ == 0) return nullptr;
    const std::vector<std::size_t> numbers = candidates(name);
    steps_left_ -= std::min(steps_left_, numbers.size());
    for (const std::size_t number : numbers) {
      const Rule& rule = rules_[number];
      const Match found = match(rule, name);
      if (found == Match::No) continue;
      if (rule.action.kind == RuleAction::Kind::With) continue;
      const bool is_alias = rule.action.kind == RuleAction::Kind::Alias;
      return found == Match::Yes && is_alias ? &rule : nullptr;
    }
    return nullptr;
  }

 private:
  static std::string key_of(dns::NameView name) { return {name.wire().begin(), name.wire().end()}; }

  void file(std::size_t number) {
    std::vector<const dns::Name*> names;
    for (const Condition& condition : rules_[number].conditions) {
      if (!policy::is_about_name(condition.about) || condition.is_negated) continue;
      const bool has_names = condition.about == About::Name || condition.about == About::Zone;
      if (!has_names) return others_.push_back(number);
      for (const dns::Name& name : condition.names) names.push_back(&name);
    }
    if (names.empty()) return others_.push_back(number);
    for (const dns::Name* name : names) by_name_[key_of(*name)].push_back(number);
  }

  // In their order.
  std::vector<std::size_t> candidates(dns::NameView name) const {
    std::vector<std::size_t> found = others_;
    while (true) {  // ends: takes a label each turn
      const auto rules = by_name_.find(key_of(name));
      if (rules != by_name_.end())
        found.insert(found.end(), rules->second.begin(), rules->second.end());
      if (name.is_root()) break;
      name = name.parent();
    }
    sort_now_and_then(found);
    return found;
  }

  const std::vector<Rule>& rules_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_name_;
  std::vector<std::size_t> others_;
  // What a start may cost, with many rules that have no name. A loop that is not found ends when it
  // is asked for.
  std::size_t steps_left_ = 10'000'000;
};

}  // namespace

Status check_alias_loops(const std::vector<Rule>& rules) {
  RuleIndex index(rules);
  std::set<std::string> ended;  // targets from which no way leads back
  for (const Rule& start : rules) {
    if (start.action.kind != RuleAction::Kind::Alias) continue;
    std::set<std::string> visited;
    dns::Name name = start.action.target;
    while (true) {  // ends: each target is visited once
      const std::string text = name.view().to_text();
      if (ended.contains(text)) break;
      const Rule* const rule = index.alias_of(name);
      if (!rule) break;
      if (!visited.insert(text).second)
        return Error{(rule->origin.empty() ? "" : rule->origin + ": ") + "rule " +
                     in_quotes(rule->text) + " makes a loop of aliases: " + in_quotes(text) +
                     " leads to itself; take it out by a rule in front, for example name:" + text +
                     " -> pass"};
      name = rule->action.target;
    }
    ended.insert(visited.begin(), visited.end());
    ended.insert(name.view().to_text());
  }
  return Done{};
}

}  // namespace dnslet::config

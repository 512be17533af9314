// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/rule_text.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "base/text.h"
#include "config/rule_action.h"
#include "config/rule_words.h"

namespace dnslet::config {
namespace {

using policy::Condition, policy::Rule, policy::RuleAction;
using Words = std::span<const std::string_view>;

// `why`: the end of a sentence about the place, or a colon and another sentence.
Error fault(const std::string& place, std::string_view rule, const std::string& why) {
  return Error{in_quotes(place) + " in rule " + in_quotes(rule) +
               (why.starts_with(':') ? "" : " ") + why};
}

Error fault(std::string_view rule, const std::string& why) {
  return Error{"rule " + in_quotes(rule) + ' ' + why};
}

// Behind a failure or another answer of the servers somebody has to have been asked.
Status check_asks(const Rule& rule, Words match) {
  const RuleAction::Kind kind = rule.action.kind;
  if (kind == RuleAction::Kind::Ask || kind == RuleAction::Kind::Pass) return Done{};
  for (std::size_t i = 0; i < rule.conditions.size(); ++i)
    if (policy::is_about_answer(rule.conditions[i].about))
      return fault(std::string(match[i]), rule.text,
                   "is about what servers answer: it goes with the actions ask and pass only");
  return Done{};
}

// An option that depends on what the servers say needs a condition about that.
Status check_judges(const Rule& rule) {
  const auto has_any = [&rule](auto fits) { return std::ranges::any_of(rule.conditions, fits); };
  if (rule.asks_ahead &&
      !has_any([](const Condition& one) { return policy::is_about_answer(one.about); }))
    return fault("ahead", rule.text,
                 "needs answer:, rcode: or alias: in its rule: without them the next rule is never "
                 "asked");
  if (!rule.swap.empty() && !has_any([](const Condition& one) {
        return one.about == Condition::About::Address || one.about == Condition::About::Alias;
      }))
    return fault(
        "swap", rule.text,
        "needs answer: or alias: in its rule, for the answers whose addresses are swapped");
  return Done{};
}

Status parse_match(Words match, const RuleNames& known, Rule& rule) {
  constexpr std::string_view kEvery = "*";
  if (match.empty())
    return fault(rule.text, "has no condition in front of '->'; write * for every question");
  if (match.size() == 1 && match.front() == kEvery) return Done{};
  for (const std::string_view word : match) {
    if (word == kEvery)
      return fault("*", rule.text, "is every question: leave it out beside other conditions");
    std::string place;
    auto condition = parse_condition(word, known, place);
    if (!condition) return fault(place, rule.text, condition.error().text);
    rule.conditions.push_back(std::move(*condition));
  }
  return Done{};
}

Status parse_action(Words rest, const RuleNames& known, Rule& rule) {
  std::string place;
  RuleWords words{rest};
  auto action = parse_rule_action(words, known, place);
  if (!action) return fault(place, rule.text, action.error().text);
  rule.action = std::move(*action);
  const bool has_options = !words.left.empty();
  const Status options = parse_rule_options(words, place, rule);
  if (!options) return fault(place, rule.text, options.error().text);
  if (rule.action.kind == RuleAction::Kind::With && !has_options)
    return fault("with", rule.text, "needs an option behind it, for example ttl:60");
  return Done{};
}

}  // namespace

Result<Rule> parse_rule(std::string_view text, const RuleNames& known) {
  Rule rule;
  rule.text = trimmed(text);
  const auto words = split_rule_words(rule.text);
  if (!words) return fault(rule.text, words.error().text);
  const auto arrow = std::ranges::find(*words, kArrow);
  if (arrow == words->end())
    return fault(rule.text,
                 "has no '->' between its conditions and its action, for example zone:ads.test -> "
                 "block");
  const auto size = static_cast<std::size_t>(arrow - words->begin());
  const Words all(*words);
  if (Status read = parse_match(all.first(size), known, rule); !read) return read.error();
  if (Status read = parse_action(all.subspan(size + 1), known, rule); !read) return read.error();
  if (Status fits = check_asks(rule, all.first(size)); !fits) return fits.error();
  if (Status fits = check_judges(rule); !fits) return fits.error();
  return rule;
}

}  // namespace dnslet::config

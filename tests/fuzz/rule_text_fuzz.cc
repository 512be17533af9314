// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Any text as rules: each is a rule that reads the same from its own text, or one printable
// sentence about it. No rule has a condition on answers and asks nobody.

#include <algorithm>
#include <cassert>
#include <string>

#include "config/rule_text.h"
#include "config/rule_words.h"
#include "config/server_url.h"
#include "input.h"

namespace {

using namespace dnslet;
using policy::Condition, policy::Rule, policy::RuleAction;

const config::RuleNames& names() {
  static const config::RuleNames known = {.sets = {{"local", {*config::parse_server("10.0.0.1")}}},
                                          .lists = {{"ads", 0}},
                                          .listeners = {*Endpoint::from_text("127.0.0.1", 53)}};
  return known;
}

void check_values(const Condition& condition) {
  const std::size_t values =
      condition.names.size() + condition.words.size() + condition.lists.size() +
      condition.networks.size() + (condition.has_none ? 1 : 0) + condition.types.size() +
      condition.protocols.size() + condition.listeners.size() + condition.rcodes.size();
  assert(values > 0);
}

void check(const Rule& rule) {
  std::ranges::for_each(rule.conditions, check_values);
  const RuleAction& action = rule.action;
  const bool asks = action.kind == RuleAction::Kind::Ask;
  assert(asks == !action.servers.empty());
  assert((action.kind == RuleAction::Kind::Answer) == (!action.addresses.empty() || action.text));
  const bool is_judged = std::ranges::any_of(rule.conditions, [](const Condition& condition) {
    return policy::is_about_answer(condition.about);
  });
  assert(!is_judged || asks || action.kind == RuleAction::Kind::Pass);
}

void check_same_sets(const AddressSets& sets, const AddressSets& again) {
  assert(std::ranges::equal(sets, again, [](const auto& set, const auto& other) {
    return *set == *other && !set->name.empty() && set->table.empty() == set->family.empty();
  }));
}

void check_same(const Rule& rule, const Rule& again) {
  assert(rule.text == again.text && rule.conditions.size() == again.conditions.size());
  assert(rule.action.kind == again.action.kind && rule.action.servers == again.action.servers);
  assert(rule.action.addresses == again.action.addresses && rule.action.text == again.action.text);
  assert(rule.options.ttl == again.options.ttl && rule.options.race == again.options.race);
  assert(!rule.sets == !again.sets);
  if (!rule.sets) return;
  check_same_sets(rule.sets->nft, again.sets->nft);
  check_same_sets(rule.sets->ip, again.sets->ip);
}

void check_text(std::string_view text) {
  const auto rule = config::parse_rule(text, names());
  if (!rule) {
    const std::string& sentence = rule.error().text;
    assert(sentence.find("rule '") != std::string::npos);
    assert(std::ranges::all_of(sentence, [](char c) { return c >= ' ' && c <= '~'; }));
    return;
  }
  check(*rule);
  const auto again = config::parse_rule(rule->text, names());
  assert(again);
  check_same(*rule, *again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = fuzz::text_of(fuzz::Input(data, size).rest());
  for (const std::string_view rule : config::split_rules(text)) {
    assert(!rule.empty() && rule.find('\n') == std::string_view::npos);
    check_text(rule);
    check_text(config::without_comment(rule));
  }
  check_text(text);
  return 0;
}

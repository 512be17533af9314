// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/rule_set.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <span>
#include <utility>

#include "dns/addresses.h"
#include "dns/svcb.h"
#include "policy/name_facts.h"

namespace dnslet::policy {
namespace {

using About = Condition::About;

// Of the lists that a condition names.
template <typename Fits>
bool any_list(const Condition& condition, const Tables& tables, Fits fits) {
  return tables.lists && std::ranges::any_of(condition.lists, [&](ListNumber number) {
           return fits(tables.lists->named[number]);
         });
}

bool is_in(const Condition& condition, const Tables& tables, const IpAddress& address) {
  return any_contains(condition.networks, address) ||
         any_list(condition, tables,
                  [&](const List& list) { return list.networks.contains(address); });
}

// Whether the list that the rule needs does not take the name.
bool is_kept_out(const RuleGate& gate, const Tables& tables, NameFacts& facts) {
  return gate.list() && tables.lists &&
         !tables.lists->named[*gate.list()].names.may_have(facts.hashes(*tables.lists));
}

bool holds_for_name(const Condition& condition, const Tables& tables, NameFacts& facts) {
  const auto any_name = [&](auto fits) { return std::ranges::any_of(condition.names, fits); };
  switch (condition.about) {
    case About::Name:
      return any_name([&](const dns::Name& name) { return name.view() == facts.name(); });
    case About::Zone:
      return any_name([&](const dns::Name& zone) { return facts.name().is_within(zone); });
    case About::Word:
      return std::ranges::any_of(condition.words, [&](const std::string& word) {
        return facts.text().find(word) != std::string_view::npos;
      });
    case About::Expression:
      return std::ranges::any_of(condition.expressions, [&](const auto& expression) {
        return expression->fits(facts.text());
      });
    case About::List:
      return any_list(condition, tables, [&](const List& list) {
        return list.names.has(facts.hashes(*tables.lists), facts.name());
      });
    case About::Reverse:
      return facts.reversed() && any_contains(condition.networks, *facts.reversed());
    default:
      return false;
  }
}

template <typename Values, typename Value>
bool has(const Values& values, const Value& value) {
  return std::ranges::find(values, value) != values.end();
}

bool holds_for_client(const Condition& condition, const Tables& tables,
                      const ClientQuestion& asked) {
  switch (condition.about) {
    case About::Type:
      return has(condition.types, asked.question.type);
    case About::Client:
      return is_in(condition, tables, asked.client.address);
    case About::Via:
      return has(condition.protocols, asked.client.protocol);
    case About::Listener:
      return asked.client.listener && has(condition.listeners, *asked.client.listener);
    default:
      return true;  // about answers, of which there is none yet
  }
}

// A name's other types have no address by which it could be judged.
bool is_about_addresses(const Condition& condition) {
  if (condition.about != About::Address) return false;
  return !condition.is_negated || condition.has_none;
}

bool may_have_addresses(dns::Type type) {
  return dns::is_address_type(type) || dns::has_params(type);
}

bool any_alias(const Condition& condition, const Tables& tables, const dns::Message& answer) {
  bool is_found = false;
  answer.walk_records([&](const dns::Record& record) {
    if (record.section != dns::Section::Answer) return false;
    if (record.type != dns::Type::CNAME) return true;
    const dns::Name target = answer.name_at(record.rdata());
    NameFacts facts(target);
    is_found =
        std::ranges::any_of(condition.names,
                            [&](const dns::Name& zone) { return target.view().is_within(zone); }) ||
        any_list(condition, tables, [&](const List& list) {
          return list.names.has(facts.hashes(*tables.lists), target);
        });
    return !is_found;
  });
  return is_found;
}

bool holds_for_answer(const Condition& condition, const Tables& tables,
                      const dns::Message& answer) {
  switch (condition.about) {
    case About::Address:
      if (dns::any_address(
              answer, [&](const IpAddress& address) { return is_in(condition, tables, address); }))
        return true;
      return condition.has_none && !dns::any_address(answer, [](const IpAddress&) { return true; });
    case About::Rcode:
      return has(condition.rcodes, answer.rcode());
    case About::Alias:
      return any_alias(condition, tables, answer);
    default:
      return true;
  }
}

// Those of `more` have precedence.
void add_options(RuleOptions& options, const RuleOptions& more) {
  if (more.ttl) options.ttl = more.ttl;
  options.is_uncached = options.is_uncached || more.is_uncached;
  if (more.only) options.only = more.only;
  if (more.prefer) options.prefer = more.prefer;
  if (more.wait) options.wait = more.wait;
  if (more.race) options.race = more.race;
  if (more.subnet) options.subnet = more.subnet;
  if (more.nft_sets) options.nft_sets = more.nft_sets;
  if (more.ip_sets) options.ip_sets = more.ip_sets;
}

uint32_t next_generation() {
  static std::atomic<uint32_t> last{0};
  return ++last;
}

}  // namespace

// The rules that may fit a name, in their order: out of several lists in order, each once.
class RuleSet::Candidates {
 public:
  Candidates(const RuleSet& rules, dns::NameView name, RuleNumber from) {
    add(rules.unfiled_, from);
    if (rules.filed_.empty()) return;
    for (dns::NameView zone = name;; zone = zone.parent()) {
      const bool may_be_there = rules.filed_names_.has_size(zone.wire().size());
      if (const auto number = may_be_there ? rules.filed_names_.find(zone.wire()) : std::nullopt) {
        const Filed& filed = rules.filed_[*number];
        if (zone.wire().size() == name.wire().size()) add(filed.under_name, from);
        add(filed.under_zone, from);
      }
      if (zone.is_root()) return;
    }
  }

  std::optional<RuleNumber> take() {
    if (count_ == 1 && ranges_[0].next != ranges_[0].end) return *ranges_[0].next++;
    std::optional<RuleNumber> first;
    for (const Range& range : ranges())
      if (range.next != range.end && (!first || *range.next < *first)) first = *range.next;
    for (Range& range : ranges())
      if (range.next != range.end && *range.next == first) ++range.next;
    return first;
  }

 private:
  // Of one list, what has not been taken.
  struct Range {
    const RuleNumber* next;
    const RuleNumber* end;
  };
  // A list for the name itself, one for it and each zone above it, one of what is not filed.
  static constexpr std::size_t kMost = dns::kMaxName / 2 + 3;

  void add(const std::vector<RuleNumber>& numbers, RuleNumber from) {
    const RuleNumber* const end = numbers.data() + numbers.size();
    const RuleNumber* const next = std::lower_bound(numbers.data(), end, from);
    if (next != end) ranges_[count_++] = {next, end};
  }
  std::span<Range> ranges() { return std::span(ranges_).first(count_); }

  std::array<Range, kMost> ranges_;  // the first count_ are set
  std::size_t count_ = 0;
};

RuleSet::RuleSet(std::vector<Rule> rules, ServerSetNumber first_set, uint64_t seed)
    : first_set_(first_set), seed_(seed), generation_(next_generation()), filed_names_(seed) {
  rules_.reserve(rules.size());
  gates_.reserve(rules.size());
  NumbersOfSets numbers;
  for (Rule& rule : rules) {
    gates_.emplace_back(rule);
    rules_.push_back({std::move(rule)});
    compile(static_cast<RuleNumber>(rules_.size() - 1), numbers);
  }
}

void RuleSet::compile(RuleNumber number, NumbersOfSets& numbers) {
  Compiled& compiled = rules_[number];
  const Rule& rule = compiled.rule;
  has_sets_ = has_sets_ || rule.sets;
  const auto has_any = [&rule](auto fits) { return std::ranges::any_of(rule.conditions, fits); };
  compiled.judges = has_any([](const Condition& one) { return is_about_answer(one.about); });
  const auto& subnet = rule.options.subnet;
  tells_of_clients_ = tells_of_clients_ || (subnet && subnet->kind == SubnetChoice::Kind::Client);
  tells_clients_apart_ =
      tells_clients_apart_ || rule.options.limit || has_any([](const Condition& one) {
        return one.about == About::Client || one.about == About::Via ||
               one.about == About::Listener;
      });
  if (rule.options.limit && !limits_) limits_ = std::make_unique<RateLimits>(seed_);
  const bool asks = rule.action.kind == RuleAction::Kind::Ask;
  if (asks) compiled.set = number_of(rule.action.servers, numbers);
  if (asks && rule.conditions.empty() && !for_all_) for_all_ = number;

  const auto files = [](const Condition& one) {
    return !one.is_negated && (one.about == About::Name || one.about == About::Zone);
  };
  const auto hinders = [&](const Condition& one) {
    return !one.is_negated && is_about_name(one.about) && !files(one);
  };
  compiled.is_filed = has_any(files) && !has_any(hinders);
  if (compiled.is_filed)
    file(rule, number);
  else
    unfiled_.push_back(number);
}

void RuleSet::file(const Rule& rule, RuleNumber number) {
  for (const Condition& condition : rule.conditions) {
    if (condition.is_negated || !is_about_name(condition.about)) continue;
    for (const dns::Name& name : condition.names) {
      const uint32_t key = filed_names_.insert(name.view().wire());
      if (key == filed_.size()) filed_.emplace_back();
      auto& numbers =
          condition.about == About::Name ? filed_[key].under_name : filed_[key].under_zone;
      if (numbers.empty() || numbers.back() != number) numbers.push_back(number);
    }
  }
}

ServerSetNumber RuleSet::number_of(const Servers& servers, NumbersOfSets& numbers) {
  const auto [known, is_new] = numbers.emplace(servers, first_set_ + sets_.size());
  if (is_new) sets_.push_back(servers);
  return known->second;
}

std::optional<RuleNumber> RuleSet::find(const Tables& tables, const ClientQuestion& asked,
                                        RuleWalk& walk) const {
  NameFacts facts(asked.question.name);
  const GateKey key = gate_key_of(asked);
  Candidates candidates(*this, asked.question.name, walk.next);
  while (const auto number = candidates.take()) {
    if (!gates_[*number].lets(key) || is_kept_out(gates_[*number], tables, facts)) continue;
    const Compiled& compiled = rules_[*number];
    if (!fits(compiled, tables, asked, facts)) continue;
    walk.next = *number + 1;
    if (compiled.rule.options.limit && is_one_too_many(*number, asked, walk))
      walk.is_over_limit = true;
    const bool is_with = compiled.rule.action.kind == RuleAction::Kind::With;
    if (is_with) add_options(walk.with, compiled.rule.options);
    if (is_with && !walk.is_over_limit) continue;
    walk.options = walk.with;
    add_options(walk.options, compiled.rule.options);
    return number;
  }
  walk.options = walk.with;
  walk.next = static_cast<RuleNumber>(rules_.size());
  return std::nullopt;
}

bool RuleSet::is_one_too_many(RuleNumber number, const ClientQuestion& asked,
                              const RuleWalk& walk) const {
  if (walk.counted == nullptr || has(*walk.counted, number)) return false;
  walk.counted->push_back(number);
  return !limits_->take(number, *rules_[number].rule.options.limit, asked.client.address, walk.now);
}

bool RuleSet::fits(const Compiled& compiled, const Tables& tables, const ClientQuestion& asked,
                   NameFacts& facts) const {
  bool needs_name = false;
  bool has_name = compiled.is_filed;  // it would not be looked at otherwise
  for (const Condition& condition : compiled.rule.conditions) {
    if (is_about_name(condition.about) && !condition.is_negated) {
      needs_name = true;
      has_name = has_name || holds_for_name(condition, tables, facts);
    } else if (is_about_name(condition.about)) {
      if (holds_for_name(condition, tables, facts)) return false;
    } else if (is_about_answer(condition.about)) {
      if (is_about_addresses(condition) && !may_have_addresses(asked.question.type)) return false;
    } else if (holds_for_client(condition, tables, asked) == condition.is_negated) {
      return false;
    }
  }
  return has_name || !needs_name;
}

bool RuleSet::accepts(RuleNumber number, const Tables& tables, const dns::Message& answer) const {
  const dns::Rcode rcode = answer.rcode();
  if (rcode != dns::Rcode::NoError && rcode != dns::Rcode::NxDomain) return false;
  return std::ranges::all_of(rules_[number].rule.conditions, [&](const Condition& condition) {
    return !is_about_answer(condition.about) ||
           holds_for_answer(condition, tables, answer) != condition.is_negated;
  });
}

}  // namespace dnslet::policy

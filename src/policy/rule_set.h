// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The rules in force, ready to be asked which of them decides. Built once and then only read; a
// reload builds another one.
//
// Rules that are only about names and zones are filed under these: of such a question only those
// are looked at that its name leads to, whatever their number. All others are looked at in turn.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "policy/key_table.h"
#include "policy/rate_limits.h"
#include "policy/rule.h"
#include "policy/rule_gate.h"
#include "policy/rungs.h"
#include "policy/zones.h"

namespace dnslet::policy {

using RuleNumber = uint32_t;  // in their order

// How far the rules have been followed for one name.
struct RuleWalk {
  RuleNumber next = 0;           // to be looked at
  RuleOptions with{};            // of the `with` rules that have been passed
  RuleOptions options{};         // these, and those of the rule that was found last
  bool has_failed = false;       // servers that a rule asked; since then no rule answers by itself
  bool has_passed_over = false;  // one that would have
  // The rule whose servers are asked, where it is to judge what they say.
  std::optional<RuleNumber> judge{};
  uint32_t generation = 0;  // of the rules
  // The rules whose limit this question counts for already, once each, whatever names are looked up
  // for its sake; null: it does not count. Borrowed.
  std::vector<RuleNumber>* counted = nullptr;
  bool is_over_limit = false;
  Milliseconds now{0};
};

class NameFacts;

class RuleSet {
 public:
  using Servers = std::vector<ServerAddress>;

  // `first_set`: the number of the first set of servers that is the rules' own. `seed`: see
  // dns/hash.h.
  RuleSet(std::vector<Rule> rules, ServerSetNumber first_set, uint64_t seed);

  std::size_t size() const { return rules_.size(); }
  const Rule& operator[](RuleNumber number) const { return rules_[number].rule; }
  uint32_t generation() const { return generation_; }  // of no other set of rules; never 0

  // The servers that rules ask, each list once: sets first_set, first_set + 1, ...
  const std::vector<Servers>& sets() const { return sets_; }
  ServerSetNumber first_set() const { return first_set_; }
  // Of a rule that asks.
  ServerSetNumber set_of(RuleNumber number) const { return rules_[number].set; }

  // The first rule from walk.next on that the question fits, its conditions about answers left
  // aside, or whose limit is reached; nullopt: none. The walk has come behind it.
  std::optional<RuleNumber> find(const Tables& tables, const ClientQuestion& asked,
                                 RuleWalk& walk) const;
  // Whether the rule has conditions about what servers say, and whether they hold for it. A failure
  // fits no rule.
  bool judges(RuleNumber number) const { return rules_[number].judges; }
  bool accepts(RuleNumber number, const Tables& tables, const dns::Message& answer) const;

  // Whether clients may be told different things: by who they are, or how and where they ask.
  bool tells_clients_apart() const { return tells_clients_apart_; }
  // Whether servers are told of a client's network.
  bool tells_of_clients() const { return tells_of_clients_; }
  // Whether addresses are put into sets.
  bool has_sets() const { return has_address_sets() && has_sets_; }
  // The servers that the first rule without conditions asks: they count as nameservers. Null: there
  // is no such rule.
  const Servers* servers_for_all() const {
    return for_all_ ? &rules_[*for_all_].rule.action.servers : nullptr;
  }

 private:
  struct Compiled {
    Rule rule;
    ServerSetNumber set = kDefaultServers;
    bool judges = false;
    bool is_filed = false;
  };
  // The rules that are filed under a name, in their order.
  struct Filed {
    std::vector<RuleNumber> under_name;  // for it alone
    std::vector<RuleNumber> under_zone;
  };
  class Candidates;

  using NumbersOfSets = std::map<Servers, ServerSetNumber>;
  void compile(RuleNumber number, NumbersOfSets& numbers);
  void file(const Rule& rule, RuleNumber number);
  ServerSetNumber number_of(const Servers& servers, NumbersOfSets& numbers);
  bool is_one_too_many(RuleNumber number, const ClientQuestion& asked, const RuleWalk& walk) const;
  bool fits(const Compiled& compiled, const Tables& tables, const ClientQuestion& asked,
            NameFacts& facts) const;

  std::vector<Compiled> rules_;
  std::vector<RuleGate> gates_;  // by rule
  ServerSetNumber first_set_;
  uint64_t seed_;
  uint32_t generation_;
  std::vector<Servers> sets_;
  std::unique_ptr<RateLimits> limits_;  // null: no rule has one
  KeyTable filed_names_;
  std::vector<Filed> filed_;         // by number in filed_names_
  std::vector<RuleNumber> unfiled_;  // in their order
  bool tells_clients_apart_ = false;
  bool tells_of_clients_ = false;
  bool has_sets_ = false;
  std::optional<RuleNumber> for_all_;
};

}  // namespace dnslet::policy

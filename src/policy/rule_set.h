// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The rules in force, ready to be asked which of them decides. Built once and then only read; a
// reload builds another one.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "policy/rule.h"

namespace dnslet::policy {

class RuleSet {
 public:
  // `seed`: see dns/hash.h.
  RuleSet(std::vector<Rule> rules, uint64_t seed) : rules_(std::move(rules)), seed_(seed) {}

  std::size_t size() const { return rules_.size(); }
  const Rule& operator[](std::size_t number) const { return rules_[number]; }

 private:
  std::vector<Rule> rules_;
  [[maybe_unused]] uint64_t seed_;
};

}  // namespace dnslet::policy

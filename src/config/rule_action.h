// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What a rule does, and what goes along with it: what stands behind its arrow. One table of
// actions and one of options, a row each.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/rule_match.h"
#include "policy/rule.h"

namespace dnslet::config {

// Words of a rule that are taken one by one.
struct RuleWords {
  std::span<const std::string_view> left;

  // Empty: there is none.
  std::string_view take() {
    if (left.empty()) return {};
    const std::string_view word = left.front();
    left = left.subspan(1);
    return word;
  }
};

// Takes the action and what belongs to it. Fails with the end of a sentence, "is not ...", and
// tells in `place` which words it is about.
Result<policy::RuleAction> parse_rule_action(RuleWords& words, const RuleNames& known,
                                             std::string& place);
// Takes all that is left as options of the rule. Fails likewise.
Status parse_rule_options(RuleWords& words, std::string& place, policy::Rule& rule);

}  // namespace dnslet::config

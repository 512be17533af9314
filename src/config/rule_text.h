// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A rule of --rule, from its text: "MATCH... -> ACTION [OPTION...]". Conditions are in rule_match,
// actions in rule_action, options in rule_option: a table each.

#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/rule_match.h"
#include "policy/rule.h"

namespace dnslet::config {

// Its text is kept without the blanks at both ends; its origin is left empty. Fails with one
// sentence that has the place, the rule and what would be right: "'zone:a..test' in rule
// 'zone:a..test -> block' is not ...". It never holds a password.
Result<policy::Rule> parse_rule(std::string_view text, const RuleNames& known);

}  // namespace dnslet::config

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

#include <initializer_list>
#include <vector>

#include "catch.h"
#include "config/rule_text.h"
#include "policy/rule.h"

namespace dnslet::test {

// Rules as they are written. The sets `one`, `two` and `three` have a server each.
inline std::vector<policy::Rule> rules_of(std::initializer_list<const char*> texts) {
  config::RuleNames known;
  uint8_t host = 1;
  for (const char* const set : {"one", "two", "three"})
    known.sets[set] = {ServerAddress::at({IpAddress::v4(192, 0, 2, host++), 53, {}})};
  known.has_fake_addresses = true;
  known.listeners = {{IpAddress::v4(127, 0, 0, 1), 53, {}},
                     {IpAddress::v4(127, 0, 0, 1), 5353, {}}};
  std::vector<policy::Rule> rules;
  for (const char* const text : texts) {
    auto rule = config::parse_rule(text, known);
    INFO(text << (rule ? "" : ": " + rule.error().text));
    REQUIRE(rule);
    rules.push_back(std::move(*rule));
  }
  return rules;
}

}  // namespace dnslet::test

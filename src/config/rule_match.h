// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The conditions of a rule, what stands in front of its arrow: one table of keys, a row each.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "base/server_address.h"
#include "policy/rule.h"

namespace dnslet::config {

// What the other options define, which rules name.
struct RuleNames {
  std::map<std::string, std::vector<ServerAddress>, std::less<>> sets;  // of --server
  std::map<std::string, policy::ListNumber, std::less<>> lists;         // of --list
  std::vector<Endpoint> listeners;
  bool knows_listeners = true;      // false: systemd brings them, and no listener is refused
  bool has_fake_addresses = false;  // of --fake-ip
};

// "a, b, c", the keys of a map; "none" where it is empty.
template <typename Map>
std::string names_in(const Map& map) {
  std::string text;
  for (const auto& [name, value] : map) (text += text.empty() ? "" : ", ") += name;
  return text.empty() ? "none" : text;
}

// "[!]KEY:VALUE[,VALUE]...". Fails with the end of a sentence, "is not ...", and tells in `place`
// which part of the word it is about.
Result<policy::Condition> parse_condition(std::string_view word, const RuleNames& known,
                                          std::string& place);

}  // namespace dnslet::config

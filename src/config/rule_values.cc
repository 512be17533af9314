// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/rule_values.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/text.h"
#include "config/option_values.h"

namespace dnslet::config {

std::optional<dns::Name> rule_name(std::string_view text) {
  return text == "." ? dns::Name() : parse_domain(text);
}

std::optional<dns::Rcode> rule_rcode(std::string_view text) {
  constexpr std::array<std::string_view, 11> kNames = {"noerror", "formerr", "servfail", "nxdomain",
                                                       "notimp",  "refused", "yxdomain", "yxrrset",
                                                       "nxrrset", "notauth", "notzone"};
  constexpr std::string_view kPrefix = "rcode";
  const std::string word = lower_case(text);
  const auto* const name = std::ranges::find(kNames, word);
  if (name != kNames.end()) return static_cast<dns::Rcode>(name - kNames.begin());
  if (!word.starts_with(kPrefix)) return std::nullopt;
  const auto number = parse_number(std::string_view(word).substr(kPrefix.size()), {0, 15, ""});
  if (!number) return std::nullopt;
  return static_cast<dns::Rcode>(*number);
}

}  // namespace dnslet::config

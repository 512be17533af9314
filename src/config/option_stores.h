// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What `store` of the option table's rows is made of: functions that read a value and put it into a
// member of Options. For config/option_table only.

#include <iterator>
#include <string_view>
#include <type_traits>
#include <utility>

#include "config/option_table.h"

namespace dnslet::config {

// `field`: the member that is filled.

template <auto field>
using ValueOf = std::remove_reference_t<decltype(std::declval<Options&>().*field)>;

enum class Sense { Sets, Clears };

template <auto field, Sense sense = Sense::Sets>
Status boolean(std::string_view text, const NumberRange&, Options& options) {
  const auto value = parse_boolean(text);
  if (!value) return value.error();
  options.*field = *value == (sense == Sense::Sets);
  return Done{};
}

template <auto field>
Status number(std::string_view text, const NumberRange& range, Options& options) {
  const auto value = parse_number(text, range);
  if (!value) return value.error();
  options.*field = ValueOf<field>(*value);
  return Done{};
}

template <auto field, auto parse>
Status value(std::string_view text, const NumberRange&, Options& options) {
  auto parsed = parse(text);
  if (!parsed) return parsed.error();
  options.*field = std::move(*parsed);
  return Done{};
}

template <auto field, auto parse>
Status element(std::string_view text, const NumberRange&, Options& options) {
  auto parsed = parse(text);
  if (!parsed) return parsed.error();
  (options.*field).push_back(std::move(*parsed));
  return Done{};
}

template <auto field, auto parse>
Status elements(std::string_view text, const NumberRange&, Options& options) {
  auto parsed = parse(text);
  if (!parsed) return parsed.error();
  std::move(parsed->begin(), parsed->end(), std::back_inserter(options.*field));
  return Done{};
}

inline Error one_errand() {
  return Error{
      "--explain, --healthcheck, --dump-cache, --flush and --lists are done one at a time; run it "
      "once for each"};
}

// What this run is for: one errand, or what only tells something, which is done in its place.
inline Status set_action(Action action, Options& options) {
  const auto is_errand = [](Action some) {
    return some == Action::Explain || some == Action::Healthcheck || some == Action::Control;
  };
  if (action != options.action && is_errand(action) && is_errand(options.action))
    return one_errand();
  options.action = action;
  return Done{};
}

template <Action action>
Status act(std::string_view text, const NumberRange&, Options& options) {
  const auto value = parse_boolean(text);
  if (!value) return value.error();
  return *value ? set_action(action, options) : Done{};
}

}  // namespace dnslet::config

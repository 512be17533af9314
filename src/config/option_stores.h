// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What the `store` of most rows of the table of options is made of: `field` is the member of
// Options that it fills, `parse` one of the functions of config/option_values and its like.

#include <iterator>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "config/option_values.h"
#include "config/options.h"

namespace dnslet::config::stores {

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

template <Action action>
Status act(std::string_view text, const NumberRange&, Options& options) {
  const auto value = parse_boolean(text);
  if (!value) return value.error();
  if (*value) options.action = action;
  return Done{};
}

}  // namespace dnslet::config::stores

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Regular expressions as lists and rules write them → what TRE reads alike in all its forms.
//
// The dialect is POSIX extended with \d \w \s \b, their capitals and (?:…); \d \w \s inside
// brackets too, and \ before a mark there. Case does not matter. Back references, looking around,
// repeats that are short or possessive (a+?, a++), flags and whatever else an engine may know are
// refused, with the place and what would be right; so is what would become too large.
//
// \b holds at both ends of a name and between a letter, digit or _ and anything else; \B elsewhere.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dnslet::policy {

struct ParsedExpression {
  static constexpr std::size_t kMaxText = 1000;   // bytes of what is parsed
  static constexpr std::size_t kMaxDepth = 20;    // groups in groups
  static constexpr std::size_t kMaxRepeat = 255;  // as POSIX has it
  static constexpr std::size_t kMaxPlaces = 800;  // places that take a letter, repeats written out
  static constexpr std::size_t kMaxSteps = 1000;  // from place to place: a letter costs no more
  static constexpr std::size_t kMaxLiterals = 64;
  static constexpr std::size_t kMinLiteral = 3;

  std::string text;  // POSIX extended, about what letter_for() makes of a folded name
  // Every name that fits holds one of these, each of kMinLiteral bytes at least and without a `*`;
  // none: not known.
  std::vector<std::string> literals;
};

Result<ParsedExpression> parse_expression(std::string_view text);

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Words on text that options, files and messages share: folding, parting, quoting.
//
// ASCII only, and independent of the locale. What is parted borrows from the text it came from.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dnslet {

std::string lower_case(std::string_view text);
// Puts the item behind the others, with a comma and a blank between.
void add_item(std::string& list, std::string_view item);
// Whether it is an ASCII letter or digit.
constexpr bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
// Without the blanks (line ends too) at both ends.
std::string_view trimmed(std::string_view text);
// Without the byte order mark of UTF-8 in front, which some editors leave.
std::string_view without_mark(std::string_view text);
// The elements between runs of blanks; none at all is fine.
std::vector<std::string_view> split_blanks(std::string_view text);

// Levenshtein's distance: how many letters to add, drop or change. Costs the product of the sizes.
std::size_t edit_distance(std::string_view left, std::string_view right);

// Printable ASCII as it is, every other byte as \xNN, so that a value cannot forge a line or drive
// a terminal.
std::string escaped(std::string_view text);
// The same between single quotes, without_passwords() and cut after a line's worth, for error
// sentences.
std::string in_quotes(std::string_view text);

// What is no letter, digit, hyphen, dot, underscore or tilde becomes %XX (RFC 3986 section 2).
std::string percent_encoded(std::string_view text);
// The other way round. nullopt: behind some % are no two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);

// The text with "..." in place of users and passwords of servers in it, as far as they can be told,
// in values that are wrong too. A message is no place for a password.
std::string without_passwords(std::string_view text);
// "'TEXT' is not WHAT".
Error not_a(std::string_view text, std::string_view what);

}  // namespace dnslet

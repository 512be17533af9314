// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The text of rules, taken apart: rules from each other, a rule into words, a word into values.
// What is in double quotes is never parted; inside, \" is a quote. Views point into the text.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dnslet::config {

// Between conditions and the action.
inline constexpr std::string_view kArrow = "->";

// The rules of a value: one a line, or with a semicolon between blanks between them. None is empty.
std::vector<std::string_view> split_rules(std::string_view text);
// A line of a file without its comment: a # at its start or behind a blank, and all that follows.
std::string_view without_comment(std::string_view line);

// The words between blanks; an arrow is one of its own, with blanks around it or without. Fails
// where a quote has no end.
Result<std::vector<std::string_view>> split_rule_words(std::string_view rule);
// What stands between commas, without its quotes. Fails with the end of a sentence, "has ...", if
// a value is empty or has a quote in its middle.
Result<std::vector<std::string>> split_rule_values(std::string_view text);

}  // namespace dnslet::config

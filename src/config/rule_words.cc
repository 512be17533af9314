// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/rule_words.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/text.h"

namespace dnslet::config {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";

bool is_blank(char c) { return kBlanks.find(c) != std::string_view::npos; }

// Where the quotes that begin at `at` end; the size where they do not.
std::size_t end_of_quotes(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;  // what follows ends nothing
  return std::min(at, text.size());
}

// Where the first of `signs` stands that is in no quotes; the size where there is none.
std::size_t find_unquoted(std::string_view text, std::string_view signs) {
  std::size_t at = 0;
  for (; at < text.size() && signs.find(text[at]) == std::string_view::npos; ++at)
    if (text[at] == '"') at = end_of_quotes(text, at);
  return std::min(at, text.size());
}

bool has_open_quotes(std::string_view text) {
  for (std::size_t at = text.find('"'); at < text.size(); at = text.find('"', at + 1)) {
    at = end_of_quotes(text, at);
    if (at == text.size()) return true;
  }
  return false;
}

// Whether the sign at `at` has a blank or an end of the text on both sides.
bool stands_alone(std::string_view text, std::size_t at) {
  return (at == 0 || is_blank(text[at - 1])) && (at + 1 == text.size() || is_blank(text[at + 1]));
}

// Where the first sign stands that `is_meant` takes; the size where there is none.
template <typename IsMeant>
std::size_t find_sign(std::string_view text, std::string_view signs, IsMeant is_meant) {
  std::size_t at = find_unquoted(text, signs);
  while (at < text.size() && !is_meant(at))
    at += 1 + find_unquoted(text.substr(at + 1), signs);  // a sign leaves quotes as they are
  return at;
}

void add_rules_of_line(std::string_view line, std::vector<std::string_view>& rules) {
  while (!line.empty()) {
    const std::size_t end =
        find_sign(line, ";", [line](std::size_t at) { return stands_alone(line, at); });
    const std::string_view rule = trimmed(line.substr(0, end));
    if (!rule.empty()) rules.push_back(rule);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
}

// The quotes are taken off, if it has any.
Result<std::string> unquoted(std::string_view value) {
  if (value.empty())
    return Error{"has an empty value: put one on both sides of every comma, without blanks"};
  if (!value.starts_with('"')) {
    if (value.find('"') == std::string_view::npos) return std::string(value);
    return Error{"has a quote in a value: put the whole value in double quotes, with \\\" inside"};
  }
  const std::size_t end = end_of_quotes(value, 0);
  if (end + 1 != value.size())
    return Error{"goes on behind a quote: write \\\" for one inside of double quotes"};
  std::string text;
  for (std::size_t at = 1; at < end; ++at) {
    const bool is_escape = value[at] == '\\';
    if (is_escape && value[at + 1] != '"') text += value[at];
    if (is_escape) ++at;
    text += value[at];
  }
  if (text.empty()) return Error{"has an empty value"};
  return text;
}

}  // namespace

std::vector<std::string_view> split_rules(std::string_view text) {
  std::vector<std::string_view> rules;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    add_rules_of_line(text.substr(0, end), rules);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return rules;
}

std::string_view without_comment(std::string_view line) {
  return line.substr(0, find_sign(line, "#", [line](std::size_t at) {
                       return at == 0 || is_blank(line[at - 1]);
                     }));
}

Result<std::vector<std::string_view>> split_rule_words(std::string_view rule) {
  if (has_open_quotes(rule)) return Error{"has a double quote without its end"};
  std::vector<std::string_view> words;
  while (!(rule = trimmed(rule)).empty()) {
    std::string_view word = rule.substr(0, find_unquoted(rule, kBlanks));
    const std::size_t arrow =
        find_sign(word, "-", [word](std::size_t at) { return word.substr(at, 2) == kArrow; });
    word = word.substr(0, arrow == 0 ? kArrow.size() : arrow);
    words.push_back(word);
    rule.remove_prefix(word.size());
  }
  return words;
}

Result<std::vector<std::string>> split_rule_values(std::string_view text) {
  std::vector<std::string> values;
  while (true) {  // ends: takes a value each turn
    const std::size_t comma = find_unquoted(text, ",");
    auto value = unquoted(text.substr(0, comma));
    if (!value) return value.error();
    values.push_back(std::move(*value));
    if (comma == text.size()) return values;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace dnslet::config

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <numeric>
#include <utility>

namespace dnslet {
namespace {

constexpr std::size_t kMaxQuoted = 100;
constexpr std::string_view kBlanks = " \t\r\n\v\f";

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

std::string_view without_mark(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  return text.substr(text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string_view> split_blanks(std::string_view text) {
  std::vector<std::string_view> elements;
  while (!(text = trimmed(text)).empty()) {
    const std::string_view element = text.substr(0, text.find_first_of(kBlanks));
    elements.push_back(element);
    text.remove_prefix(element.size());
  }
  return elements;
}

std::size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t changed = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string escaped(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    if (c >= ' ' && c <= '~') {
      result += c;
      continue;
    }
    const auto byte = static_cast<uint8_t>(c);
    result += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return result;
}

std::string in_quotes(std::string_view text) {
  const bool cut = text.size() > kMaxQuoted;
  return "'" + escaped(text.substr(0, kMaxQuoted)) + (cut ? "...'" : "'");
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-._~";
  std::string encoded;
  for (const char c : text) {
    if (is_alphanumeric(c) || kPlain.find(c) != std::string_view::npos) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    ((encoded += '%') += kDigits[byte >> 4]) += kDigits[byte & 15];
  }
  return encoded;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  while (!text.empty()) {  // ends: takes a character each turn
    unsigned value = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    if (value == '%') {
      const char* const end = text.data() + std::min<std::size_t>(text.size(), 2);
      const auto [stop, status] = std::from_chars(text.data(), end, value, 16);
      if (status != std::errc() || stop - text.data() != 2) return std::nullopt;
      text.remove_prefix(2);
    }
    decoded += static_cast<char>(value);
  }
  return decoded;
}

std::string without_passwords(std::string_view text) {
  std::string shown;
  while (!text.empty()) {  // ends: takes a word each turn
    const std::size_t end = std::min(text.find(' '), text.size() - 1) + 1;
    const std::string_view word = text.substr(0, end);
    const std::size_t scheme = word.find("://");
    const std::size_t at = word.rfind('@');
    const bool has_password =
        scheme != std::string_view::npos && at != std::string_view::npos && scheme < at;
    shown += has_password ? word.substr(0, scheme + 3) : word;
    if (has_password) (shown += "...") += word.substr(at);
    text.remove_prefix(end);
  }
  return shown;
}

Error not_a(std::string_view text, std::string_view what) {
  return Error{in_quotes(without_passwords(text)) + " is not " + std::string(what)};
}

}  // namespace dnslet

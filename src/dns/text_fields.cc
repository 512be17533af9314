// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/text_fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <set>

#include "dns/message.h"

namespace dnslet::dns {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase32Digits = "0123456789abcdefghijklmnopqrstuv";
constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// `bits` a digit, the first bits first. What is left at the end, less than a byte, has to be zero
// and less than a digit.
template <typename Fold>
std::optional<Bytes> bytes_of_digits(std::string_view text, std::string_view digits, unsigned bits,
                                     Fold fold) {
  Bytes bytes;
  uint32_t waiting = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::size_t value = digits.find(fold(c));
    if (value == std::string_view::npos) return std::nullopt;
    waiting = waiting << bits | static_cast<uint32_t>(value);
    count += bits;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<uint8_t>(waiting >> count));
    waiting &= (1U << count) - 1;
  }
  if (waiting != 0 || count >= bits) return std::nullopt;
  return bytes;
}

// The byte behind a backslash.
std::optional<uint8_t> escaped_byte(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  if (!is_digit(text.front())) {
    const char letter = text.front();
    text.remove_prefix(1);
    return static_cast<uint8_t>(letter);
  }
  const auto value = text.size() < 3 ? std::nullopt : number_of(text.substr(0, 3), 255);
  if (value) text.remove_prefix(3);
  return value ? std::optional(static_cast<uint8_t>(*value)) : std::nullopt;
}

}  // namespace

std::string_view next_word(std::string_view& line) {
  const std::size_t start = std::min(line.find_first_not_of(kBlanks), line.size());
  std::size_t end = start;
  bool is_quoted = false;
  for (; end < line.size(); ++end) {
    const char c = line[end];
    if (!is_quoted && kBlanks.find(c) != std::string_view::npos) break;
    if (c == '"') is_quoted = !is_quoted;
    if (c == '\\' && end + 1 < line.size()) ++end;
  }
  const std::string_view word = line.substr(start, end - start);
  line.remove_prefix(end);
  return word;
}

std::optional<Bytes> bytes_of_word(std::string_view word) {
  const bool is_quoted = word.starts_with('"');
  if (is_quoted) word.remove_prefix(1);
  Bytes bytes;
  while (!word.empty()) {  // ends: takes a letter each turn
    const char c = word.front();
    word.remove_prefix(1);
    if (c == '"' && is_quoted) return word.empty() ? std::optional(bytes) : std::nullopt;
    const auto byte = c == '\\' ? escaped_byte(word) : std::optional(static_cast<uint8_t>(c));
    if (!byte) return std::nullopt;
    bytes.push_back(*byte);
  }
  return is_quoted ? std::nullopt : std::optional(bytes);
}

std::optional<Bytes> bytes_of_hex(std::string_view text) {
  return bytes_of_digits(text, kHexDigits, 4, lower);
}

std::optional<Bytes> bytes_of_hex_pairs(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i % 3 == 2;
    if (is_dash != (text[i] == '-')) return std::nullopt;
    if (!is_dash) digits += text[i];
  }
  return text.size() % 3 == 2 ? bytes_of_hex(digits) : std::nullopt;
}

std::optional<Bytes> bytes_of_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return bytes_of_digits(text, kBase64Digits, 6, [](char c) { return c; });
}

std::optional<Bytes> bytes_of_base32hex(std::string_view text) {
  return bytes_of_digits(text, kBase32Digits, 5, lower);
}

std::optional<uint32_t> number_of(std::string_view text, uint32_t most) {
  uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || stop != end || value > most) return std::nullopt;
  return value;
}

std::optional<uint32_t> seconds_of_time(std::string_view text) {
  if (text.size() != 14) return number_of(text);
  std::array<uint32_t, 6> parts{};  // year, month, day, hour, minute, second
  for (std::size_t i = 0, at = 0; i < parts.size(); at += i == 0 ? 4 : 2, ++i) {
    const auto part = number_of(text.substr(at, i == 0 ? 4 : 2));
    if (!part) return std::nullopt;
    parts[i] = *part;
  }
  using std::chrono::day, std::chrono::month, std::chrono::year;
  const std::chrono::year_month_day date{year(static_cast<int>(parts[0])), month(parts[1]),
                                         day(parts[2])};
  if (!date.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 59) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const int64_t seconds =
      days * 86400 + int64_t{parts[3]} * 3600 + int64_t{parts[4]} * 60 + int64_t{parts[5]};
  if (seconds < 0 || seconds > int64_t{UINT32_MAX}) return std::nullopt;
  return static_cast<uint32_t>(seconds);
}

std::optional<Bytes> type_set_of(const std::vector<std::string_view>& words) {
  std::set<uint16_t> types;
  for (const std::string_view word : words) {
    const auto type = type_from_text(word);
    if (!type) return std::nullopt;
    types.insert(static_cast<uint16_t>(*type));
  }
  Bytes bitmap;  // windows of 256 types: number, length, bits
  std::size_t length = 0;
  int window = -1;
  for (const uint16_t type : types) {
    if (window != type / 256) {
      window = type / 256;
      bitmap.insert(bitmap.end(), {static_cast<uint8_t>(window), 0});
      length = bitmap.size() - 1;
    }
    bitmap.resize(length + 2 + type % 256 / 8);
    bitmap[length] = static_cast<uint8_t>(bitmap.size() - length - 1);
    bitmap.back() |= static_cast<uint8_t>(0x80 >> type % 8);
  }
  return bitmap;
}

}  // namespace dnslet::dns

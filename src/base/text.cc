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
constexpr std::size_t kMaxLooked = 1000;
constexpr std::string_view kBlanks = " \t\r\n\v\f";

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

void add_item(std::string& list, std::string_view item) {
  if (!list.empty()) list += ", ";
  list += item;
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

namespace {

constexpr std::string_view kProxyScheme = "socks";
constexpr std::string_view kParting = " ,;\"'";
constexpr std::string_view kHostEnds = "/ ,;\"'";

// Where in the text, which begins behind a scheme of a proxy, what is no secret goes on; 0: at
// once.
std::size_t end_of_secret(std::string_view text) {
  const std::string_view place = text.substr(0, text.find("://"));
  const std::size_t at = place.rfind('@');
  if (at != std::string_view::npos) return at;
  // A host has a port, and that is a number; what is a user's has lost its end.
  const std::string_view first = place.substr(0, place.find_first_of(kHostEnds));
  const std::size_t colon = first.find(':');
  const bool is_host = colon == std::string_view::npos || first.starts_with('[') ||
                       first.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  if (is_host) return 0;
  const std::string_view word = text.substr(0, text.find_first_of(kParting));
  const std::size_t last = word.rfind('@');
  return last == std::string_view::npos ? first.size() : last;
}

// "SCHEME://USER@" of any other scheme: where the host ends nothing is a user's.
std::string without_users(std::string_view text) {
  std::string shown;
  for (std::size_t found = text.find("://"); found != std::string_view::npos;
       found = text.find("://")) {
    const std::size_t start = found + 3;
    const std::string_view rest = text.substr(start);
    const std::string_view place = rest.substr(0, rest.find_first_of(kHostEnds));
    const std::size_t at = place.rfind('@');
    shown += text.substr(0, start);
    if (at != std::string_view::npos && at > 0) shown += "...";
    text = rest.substr(at == std::string_view::npos ? 0 : at);
  }
  return shown += text;
}

// What stands in front of "@HOST/SCHEME://" without the scheme of a proxy: an end of what has been
// parted. Nothing that was accepted has it, and what is looked at is short.
std::string without_lost_users(std::string text) {
  if (text.size() > kMaxLooked) return text;
  for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@', at + 1)) {
    const std::size_t slash = text.find_first_of("/ ,;", at);
    const std::size_t scheme = text.find("://", at);
    if (slash == std::string::npos || text[slash] != '/' || scheme == std::string::npos ||
        text.find_first_of("/ ,;", slash + 1) != scheme + 1)
      continue;
    const std::size_t before = at == 0 ? std::string::npos : text.find_last_of(kParting, at - 1);
    std::size_t start = before == std::string::npos ? 0 : before + 1;
    const std::size_t shown = text.rfind("...", at);
    if (shown != std::string::npos && shown + 3 == at) continue;  // done
    const std::size_t lead = text.rfind("://", at);
    if (lead != std::string::npos && lead >= start) start = lead + 3;
    text.replace(start, at - start, "...");
    at = start + 3;
  }
  return text;
}

}  // namespace

std::string without_passwords(std::string_view text) {
  const std::string folded = lower_case(text);
  std::string shown;
  std::size_t from = 0;
  for (std::size_t found = folded.find(kProxyScheme); found != std::string::npos;
       found = folded.find(kProxyScheme, std::max(found + 1, from))) {
    std::size_t end = found;
    while (end < text.size() && is_alphanumeric(text[end])) ++end;
    if (end == text.size() || text[end] != ':') continue;
    while (end < text.size() && (text[end] == ':' || text[end] == '/')) ++end;
    const std::size_t next = std::min(folded.find(kProxyScheme, end), text.size());
    const std::size_t secret = end_of_secret(text.substr(end, next - end));
    shown += text.substr(from, end - from);
    if (secret > 0) shown += "...";
    from = end + secret;
  }
  shown += text.substr(from);
  return without_lost_users(without_users(shown));
}

std::string in_quotes(std::string_view text) {
  const std::string shown = without_passwords(text.substr(0, kMaxLooked));
  const bool cut = shown.size() > kMaxQuoted || text.size() > kMaxLooked;
  return "'" + escaped(std::string_view(shown).substr(0, kMaxQuoted)) + (cut ? "...'" : "'");
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

Error not_a(std::string_view text, std::string_view what) {
  return Error{in_quotes(text) + " is not " + std::string(what)};
}

}  // namespace dnslet

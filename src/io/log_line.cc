// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/log_line.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace dnslet::io {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kReplacement = "\\ufffd";

unsigned byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte != 127) {
      result += c;
      continue;
    }
    result += {'\\', 'x', kHex[byte >> 4], kHex[byte & 0xf]};
  }
  return result;
}

// How many bytes the character in front has (RFC 3629 section 4); 0: it is none.
std::size_t utf8_size(std::string_view text) {
  const unsigned first = byte_at(text, 0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte_at(text, i) & 0xc0) != 0x80) return 0;
  const unsigned second = byte_at(text, 1);
  const bool is_overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool is_surrogate = first == 0xed && second >= 0xa0;
  const bool is_too_high = first == 0xf4 && second >= 0x90;
  return is_overlong || is_surrogate || is_too_high ? 0 : size;
}

// A character as it stands in a JSON string.
std::string json_character(std::string_view character) {
  const unsigned byte = byte_at(character, 0);
  if (byte == '"' || byte == '\\') return {'\\', character[0]};
  if (byte >= ' ' && byte != 127) return std::string(character);
  return {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 0xf]};
}

}  // namespace

std::string utc_text(std::time_t time, const char* format) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

std::string quoted(std::string_view text) {
  if (!text.empty() && text.find_first_of(" \"") == std::string::npos) return escaped(text);
  std::string safe;
  for (const char c : text) {
    if (c == '"' || c == '\\') safe += '\\';
    safe += escaped({&c, 1});
  }
  return '"' + safe + '"';
}

LogLine& LogLine::with(std::string_view key, std::string_view value) {
  fields_.push_back({key, std::string(value), false});
  return *this;
}

LogLine& LogLine::with(std::string_view key, uint64_t value) {
  fields_.push_back({key, std::to_string(value), true});
  return *this;
}

LogLine& LogLine::with(std::string_view key, double value, int digits) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  fields_.push_back({key, std::string(text.data(), static_cast<std::size_t>(size)), true});
  return *this;
}

std::string LogLine::to_text() const {
  std::string text = escaped(message_);
  for (const Field& field : fields_)
    text.append(" ").append(field.key) += '=' + quoted(field.value);
  return text;
}

std::string LogLine::to_json(std::string_view time, std::string_view level) const {
  constexpr std::size_t kMarks = sizeof R"(,"":""})";
  std::string json = R"({"time":")" + std::string(time) + R"(","level":")" + std::string(level) +
                     R"(","message":)";
  append_json_string(json, message_, kMaxJsonValue);
  for (const Field& field : fields_) {
    const std::size_t used = json.size() + field.key.size() + kMarks;
    const std::size_t room = kMaxJson - std::min(kMaxJson, used);
    if (room < (field.is_number ? field.value.size() : 1)) break;
    json.append(",\"").append(field.key).append("\":");
    if (field.is_number) {
      json += field.value;
    } else {
      append_json_string(json, field.value, std::min(room, kMaxJsonValue));
    }
  }
  return json + '}';
}

void append_json_string(std::string& json, std::string_view text, std::size_t room) {
  json += '"';
  const std::size_t end = json.size() + room;
  while (!text.empty()) {  // ends: every turn takes a byte at least, or stops
    const std::size_t size = utf8_size(text);
    const std::string character =
        size == 0 ? std::string(kReplacement) : json_character(text.substr(0, size));
    if (json.size() + character.size() > end) break;
    json += character;
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  json += '"';
}

}  // namespace dnslet::io

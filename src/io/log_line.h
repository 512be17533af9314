// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One event for the log: a message and key=value pairs, and how it is written as text or as JSON.
//
// Values may come from the network or from files and may hold any bytes. Whatever they are, the
// text is one line whose fields cannot be forged, and the JSON is valid (RFC 8259) in valid UTF-8.

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace dnslet::io {

// In the order of how much a log tells that goes as far as this.
enum class Level : uint8_t { Error, Warning, Info, Debug };

// A time as strftime(3) writes it, in UTC, in 31 bytes at most.
std::string utc_text(std::time_t time, const char* format);
inline constexpr const char* kIsoTime = "%Y-%m-%dT%H:%M:%SZ";  // RFC 3339

class LogLine {
 public:
  LogLine(std::string_view message) : message_(message) {}    // NOLINT(google-explicit-constructor)
  LogLine(const std::string& message) : message_(message) {}  // NOLINT(google-explicit-constructor)
  LogLine(const char* message) : message_(message) {}         // NOLINT(google-explicit-constructor)

  // Adds a field. `key` is a literal; numbers are written without quotes.
  LogLine& with(std::string_view key, std::string_view value);
  LogLine& with(std::string_view key, uint64_t value);
  // With so many digits behind the point.
  LogLine& with(std::string_view key, double value, int digits);

  // "message key=value …" without a line end. Control bytes become \xNN; a value with blanks or
  // quotes stands in quotes.
  std::string to_text() const;

  // {"time":…,"level":…,"message":…,"key":value,…}. Bytes that are no UTF-8 become U+FFFD; values
  // that are too long are cut and fields that have no room are left out.
  static constexpr std::size_t kMaxJson = 3900;  // bytes of all; PIPE_BUF holds it
  static constexpr std::size_t kMaxJsonValue = 1280;
  std::string to_json(std::string_view time, std::string_view level) const;

 private:
  struct Field {
    std::string_view key;  // of a literal
    std::string value;
    bool is_number = false;
  };

  std::string message_;
  std::vector<Field> fields_;
};

// Printable on one line: control bytes become \xNN, quotes \"; put in quotes where it holds blanks.
std::string quoted(std::string_view text);

// Appends `text` as a JSON string, of which at most `room` bytes are between the quotes.
void append_json_string(std::string& json, std::string_view text, std::size_t room);

}  // namespace dnslet::io

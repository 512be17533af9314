// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/rdata_text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <set>
#include <string_view>

#include "base/address.h"
#include "dns/message.h"
#include "dns/text_fields.h"

namespace dnslet::dns {
namespace {

void append_decimal(std::string& text, uint8_t byte) {
  text += '\\';
  text += static_cast<char>('0' + byte / 100);
  text += static_cast<char>('0' + byte / 10 % 10);
  text += static_cast<char>('0' + byte % 10);
}

// One character inside of quotes.
void append_quoted(std::string& text, uint8_t byte) {
  if (byte < ' ' || byte > '~') return append_decimal(text, byte);
  if (byte == '"' || byte == '\\') text += '\\';
  text += static_cast<char>(byte);
}

// `bits` at a time, the first bits first; the last ones filled up with zeros.
std::string in_digits(BytesView bytes, unsigned bits, std::string_view digits) {
  std::string text;
  uint32_t waiting = 0;
  unsigned count = 0;
  const auto take = [&] { text += digits[waiting >> (count -= bits) & ((1U << bits) - 1)]; };
  for (const uint8_t byte : bytes) {
    waiting = waiting << 8 | byte;
    count += 8;
    while (count >= bits) take();
  }
  if (count > 0) {
    waiting <<= bits - count;
    count = bits;
    take();
  }
  return text;
}

// By SvcKey.
constexpr const char* kSvcKeys[] = {"mandatory", "alpn", "no-default-alpn", "port",
                                    "ipv4hint",  "ech",  "ipv6hint",        "dohpath"};

// RFC 9460 section 8: in increasing order, each once, without itself.
std::optional<std::string> keys_text(BytesView value) {
  std::string text;
  Reader reader(value);
  int last_key = 0;
  while (reader.ok() && reader.remaining() > 0) {  // ends: takes two bytes or fails
    const uint16_t key = reader.u16();
    if (key <= last_key) return std::nullopt;
    last_key = key;
    text += (text.empty() ? "" : ",") + svc_key_text(key);
  }
  if (!reader.ok() || text.empty()) return std::nullopt;
  return text;
}

// RFC 9460 appendix A.1: commas and backslashes of an item are escaped once for the list and once
// for the quotes.
std::optional<std::string> alpn_text(BytesView value) {
  std::string text = "\"";
  Reader reader(value);
  while (reader.ok() && reader.remaining() > 0) {  // ends: takes a byte or fails
    const BytesView item = reader.bytes(reader.u8());
    if (item.empty()) return std::nullopt;
    if (text.size() > 1) text += ',';
    for (const uint8_t byte : item) {
      if (byte == ',' || byte == '\\') text += "\\\\";
      append_quoted(text, byte);
    }
  }
  if (!reader.ok() || value.empty()) return std::nullopt;
  return text + '"';
}

std::optional<std::string> hints_text(BytesView value, Family family) {
  std::string text;
  Reader reader(value);
  IpAddress address;
  address.family = family;
  while (reader.remaining() >= address.size()) {  // ends: takes an address
    std::ranges::copy(reader.bytes(address.size()), address.bytes.begin());
    text += (text.empty() ? "" : ",") + address.to_text();
  }
  if (reader.remaining() > 0 || text.empty()) return std::nullopt;
  return text;
}

// RFC 9460 section 8: whether a key is mandatory and not there. REQUIRES: sound, in order.
bool lacks_mandatory(BytesView params) {
  std::set<uint16_t> keys;
  BytesView mandatory;
  Reader reader(params);
  while (reader.remaining() > 0) {  // ends: takes four bytes
    const uint16_t key = reader.u16();
    const BytesView value = reader.bytes(reader.u16());
    if (key == static_cast<uint16_t>(SvcKey::Mandatory)) mandatory = value;
    keys.insert(key);
  }
  Reader wanted(mandatory);
  while (wanted.remaining() > 0)  // ends: takes two bytes
    if (!keys.contains(wanted.u16())) return true;
  return false;
}

std::optional<std::string> value_text(uint16_t key, BytesView value) {
  switch (static_cast<SvcKey>(key)) {
    case SvcKey::Mandatory:
      return keys_text(value);
    case SvcKey::Alpn:
      return alpn_text(value);
    case SvcKey::NoDefaultAlpn:
      return value.empty() ? std::optional(std::string()) : std::nullopt;
    case SvcKey::Port:
      if (value.size() != 2) return std::nullopt;
      return std::to_string(value[0] << 8 | value[1]);
    case SvcKey::Ipv4Hint:
      return hints_text(value, Family::V4);
    case SvcKey::Ech:
      return value.empty() ? std::nullopt : std::optional(base64(value));
    case SvcKey::Ipv6Hint:
      return hints_text(value, Family::V6);
    default:
      return value.empty() ? std::string() : quoted(value);
  }
}

}  // namespace

std::string quoted(BytesView bytes) {
  std::string text = "\"";
  for (const uint8_t byte : bytes) append_quoted(text, byte);
  return text + '"';
}

std::string escaped(BytesView bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    const bool is_special = byte == ';' || byte == '(' || byte == ')' || byte == '"';
    if (byte == ' ')
      append_decimal(text, byte);
    else if (is_special)
      text += {'\\', static_cast<char>(byte)};
    else
      append_quoted(text, byte);
  }
  return text;
}

std::string hex(BytesView bytes) { return in_digits(bytes, 4, "0123456789ABCDEF"); }

std::string hex_pairs(BytesView bytes) {
  std::string text;
  for (const uint8_t byte : bytes)
    text += (text.empty() ? "" : "-") + in_digits({&byte, 1}, 4, "0123456789abcdef");
  return text;
}

std::string base64(BytesView bytes) {
  std::string text =
      in_digits(bytes, 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::string base32hex(BytesView bytes) {
  return in_digits(bytes, 5, "0123456789ABCDEFGHIJKLMNOPQRSTUV");
}

std::string time_text(uint32_t seconds) {
  using std::chrono::floor;
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 64> text{};
  (void)std::snprintf(text.data(), text.size(), "%04d%02u%02u%02d%02d%02d",
                      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                      static_cast<int>(clock.minutes().count()),
                      static_cast<int>(clock.seconds().count()));
  return text.data();
}

std::optional<std::string> type_set_text(BytesView bitmap) {
  std::string text;
  Reader reader(bitmap);
  int last_window = -1;
  while (reader.ok() && reader.remaining() > 0) {  // ends: takes two bytes or fails
    const uint8_t window = reader.u8();
    const BytesView bits = reader.bytes(reader.u8());
    if (bits.empty() || bits.size() > 32 || window <= last_window || bits.back() == 0)
      return std::nullopt;
    last_window = window;
    for (std::size_t i = 0; i < 8 * bits.size(); ++i)
      if (bits[i / 8] & 0x80 >> i % 8)
        text +=
            (text.empty() ? "" : " ") + to_text(static_cast<Type>(std::size_t{window} * 256 + i));
  }
  if (!reader.ok()) return std::nullopt;
  return text;
}

std::string svc_key_text(uint16_t key) {
  return key < std::size(kSvcKeys) ? kSvcKeys[key] : "key" + std::to_string(key);
}

std::optional<uint16_t> svc_key_from_text(std::string_view text) {
  const auto* const known = std::ranges::find(kSvcKeys, text);
  if (known != std::end(kSvcKeys)) return static_cast<uint16_t>(known - std::begin(kSvcKeys));
  const bool is_number = text.starts_with("key") && (text.size() == 4 || !text.starts_with("key0"));
  const auto key = is_number ? number_of(text.substr(3), UINT16_MAX) : std::nullopt;
  return key ? std::optional(static_cast<uint16_t>(*key)) : std::nullopt;
}

std::optional<std::string> svc_params_text(BytesView params) {
  std::string text;
  Reader reader(params);
  int last_key = -1;
  while (reader.ok() && reader.remaining() > 0) {  // ends: takes four bytes or fails
    const uint16_t key = reader.u16();
    const BytesView bytes = reader.bytes(reader.u16());
    const auto value = value_text(key, bytes);
    if (!reader.ok() || !value || key <= last_key) return std::nullopt;
    last_key = key;
    text += (text.empty() ? "" : " ") + svc_key_text(key) + (value->empty() ? "" : "=" + *value);
  }
  if (!reader.ok() || lacks_mandatory(params)) return std::nullopt;
  return text;
}

}  // namespace dnslet::dns

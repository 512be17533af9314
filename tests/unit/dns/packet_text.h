// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Messages as one line of text, to and from packets:
//
//   NOERROR ad | 60 A 10.0.0.1 / 60 NS ns.test + ns.test 60 A 10.0.0.2
//
// The code, words (aa tc ad cd do opt ede=CODE) and records behind | (answer), / (authority) and
// + (additional): [OWNER] TTL TYPE DATA, where the owner is the name asked unless given. Written
// and read here and in packet.h, not by the code under test.

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string>
#include <vector>

#include "base/address.h"
#include "catch.h"
#include "dns/packet.h"

namespace dnslet::test {

using Words = std::vector<std::string>;

inline Words words_of(const std::string& text) {
  std::istringstream stream(text);
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

inline uint32_t number_of(std::string_view text) {
  uint32_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
  INFO(text);
  REQUIRE(end == text.data() + text.size());
  return number;
}

// The number behind "edns=" in "edns=512"; `missing` if the word is another one.
inline uint32_t value_of(const Words& words, const std::string& key, uint32_t missing) {
  for (const std::string& word : words)
    if (word.starts_with(key + "="))
      return number_of(std::string_view(word).substr(key.size() + 1));
  return missing;
}

inline bool has_word(const Words& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

struct NamedType {
  const char* name;
  uint16_t number;
};

inline constexpr NamedType kTypes[] = {{"A", 1},    {"NS", 2},     {"CNAME", 5},  {"SOA", 6},
                                       {"PTR", 12}, {"MX", 15},    {"TXT", 16},   {"AAAA", 28},
                                       {"SRV", 33}, {"IXFR", 251}, {"AXFR", 252}, {"ANY", 255}};
inline constexpr const char* kCodes[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                         "NXDOMAIN", "NOTIMP",  "REFUSED"};

inline Type type_of(const std::string& text) {
  for (const NamedType& type : kTypes)
    if (text == type.name) return static_cast<Type>(type.number);
  REQUIRE(text.starts_with("TYPE"));
  return static_cast<Type>(number_of(std::string_view(text).substr(4)));
}

inline std::string type_text(uint16_t number) {
  for (const NamedType& type : kTypes)
    if (number == type.number) return type.name;
  return "TYPE" + std::to_string(number);
}

inline uint16_t code_of(const std::string& text) {
  for (uint16_t code = 0; code < std::size(kCodes); ++code)
    if (text == kCodes[code]) return code;
  REQUIRE(text.starts_with("RCODE"));
  return static_cast<uint16_t>(number_of(std::string_view(text).substr(5)));
}

inline std::string code_text(uint16_t code) {
  return code < std::size(kCodes) ? kCodes[code] : "RCODE" + std::to_string(code);
}

// Writing.

inline Bytes rdata_of(Type type, const std::string& text) {
  switch (type) {
    case Type::A:
    case Type::AAAA: {
      const auto address = IpAddress::from_text(text);
      REQUIRE(address);
      return {address->data().begin(), address->data().end()};
    }
    case Type::NS:
    case Type::CNAME:
    case Type::PTR:
      return wire_name(text);
    case Type::SOA:
      return soa_rdata(number_of(text));
    default:
      return hex(text);
  }
}

// `words`: [OWNER] TTL TYPE DATA.
inline TestRecord record_of(Words words) {
  TestRecord record;
  const bool has_owner = words.size() == 4;
  if (has_owner) record.owner = wire_name(words[0]);
  if (has_owner) words.erase(words.begin());
  REQUIRE(words.size() == 3);
  record.ttl = number_of(words[0]);
  record.type = type_of(words[1]);
  record.rdata = rdata_of(record.type, words[2]);
  return record;
}

// The answer to `question` (name, type, …) that `text` describes.
inline Packet message_of(const std::string& question, const std::string& text) {
  constexpr std::string_view kMarks = "|/+";
  const Words asked = words_of(question);
  std::vector<Words> parts(1);
  std::string marks;
  for (const std::string& word : words_of(text)) {
    const bool is_mark = word.size() == 1 && kMarks.find(word[0]) != std::string_view::npos;
    if (is_mark) {
      marks += word;
      parts.emplace_back();
    } else {
      parts.back().push_back(word);
    }
  }

  const Words& head = parts[0];
  const uint16_t code = code_of(head[0]);
  const auto flag = [&](const char* word, unsigned bit) { return has_word(head, word) ? bit : 0U; };
  Packet packet(asked[0], type_of(asked[1]));
  packet.flags(static_cast<uint16_t>(0x8180 | (code & 15) | flag("aa", 0x0400) |
                                     flag("tc", 0x0200) | flag("ad", 0x0020)));
  for (std::size_t i = 0; i < marks.size(); ++i)
    packet.add(static_cast<Section>(kMarks.find(marks[i])), record_of(parts[i + 1]));

  const uint32_t ede = value_of(head, "ede", UINT32_MAX);
  Bytes options;
  if (ede != UINT32_MAX) options = hex("000f 0002");
  if (ede != UINT32_MAX) append_u16(options, ede);
  if (has_word(head, "opt") || !options.empty() || code > 15)
    packet.additional(opt(1232, static_cast<uint32_t>(code >> 4) << 24, options));
  return packet;
}

// Reading.

// Moves `offset` behind the name.
inline std::string read_name(const Bytes& packet, std::size_t& offset) {
  std::string text;
  std::size_t at = offset;
  bool jumped = false;
  for (int steps = 0; packet.at(at) != 0; ++steps) {
    REQUIRE(steps < 300);
    if (packet.at(at) >= 0xc0) {
      if (!jumped) offset = at + 2;
      jumped = true;
      at = u16_at(packet, at) & 0x3fff;
      continue;
    }
    if (!text.empty()) text += '.';
    for (std::size_t i = 1; i <= packet.at(at); ++i) text += static_cast<char>(packet.at(at + i));
    at += packet[at] + std::size_t{1};
  }
  if (!jumped) offset = at + 1;
  return text.empty() ? "." : text;
}

inline std::string hex_text(BytesView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

inline std::string read_rdata(const Bytes& packet, uint16_t type, BytesView rdata) {
  std::size_t start = static_cast<std::size_t>(rdata.data() - packet.data());
  IpAddress address;
  switch (static_cast<Type>(type)) {
    case Type::A:
    case Type::AAAA:
      address.family = rdata.size() == 4 ? Family::V4 : Family::V6;
      std::ranges::copy(rdata, address.bytes.begin());
      return address.to_text();
    case Type::NS:
    case Type::CNAME:
    case Type::PTR:
      return read_name(packet, start);
    case Type::SOA:
      return std::to_string(u32_at(rdata, rdata.size() - 4));
    case Type::TXT:
      return std::string(rdata.begin() + 1, rdata.end());
    default:
      return hex_text(rdata);
  }
}

// A message as text; REQUIRES what every packet of ours must be: whole and without trailing bytes.
struct ReadMessage {
  std::string text;      // code, words, records
  std::string question;  // "name TYPE"
  Bytes question_bytes;
  uint16_t id = 0;
  uint16_t flags = 0;
  int opts = 0;
};

// One record. An OPT gives its words to `words` and the upper bits of the code to `code`.
inline std::string read_record(const Bytes& packet, std::size_t& offset, ReadMessage& message,
                               uint16_t& code) {
  const std::string owner = read_name(packet, offset);
  const uint16_t type = u16_at(packet, offset);
  const uint32_t ttl = u32_at(packet, offset + 4);
  const std::size_t size = u16_at(packet, offset + 8);
  REQUIRE(offset + 10 + size <= packet.size());
  const BytesView rdata = BytesView(packet).subspan(offset + 10, size);
  offset += 10 + size;
  if (type == 41) {
    CHECK(owner == ".");
    CHECK(u16_at(packet, offset - size - 8) == 1232);
    CHECK((ttl & 0x00ff7fff) == 0);
    ++message.opts;
    code = static_cast<uint16_t>(code | ttl >> 24 << 4);
    if ((ttl & kDo) != 0) message.text += " do";
    if (!rdata.empty()) message.text += " ede=" + std::to_string(u16_at(rdata, 4));
    return "";
  }
  const std::string asked = message.question.substr(0, message.question.find(' '));
  return (owner == asked ? "" : owner + " ") + std::to_string(ttl) + " " + type_text(type) + " " +
         read_rdata(packet, type, rdata);
}

inline ReadMessage read_message(const Bytes& packet) {
  REQUIRE(packet.size() >= 12);
  ReadMessage message;
  message.id = u16_at(packet, 0);
  message.flags = u16_at(packet, 2);
  std::size_t offset = 12;
  if (u16_at(packet, 4) == 1) {
    message.question = read_name(packet, offset);
    message.question += ' ' + type_text(u16_at(packet, offset));
    offset += 4;
  }
  message.question_bytes.assign(packet.begin() + 12,
                                packet.begin() + static_cast<std::ptrdiff_t>(offset));
  for (const auto& [word, bit] : {std::pair(" aa", 0x0400), std::pair(" tc", 0x0200),
                                  std::pair(" ad", 0x0020), std::pair(" cd", 0x0010)})
    if ((message.flags & bit) != 0) message.text += word;

  uint16_t code = message.flags & 15;
  std::string records;
  for (std::size_t section = 0; section < 3; ++section) {
    for (std::size_t left = u16_at(packet, 6 + 2 * section); left > 0; --left) {
      const std::string record = read_record(packet, offset, message, code);
      if (!record.empty()) records += std::string(" ") + "|/+"[section] + ' ' + record;
    }
  }
  CHECK(offset == packet.size());
  message.text = code_text(code) + message.text + records;
  return message;
}

}  // namespace dnslet::test

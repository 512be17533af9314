// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Packets for tests, written without the code under test: a mistake made on both sides would not
// be seen. Only the numbers of dns/message.h are shared.

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "dns/message.h"

namespace dnslet::test {

using dns::Bytes;
using dns::BytesView;
using dns::Section;
using dns::Type;

// Hex digits, blanks between them or not.
inline Bytes hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  Bytes bytes;
  bool is_high = true;
  for (const char c : text) {
    if (c == ' ') continue;
    const auto digit = static_cast<uint8_t>(kDigits.find(c));
    if (is_high) bytes.push_back(0);
    bytes.back() = static_cast<uint8_t>(bytes.back() << 4 | digit);
    is_high = !is_high;
  }
  return bytes;
}

inline void append(Bytes& bytes, BytesView more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

inline void append_u16(Bytes& bytes, std::size_t value) {
  bytes.push_back(static_cast<uint8_t>(value >> 8 & 0xff));
  bytes.push_back(static_cast<uint8_t>(value & 0xff));
}

inline void append_u32(Bytes& bytes, uint32_t value) {
  append_u16(bytes, value >> 16);
  append_u16(bytes, value & 0xffff);
}

inline uint16_t u16_at(BytesView bytes, std::size_t offset) {
  return static_cast<uint16_t>(bytes[offset] << 8 | bytes[offset + 1]);
}

inline uint32_t u32_at(BytesView bytes, std::size_t offset) {
  return static_cast<uint32_t>(u16_at(bytes, offset)) << 16 | u16_at(bytes, offset + 2);
}

// "db.test" or "." in wire form, letters as they are. No escapes.
inline Bytes wire_name(std::string_view text) {
  Bytes wire;
  while (!text.empty() && text != ".") {
    const std::string_view label = text.substr(0, text.find('.'));
    wire.push_back(static_cast<uint8_t>(label.size()));
    wire.insert(wire.end(), label.begin(), label.end());
    text.remove_prefix(std::min(label.size() + 1, text.size()));
  }
  wire.push_back(0);
  return wire;
}

inline const Bytes kToQuestion = {0xc0, 0x0c};  // a pointer to the question's name
inline const Bytes kRoot = {0};

// The RDATA of a SOA with this MINIMUM.
inline Bytes soa_rdata(uint32_t minimum) {
  Bytes rdata = kToQuestion;
  append(rdata, kRoot);
  for (const uint32_t number : {1U, 2U, 3U, 4U, minimum}) append_u32(rdata, number);
  return rdata;
}

struct TestRecord {
  Bytes owner = kToQuestion;
  Type type = Type::A;
  uint32_t ttl = 60;
  Bytes rdata = {192, 0, 2, 1};
  uint16_t rclass = 1;
};

// An OPT record (RFC 6891 section 6.1.2).
inline TestRecord opt(uint16_t payload = 1232, uint32_t ttl = 0, const Bytes& options = {}) {
  return {kRoot, Type::OPT, ttl, options, payload};
}

inline constexpr uint32_t kDo = 0x8000;  // in the TTL of OPT

class Packet {
 public:
  Packet(std::string_view name, Type type, uint16_t qclass = 1) : bytes_(12) {
    bytes_[5] = 1;
    append(bytes_, wire_name(name));
    append_u16(bytes_, static_cast<uint16_t>(type));
    append_u16(bytes_, qclass);
  }

  Packet& id(uint16_t value) { return set(0, value); }
  Packet& flags(uint16_t value) { return set(2, value); }
  // A count that is not true: 0 questions, 1 answer, 2 authority, 3 additional.
  Packet& count(std::size_t section, uint16_t value) { return set(4 + 2 * section, value); }
  // Records go in the order of the sections.
  Packet& add(Section section, const TestRecord& record) {
    append(bytes_, record.owner);
    append_u16(bytes_, static_cast<uint16_t>(record.type));
    append_u16(bytes_, record.rclass);
    append_u32(bytes_, record.ttl);
    append_u16(bytes_, record.rdata.size());
    append(bytes_, record.rdata);
    const std::size_t offset = 6 + 2 * static_cast<std::size_t>(section);
    return set(offset, static_cast<uint16_t>(u16_at(bytes_, offset) + 1));
  }
  Packet& answer(const TestRecord& record = {}) { return add(Section::Answer, record); }
  Packet& authority(const TestRecord& record = {}) { return add(Section::Authority, record); }
  Packet& additional(const TestRecord& record = {}) { return add(Section::Additional, record); }
  Packet& raw(BytesView more) {
    append(bytes_, more);
    return *this;
  }

  const Bytes& bytes() const { return bytes_; }
  operator BytesView() const { return bytes_; }  // NOLINT(google-explicit-constructor): a borrow

 private:
  Packet& set(std::size_t offset, uint16_t value) {
    bytes_[offset] = static_cast<uint8_t>(value >> 8);
    bytes_[offset + 1] = static_cast<uint8_t>(value & 0xff);
    return *this;
  }

  Bytes bytes_;
};

// A small generator with the same sequence everywhere (SplitMix64).
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  // 0 to sides - 1.
  std::size_t roll(std::size_t sides) {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<std::size_t>((z ^ (z >> 31)) % sides);
  }

 private:
  uint64_t state_;
};

}  // namespace dnslet::test

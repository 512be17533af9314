// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/name.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace dnslet::dns {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

BytesView bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::optional<uint8_t> digit(BytesView label, unsigned base) {
  if (label.size() != 1) return std::nullopt;
  const std::size_t value = kHexDigits.substr(0, base).find(static_cast<char>(label[0]));
  if (value == std::string_view::npos) return std::nullopt;
  return static_cast<uint8_t>(value);
}

// A label of in-addr.arpa: decimal, at most 255, no leading zero.
std::optional<uint8_t> octet(BytesView label) {
  if (label.empty() || label.size() > 3) return std::nullopt;
  if (label.size() > 1 && label[0] == '0') return std::nullopt;
  unsigned value = 0;
  for (const uint8_t byte : label) {
    const auto next = digit({&byte, 1}, 10);
    if (!next) return std::nullopt;
    value = value * 10 + *next;
  }
  if (value > 255) return std::nullopt;
  return static_cast<uint8_t>(value);
}

bool is_zone(NameView name, std::string_view text) { return name == *Name::from_text(text); }

std::optional<IpAddress> v4_of_reverse(NameView name) {
  IpAddress address;
  for (std::size_t i = 4; i-- > 0; name = name.parent()) {
    const auto value = octet(name.first_label());
    if (!value) return std::nullopt;
    address.bytes[i] = *value;
  }
  if (!is_zone(name, "in-addr.arpa")) return std::nullopt;
  return address;
}

std::optional<IpAddress> v6_of_reverse(NameView name) {
  IpAddress address;
  address.family = Family::V6;
  for (std::size_t i = 32; i-- > 0; name = name.parent()) {
    const auto value = digit(name.first_label(), 16);
    if (!value) return std::nullopt;
    address.bytes[i / 2] = static_cast<uint8_t>(address.bytes[i / 2] | *value << (i % 2 ? 0 : 4));
  }
  if (!is_zone(name, "ip6.arpa")) return std::nullopt;
  return address;
}

// One character of text, escapes resolved (RFC 1035 section 5.1). Advances `text`.
std::optional<uint8_t> next_byte(std::string_view& text) {
  const char first = text.front();
  text.remove_prefix(1);
  if (first != '\\') {
    if (static_cast<signed char>(first) <= ' ' || first == 127)
      return std::nullopt;  // bytes above 127 are negative here
    return static_cast<uint8_t>(first);
  }
  if (text.empty()) return std::nullopt;
  if (!digit(bytes_of(text.substr(0, 1)), 10)) {
    const char escaped = text.front();
    text.remove_prefix(1);
    return static_cast<uint8_t>(escaped);
  }
  if (text.size() < 3) return std::nullopt;
  unsigned value = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto next = digit(bytes_of(text.substr(i, 1)), 10);
    if (!next) return std::nullopt;
    value = value * 10 + *next;
  }
  text.remove_prefix(3);
  if (value > 255) return std::nullopt;
  return static_cast<uint8_t>(value);
}

// What means something in a master file (RFC 1035 section 5.1).
constexpr std::string_view kMarks = ".\\\"();@$";

void append_text(std::string& text, uint8_t byte) {
  if (byte > ' ' && byte < 127) {
    if (kMarks.find(static_cast<char>(byte)) != std::string_view::npos) text += '\\';
    text += static_cast<char>(byte);
    return;
  }
  text += '\\';
  text += static_cast<char>('0' + byte / 100);
  text += static_cast<char>('0' + byte / 10 % 10);
  text += static_cast<char>('0' + byte % 10);
}

// fold() for eight bytes at once: bit 7 of each byte tells whether it is at least 'A', or above
// 'Z'; no sum carries into the next byte.
constexpr uint64_t fold_word(uint64_t word) {
  constexpr uint64_t kEach = 0x0101010101010101;
  const uint64_t low = word & kEach * 0x7f;
  const uint64_t from_a = low + kEach * (0x80 - 'A');
  const uint64_t above_z = low + kEach * (0x7f - 'Z');
  const uint64_t capitals = from_a & ~above_z & ~word & kEach * 0x80;
  return word | capitals >> 2;  // 0x20
}

// fold() for all bytes of a name on their way; `to` may be `from`. The last eight are a word of
// their own: some are folded twice.
void copy_folded(BytesView from, MutableBytesView to) {
  constexpr std::size_t kWord = sizeof(uint64_t);
  const std::size_t size = from.size();
  const MutableBytesView target = to.first(size);
  const auto copy_word = [&](std::size_t offset) {
    uint64_t word = 0;
    std::memcpy(&word, from.data() + offset, sizeof word);
    word = fold_word(word);
    std::memcpy(target.data() + offset, &word, sizeof word);
  };
  if (size < kWord) {
    std::ranges::transform(from, target.begin(), fold);
    return;
  }
  for (std::size_t i = 0; i + kWord < size; i += kWord) copy_word(i);
  copy_word(size - kWord);
}

// Whether there was room, with some left for the root.
bool append_label(ShortBytes& wire, BytesView label) {
  if (wire.size() + 1 + label.size() + 1 > kMaxName) return false;
  const auto length = static_cast<uint8_t>(label.size());
  wire.append({&length, 1});
  wire.append(label);
  return true;
}

// The bytes of a name without compression; empty: broken.
BytesView read_wire_name(Reader& reader) {
  const BytesView rest = reader.rest();
  std::size_t root = 0;
  while (root < rest.size() && rest[root] != 0) {  // ends: a label is at least one byte
    if (rest[root] > kMaxLabel) return {};
    root += std::size_t{1} + rest[root];
  }
  return root < std::min(rest.size(), kMaxName) ? reader.bytes(root + 1) : BytesView();
}

}  // namespace

std::size_t NameView::labels() const {
  std::size_t count = 0;
  for (NameView rest = *this; !rest.is_root(); rest = rest.parent()) ++count;
  return count;
}

std::size_t NameView::dots() const {
  const std::size_t count = labels();
  return count == 0 ? 0 : count - 1;
}

bool NameView::is_within(NameView zone) const {
  NameView rest = *this;
  while (rest.wire_.size() > zone.wire_.size()) rest = rest.parent();
  return rest == zone;
}

std::string NameView::to_text() const {
  if (is_root()) return ".";
  std::string text;
  for (NameView rest = *this; !rest.is_root(); rest = rest.parent()) {
    if (!text.empty()) text += '.';
    for (const uint8_t byte : rest.first_label()) append_text(text, byte);
  }
  return text;
}

Name::Name(const ShortBytes& wire) { copy_folded(wire.view(), wire_.resize(wire.size())); }

std::optional<Name> Name::from_wire(Reader& reader) {
  std::optional<Name> name(std::in_place);
  if (!name->read_wire(reader)) name.reset();
  return name;
}

bool Name::read_wire(Reader& reader) {
  const BytesView wire = read_wire_name(reader);
  if (wire.empty()) return false;
  copy_folded(wire, wire_.resize(wire.size()));
  return true;
}

std::optional<Name> Name::from_message(BytesView message, Reader& reader) {
  JumpBudget jumps;
  return from_message(message, reader, jumps);
}

std::optional<Name> Name::from_message(BytesView message, Reader& reader, JumpBudget& jumps) {
  // With a pointer to the first label and one behind each of 127 no name needs more. The walk would
  // end without this, as a jump goes below every place that was read before (RFC 1035 section
  // 4.1.4), but a hostile message has room for chains of thousands, and for thousands of owners.
  constexpr std::size_t kMaxJumps = 128;
  ShortBytes wire;
  Reader labels = reader;
  std::size_t taken = 0;
  std::size_t lowest = reader.offset();
  while (true) {
    const uint8_t length = labels.u8();
    if (!labels.ok()) return std::nullopt;
    if (length == 0) break;
    if (length <= kMaxLabel) {
      if (!append_label(wire, labels.bytes(length)) || !labels.ok()) return std::nullopt;
      continue;
    }
    if (length < 0xc0) return std::nullopt;
    const std::size_t target = static_cast<std::size_t>(length & 0x3f) << 8 | labels.u8();
    if (!labels.ok() || target < kHeaderSize || target >= lowest) return std::nullopt;
    if (taken == kMaxJumps || jumps.left == 0) return std::nullopt;
    --jumps.left;
    if (taken++ == 0) reader = labels;
    labels = Reader(message.first(lowest));  // what is pointed to ends before what points to it
    labels.skip(target);
    lowest = target;
  }
  if (taken == 0) reader = labels;
  wire.append(kRootWire);
  return Name(wire);
}

std::optional<Name> Name::from_text(std::string_view text) {
  if (text == ".") return Name();
  if (text.empty()) return std::nullopt;
  ShortBytes wire;
  while (!text.empty()) {
    std::array<uint8_t, kMaxLabel> label{};
    std::size_t length = 0;
    while (!text.empty() && text.front() != '.') {
      const auto byte = next_byte(text);
      if (!byte || length == kMaxLabel) return std::nullopt;
      label[length++] = *byte;
    }
    if (length == 0 || !append_label(wire, BytesView(label.data(), length))) return std::nullopt;
    if (!text.empty()) text.remove_prefix(1);
  }
  wire.append(kRootWire);
  return Name(wire);
}

std::optional<Name> Name::join(NameView left, NameView right) {
  const BytesView labels = left.wire().first(left.wire().size() - 1);
  if (labels.size() + right.wire().size() > kMaxName) return std::nullopt;
  Name name{NameView(labels)};
  name.wire_.append(right.wire());
  return name;
}

std::optional<IpAddress> address_of_reverse(NameView name) {
  const std::size_t labels = name.labels();
  if (labels == 6) return v4_of_reverse(name);
  if (labels == 34) return v6_of_reverse(name);
  return std::nullopt;
}

Name reverse_of(const IpAddress& address) {
  const auto bytes = address.data();
  const bool is_v4 = address.family == Family::V4;
  std::string text;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    if (is_v4)
      text += std::to_string(bytes[i]) + '.';
    else
      text += {kHexDigits[bytes[i] & 15], '.', kHexDigits[bytes[i] >> 4], '.'};
  }
  return *Name::from_text(text + (is_v4 ? "in-addr.arpa" : "ip6.arpa"));
}

}  // namespace dnslet::dns

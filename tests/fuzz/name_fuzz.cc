// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Names from text, from wire and from the middle of a packet: round trips, and the relations
// between two names against slow words for the same.

#include <cassert>
#include <string>
#include <vector>

#include "dns/name.h"
#include "input.h"

namespace {

using namespace dnslet;
using dns::Name, dns::NameView;

std::vector<std::string> labels_of(NameView name) {
  std::vector<std::string> labels;
  for (; !name.is_root(); name = name.parent())
    labels.insert(labels.begin(), fuzz::text_of(name.first_label()));
  return labels;
}

void check_round_trips(const Name& name) {
  const dns::BytesView wire = name.view().wire();
  assert(!wire.empty() && wire.size() <= dns::kMaxName);
  assert(std::ranges::none_of(wire, [](std::uint8_t byte) { return byte != dns::fold(byte); }));
  dns::Reader reader(wire);
  assert(Name::from_wire(reader) == name && reader.remaining() == 0);

  const std::string text = name.view().to_text();
  assert(std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; }));
  assert(Name::from_text(text) == name);
  assert(Name::from_text(name.view().is_root() ? text : text + ".") == name);
}

// A name that begins at `offset` of what stands behind a header.
void check_message(const dns::Bytes& bytes, std::size_t offset) {
  dns::Bytes packet(dns::kHeaderSize);
  packet.insert(packet.end(), bytes.begin(), bytes.end());
  packet.shrink_to_fit();
  offset += dns::kHeaderSize;
  dns::Reader reader(packet);
  reader.skip(offset);
  if (!reader.ok()) return;
  dns::Reader plain = reader;
  const auto name = Name::from_message(packet, reader);
  const auto uncompressed = Name::from_wire(plain);
  assert(!uncompressed || (name == uncompressed && reader.offset() == plain.offset()));
  if (!name) return;
  assert(reader.offset() > offset && reader.offset() <= packet.size());
  check_round_trips(*name);
}

void check_pair(NameView left, NameView right) {
  const auto labels = labels_of(left);
  const auto zone = labels_of(right);
  assert(left.labels() == labels.size());
  const bool is_within =
      labels.size() >= zone.size() && std::equal(zone.begin(), zone.end(), labels.begin());
  assert(left.is_within(right) == is_within);

  const auto joined = Name::join(left, right);
  assert(joined.has_value() == (left.wire().size() - 1 + right.wire().size() <= dns::kMaxName));
  if (!joined) return;
  check_round_trips(*joined);
  assert(joined->view().is_within(right));
  assert(joined->view().labels() == labels.size() + zone.size());
}

// An address stands in its own reverse name, one digit or octet a label.
void check_reverse(NameView name) {
  const auto address = dns::address_of_reverse(name);
  if (!address) return;
  const bool is_v4 = address->family == Family::V4;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = is_v4 ? "in-addr.arpa" : "ip6.arpa";
  for (const std::uint8_t byte : address->data()) {
    if (is_v4) text = std::to_string(byte) + "." + text;
    if (!is_v4) text = std::string{kDigits[byte & 15], '.', kDigits[byte >> 4], '.'} + text;
  }
  assert(Name::from_text(text) == Name(name));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::size_t offset = input.word();
  const dns::Bytes bytes = input.rest();
  check_message(bytes, offset);

  if (const auto name = Name::from_text(fuzz::text_of(bytes))) {
    check_round_trips(*name);
    check_reverse(*name);
  }
  dns::Reader reader(bytes);
  const auto left = Name::from_wire(reader);
  const auto right = left ? Name::from_wire(reader) : std::nullopt;
  if (!left) return 0;
  check_round_trips(*left);
  check_reverse(*left);
  check_pair(*left, *left);
  if (right) check_pair(*left, *right);
  return 0;
}

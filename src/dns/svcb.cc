// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/svcb.h"

#include <algorithm>
#include <vector>

#include "dns/rewrite.h"

namespace dnslet::dns {
namespace {

constexpr uint16_t kMandatory = 0;

// A parameter of a record; borrows the RDATA.
struct Param {
  uint16_t key;
  BytesView value;
};

// RFC 9460 section 2.2: keys in increasing order, each once. nullopt: malformed.
std::optional<std::vector<Param>> read_params(Reader& reader) {
  std::vector<Param> params;
  while (reader.ok() && reader.remaining() > 0) {  // ends: takes four bytes or fails
    const uint16_t key = reader.u16();
    const BytesView value = reader.bytes(reader.u16());
    if (!params.empty() && key <= params.back().key) return std::nullopt;
    params.push_back({key, value});
  }
  if (!reader.ok()) return std::nullopt;
  return params;
}

// RFC 9460 section 8: a list of keys in increasing order, not empty, without itself.
std::optional<std::vector<uint16_t>> read_mandatory(BytesView value) {
  std::vector<uint16_t> keys;
  Reader reader(value);
  while (reader.ok() && reader.remaining() > 0) {  // ends: takes two bytes or fails
    const uint16_t key = reader.u16();
    if (key == kMandatory || (!keys.empty() && key <= keys.back())) return std::nullopt;
    keys.push_back(key);
  }
  if (!reader.ok() || keys.empty()) return std::nullopt;
  return keys;
}

void write_param(Writer& rdata, uint16_t key, BytesView value) {
  rdata.u16(key);
  rdata.u16(static_cast<uint16_t>(value.size()));
  rdata.bytes(value);
}

// The list without this key; nothing is written where it was the only one.
void write_mandatory(Writer& rdata, std::vector<uint16_t> keys, uint16_t without) {
  std::erase(keys, without);
  if (keys.empty()) return;

  rdata.u16(kMandatory);
  rdata.u16(static_cast<uint16_t>(keys.size() * 2));
  for (const uint16_t key : keys) rdata.u16(key);
}

std::optional<Bytes> without_param(BytesView rdata, uint16_t without) {
  Reader reader(rdata);
  reader.skip(2);  // the priority
  if (!Name::from_wire(reader)) return std::nullopt;
  const std::size_t head = rdata.size() - reader.remaining();
  const auto params = read_params(reader);
  if (!params) return std::nullopt;

  Bytes out(rdata.size());  // room enough: what is left out makes it shorter
  Writer rest(out);
  rest.bytes(rdata.first(head));
  bool is_there = false;
  for (const Param& param : *params) {
    if (param.key == kMandatory) {
      const auto keys = read_mandatory(param.value);
      if (!keys) return std::nullopt;
      write_mandatory(rest, *keys, without);
    } else if (param.key != without) {
      write_param(rest, param.key, param.value);
    }
    is_there = is_there || param.key == without;
  }
  if (!is_there) return std::nullopt;
  out.resize(rest.size());
  return out;
}

// The addresses that a hint holds.
void add_addresses(Family family, BytesView value, std::vector<IpAddress>& addresses) {
  IpAddress address;
  address.family = family;
  while (value.size() >= address.size()) {  // ends: takes an address each turn
    std::ranges::copy(value.first(address.size()), address.bytes.begin());
    addresses.push_back(address);
    value = value.subspan(address.size());
  }
}

}  // namespace

std::vector<IpAddress> hints_of(BytesView rdata) {
  std::vector<IpAddress> addresses;
  Reader reader(rdata);
  reader.skip(2);  // the priority
  if (!Name::from_wire(reader)) return addresses;
  while (reader.ok() && reader.remaining() > 0) {  // ends: takes four bytes or fails
    const uint16_t key = reader.u16();
    const BytesView value = reader.bytes(reader.u16());
    if (key == static_cast<uint16_t>(Hint::Ipv4)) add_addresses(Family::V4, value, addresses);
    if (key == static_cast<uint16_t>(Hint::Ipv6)) add_addresses(Family::V6, value, addresses);
  }
  return addresses;
}

std::optional<Bytes> without_hints(const Message& message, Hint hint) {
  constexpr uint16_t kKept = 0xffff & ~flag::kAd;
  Bytes out(kMaxMessage);
  RecordWriter writer(message, out);
  writer.write_head(message.flags() & kKept, message.question());
  bool is_changed = false;
  message.for_each_record([&](const Record& record) {
    const auto rdata = has_params(record.type)
                           ? without_param(message.rdata(record), static_cast<uint16_t>(hint))
                           : std::nullopt;
    is_changed = is_changed || rdata;
    writer.write(record, record.ttl, rdata ? std::optional<BytesView>(*rdata) : std::nullopt);
  });
  if (!is_changed) return std::nullopt;
  out.resize(writer.finish());
  return out;
}

std::optional<Answer> without_hints(const Answer& answer, Hint hint) {
  const auto message = Message::parse(answer.message());
  auto rest = message ? without_hints(*message, hint) : std::nullopt;
  return rest ? std::optional<Answer>(std::in_place, std::move(*rest), answer.error())
              : std::nullopt;
}

}  // namespace dnslet::dns

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/flatten.h"

#include <algorithm>
#include <array>

#include "dns/patch.h"

namespace dnslet::dns {
namespace {

constexpr std::size_t kRecordHead = 12;  // pointer to the question, type, class, TTL, length
constexpr std::size_t kMaxAddresses = kMinUdpPayload / (kRecordHead + 4);

// Where the chain leads. The addresses are copies: they are written over what they were read from.
struct ChainEnd {
  std::size_t aliases = 0;
  std::size_t addresses = 0;  // all, also those beyond kMaxAddresses
  uint32_t ttl = UINT32_MAX;  // the smallest of the chain's and of the addresses copied
  std::array<std::array<uint8_t, 16>, kMaxAddresses> bytes;
};

std::size_t address_size(Type type) { return type == Type::A ? 4 : 16; }

// Follows the chain in the order of the records, once: as servers write it.
void follow(const Message& message, ChainEnd& end) {
  const Type type = message.question().type;
  Name owner = message.question().name;
  message.for_each_record([&](const Record& record) {
    const bool is_alias = record.type == Type::CNAME;
    const bool is_address =
        record.type == type && record.end - record.rdata() == address_size(type);
    if (record.section != Section::Answer || (!is_alias && !is_address)) return;
    if (message.owner(record) != owner) return;
    end.ttl = std::min(end.ttl, record.ttl);
    if (is_alias) {
      owner = message.name_at(record.rdata());
      ++end.aliases;
      return;
    }
    if (end.addresses < kMaxAddresses)
      std::ranges::copy(message.rdata(record), end.bytes[end.addresses].begin());
    ++end.addresses;
  });
}

std::size_t answer_end(const Message& message) {
  std::size_t end = message.question_end();
  message.for_each_record([&](const Record& record) {
    if (record.section == Section::Answer) end = record.end;
  });
  return end;
}

}  // namespace

std::size_t flatten(MutableBytesView message, std::size_t limit, const Query& query) {
  const auto parsed = Message::parse(message);
  const Type type = query.question.type;
  const bool asks_for_addresses = type == Type::A || type == Type::AAAA;
  if (!parsed || !asks_for_addresses || answer_end(*parsed) <= limit)
    return cut(message, limit, query);

  ChainEnd end;
  follow(*parsed, end);
  if (end.aliases == 0 || end.addresses == 0) return cut(message, limit, query);

  const std::size_t size = kRecordHead + address_size(type);
  const std::size_t fitting = (limit - parsed->question_end()) / size;
  const std::size_t kept = std::min({end.addresses, fitting, kMaxAddresses});
  const unsigned flags = parsed->flags() & ~unsigned{flag::kAd};
  Writer writer(message.first(parsed->question_end() + kept * size));
  writer.u16(parsed->id());
  writer.u16(static_cast<uint16_t>(flags | (kept < end.addresses ? flag::kTc : 0U)));
  writer.u16(1);
  writer.u16(static_cast<uint16_t>(kept));
  writer.u32(0);
  writer.bytes(query.spelling.wire());
  writer.u16(static_cast<uint16_t>(type));
  writer.u16(static_cast<uint16_t>(query.question.qclass));
  for (std::size_t i = 0; i < kept; ++i) {
    writer.u16(0xc000 | kHeaderSize);
    writer.u16(static_cast<uint16_t>(type));
    writer.u16(static_cast<uint16_t>(query.question.qclass));
    writer.u32(end.ttl);
    writer.u16(static_cast<uint16_t>(address_size(type)));
    writer.bytes(BytesView(end.bytes[i]).first(address_size(type)));
  }
  return writer.size();
}

}  // namespace dnslet::dns

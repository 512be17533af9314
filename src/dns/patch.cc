// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/patch.h"

#include <algorithm>
#include <array>

namespace dnslet::dns {
namespace {

// Views of a few bytes of a message, for reading and for writing.
uint16_t read_u16(BytesView message, std::size_t offset) {
  Reader reader(message.subspan(offset, 2));
  return reader.u16();
}

uint32_t read_u32(BytesView message, std::size_t offset) {
  Reader reader(message.subspan(offset, 4));
  return reader.u32();
}

void write_u16(MutableBytesView message, std::size_t offset, uint16_t value) {
  Writer writer(message.subspan(offset, 2));
  writer.u16(value);
}

void write_u32(MutableBytesView message, std::size_t offset, uint32_t value) {
  Writer writer(message.subspan(offset, 4));
  writer.u32(value);
}

// Where each section ends, and how many answer records fit below a limit.
struct Extents {
  std::size_t answer_end = 0;
  std::size_t authority_end = 0;
  std::size_t fitting_answers = 0;
  std::size_t fitting_end = 0;
};

Extents measure(const Message& message, std::size_t limit) {
  Extents extents;
  extents.answer_end = extents.authority_end = extents.fitting_end = message.question_end();
  message.for_each_record([&](const Record& record) {
    if (record.section == Section::Additional) return;
    extents.authority_end = record.end;
    if (record.section == Section::Authority) return;
    extents.answer_end = record.end;
    if (record.end > limit) return;
    ++extents.fitting_answers;
    extents.fitting_end = record.end;
  });
  return extents;
}

bool is_address(const Record& record) {
  const std::size_t size = record.end - record.rdata();
  return (record.type == Type::A && size == 4) || (record.type == Type::AAAA && size == 16);
}

// Neighbouring address records of one owner, and where their addresses lie.
struct AddressSet {
  Name owner;
  Type type = Type::A;
  std::vector<std::size_t> offsets;

  bool takes(const Message& message, const Record& record) const {
    return record.type == type && message.owner(record) == owner;
  }
};

void rotate_set(MutableBytesView message, const AddressSet& set, uint32_t turn) {
  const std::size_t count = set.offsets.size();
  if (count < 2 || turn % count == 0) return;
  const std::size_t size = set.type == Type::A ? 4 : 16;
  Bytes addresses;
  for (const std::size_t offset : set.offsets) {
    const BytesView address = message.subspan(offset, size);
    addresses.insert(addresses.end(), address.begin(), address.end());
  }
  for (std::size_t i = 0; i < count; ++i) {
    const BytesView next = BytesView(addresses).subspan((i + turn) % count * size, size);
    copy_bytes(next, message.subspan(set.offsets[i]));
  }
}

void set_count(MutableBytesView message, Section section, std::size_t count) {
  write_u16(message, 6 + 2 * static_cast<std::size_t>(section), static_cast<uint16_t>(count));
}

// Leaves header and question, with SERVFAIL.
std::size_t strip(MutableBytesView message, const Query& query) {
  for (const Section section : {Section::Answer, Section::Authority, Section::Additional})
    set_count(message, section, 0);
  const unsigned flags = read_u16(message, 2) & ~unsigned{flag::kRcode | flag::kAd | flag::kTc};
  write_u16(message, 2, static_cast<uint16_t>(flags | static_cast<unsigned>(Rcode::ServFail)));
  return kHeaderSize + query.spelling.wire().size() + 4;
}

}  // namespace

void address_to(MutableBytesView message, const Query& query) {
  constexpr uint16_t kFromUpstream = flag::kTc | flag::kAd | flag::kRcode;
  constexpr uint16_t kFromClient = flag::kRd | flag::kCd;
  auto flags = static_cast<uint16_t>(read_u16(message, 2) & kFromUpstream);
  if (!query.has(flag::kAd) && !query.dnssec_ok()) flags &= static_cast<uint16_t>(~flag::kAd);
  flags |= static_cast<uint16_t>(flag::kQr | flag::kRa | (query.flags & kFromClient));

  Writer head(message);
  head.u16(query.id);
  head.u16(flags);
  copy_bytes(query.spelling.wire(), message.subspan(kHeaderSize));
}

void fold_question(MutableBytesView message, NameView name) {
  copy_bytes(name.wire(), message.subspan(kHeaderSize));
}

void find_ttls(const Message& message, std::vector<uint16_t>& offsets) {
  offsets.clear();
  message.for_each_record([&](const Record& record) {
    if (record.type != Type::OPT) offsets.push_back(static_cast<uint16_t>(record.ttl_offset()));
  });
}

// Reads what was there before: reading what has just been copied in larger pieces takes longer.
void copy_counted_down(BytesView message, MutableBytesView copy, std::span<const uint16_t> offsets,
                       uint32_t age) {
  copy_bytes(message, copy);
  if (age == 0) return;
  for (const uint16_t offset : offsets) {
    const uint32_t ttl = read_u32(message, offset);
    write_u32(copy, offset, ttl > age ? ttl - age : 0);
  }
}

void set_ttls(MutableBytesView message, std::span<const uint16_t> offsets, uint32_t ttl) {
  for (const uint16_t offset : offsets) write_u32(message, offset, ttl);
}

void rotate(MutableBytesView message, uint32_t turn) {
  const auto parsed = Message::parse(message);
  if (!parsed) return;
  AddressSet set;
  parsed->for_each_record([&](const Record& record) {
    if (record.section != Section::Answer || !is_address(record)) return;
    if (!set.offsets.empty() && !set.takes(*parsed, record)) {
      rotate_set(message, set, turn);
      set.offsets.clear();
    }
    if (set.offsets.empty()) set = {parsed->owner(record), record.type, {}};
    set.offsets.push_back(record.rdata());
  });
  rotate_set(message, set, turn);
}

void make_no_data(MutableBytesView message) {
  constexpr unsigned kGone = flag::kRcode | flag::kAd;
  write_u16(message, 2, static_cast<uint16_t>(read_u16(message, 2) & ~kGone));
}

std::size_t cut(MutableBytesView message, std::size_t limit, const Query& query) {
  const auto parsed = Message::parse(message);
  if (!parsed) return strip(message, query);
  if (parsed->size() <= limit) return parsed->size();

  const Extents extents = measure(*parsed, limit);
  const bool proof_is_needed = query.dnssec_ok() || parsed->count(Section::Answer) == 0;
  const bool has_authority = parsed->count(Section::Authority) > 0;
  set_count(message, Section::Additional, 0);
  if (extents.authority_end <= limit) return extents.authority_end;

  set_count(message, Section::Authority, 0);
  const bool answers_fit = extents.answer_end <= limit;
  if (!answers_fit) set_count(message, Section::Answer, extents.fitting_answers);
  if (!answers_fit || (has_authority && proof_is_needed))
    write_u16(message, 2, read_u16(message, 2) | flag::kTc);
  return extents.fitting_end;
}

}  // namespace dnslet::dns

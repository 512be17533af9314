// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/patch.h"

#include <endian.h>

#include <algorithm>
#include <cstring>

namespace dnslet::dns {
namespace {

// Enough for names that are written to be read. Names far to look up are no set to rotate.
constexpr std::size_t kFewJumps = 256;
constexpr std::size_t kUsual = 64;  // addresses of a set that takes turns

// Views of a few bytes of a message, for reading and for writing.
uint16_t read_u16(BytesView message, std::size_t offset) {
  Reader reader(message.subspan(offset, 2));
  return reader.u16();
}

// TTLs are many, and so these two are made for speed.
uint32_t read_u32(BytesView message, std::size_t offset) {
  uint32_t value = 0;
  std::memcpy(&value, message.subspan(offset, sizeof value).data(), sizeof value);
  return be32toh(value);
}

void write_u16(MutableBytesView message, std::size_t offset, uint16_t value) {
  Writer writer(message.subspan(offset, 2));
  writer.u16(value);
}

void write_u32(MutableBytesView message, std::size_t offset, uint32_t value) {
  value = htobe32(value);
  std::memcpy(message.subspan(offset, sizeof value).data(), &value, sizeof value);
}

// What fits below a limit.
struct Fitting {
  std::size_t answers = 0;
  std::size_t answers_end = 0;
  bool has_all_answers = false;
  std::size_t authority = 0;
  std::size_t authority_end = 0;
};

// Ends with the first record that does not fit.
Fitting measure(const Message& message, std::size_t limit) {
  Fitting fitting;
  fitting.answers_end = message.question_end();
  message.walk_records([&](const Record& record) {
    if (record.end > limit || record.section == Section::Additional) return false;
    const bool is_answer = record.section == Section::Answer;
    ++(is_answer ? fitting.answers : fitting.authority);
    (is_answer ? fitting.answers_end : fitting.authority_end) = record.end;
    return true;
  });
  fitting.has_all_answers = fitting.answers == message.count(Section::Answer);
  return fitting;
}

bool is_address(const Record& record) {
  const std::size_t size = record.end - record.rdata();
  return (record.type == Type::A && size == 4) || (record.type == Type::AAAA && size == 16);
}

// Neighbouring address records of one owner, and where their addresses lie.
struct AddressSet {
  Record first;
  Name owner;
  std::vector<std::size_t> offsets;
};

// Whether both names are one and the same pointer: most are.
bool is_same_pointer(BytesView message, std::size_t left, std::size_t right) {
  return message[left] >= 0xc0 && message[left] == message[right] &&
         message[left + 1] == message[right + 1];
}

void rotate_set(MutableBytesView message, const AddressSet& set, uint32_t turn) {
  const std::size_t count = set.offsets.size();
  if (count < 2 || turn % count == 0) return;
  const std::size_t size = set.first.type == Type::A ? 4 : 16;
  Bytes addresses(count * size);
  for (std::size_t i = 0; i < count; ++i)
    std::memcpy(&addresses[i * size], message.subspan(set.offsets[i], size).data(), size);
  std::size_t next = turn % count;
  for (const std::size_t offset : set.offsets) {
    std::memcpy(message.subspan(offset, size).data(), &addresses[next * size], size);
    if (++next == count) next = 0;
  }
}

void set_count(MutableBytesView message, Section section, std::size_t count) {
  write_u16(message, 6 + 2 * static_cast<std::size_t>(section), static_cast<uint16_t>(count));
}

}  // namespace

void address_to(MutableBytesView message, const Query& query, Authority authority) {
  constexpr uint16_t kFromUpstream = flag::kTc | flag::kAd | flag::kRcode;
  constexpr uint16_t kFromClient = flag::kRd | flag::kCd;
  auto flags = static_cast<uint16_t>(read_u16(message, 2) & kFromUpstream);
  if (!query.has(flag::kAd) && !query.dnssec_ok()) flags &= static_cast<uint16_t>(~flag::kAd);
  const unsigned authoritative = authority == Authority::Own ? flag::kAa : 0U;
  flags |=
      static_cast<uint16_t>(flag::kQr | flag::kRa | authoritative | (query.flags & kFromClient));

  Writer head(message);
  head.u16(query.id);
  head.u16(flags);
  const BytesView name = query.question.name.view().wire();
  const MutableBytesView question = message.subspan(kHeaderSize, name.size());
  copy_bytes(name, question);
  query.spelling.apply_to(question);
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
  if (age > 0) count_ttls_down(copy, offsets, age);
}

void count_ttls_down(MutableBytesView message, std::span<const uint16_t> offsets, uint32_t age) {
  for (const uint16_t offset : offsets) {
    const uint32_t ttl = read_u32(message, offset);
    write_u32(message, offset, ttl > age ? ttl - age : 0);
  }
}

void set_ttls(MutableBytesView message, std::span<const uint16_t> offsets, uint32_t ttl) {
  for (const uint16_t offset : offsets) write_u32(message, offset, ttl);
}

void rotate(MutableBytesView message, uint32_t turn, std::size_t most) {
  const Message reopened = Message::reopen(message);
  JumpBudget jumps{kFewJumps};
  std::optional<AddressSet> set;
  reopened.walk_records([&](const Record& record) {
    if (record.section != Section::Answer) return false;
    if (!is_address(record)) return true;
    const bool is_like = set && set->first.type == record.type;
    const bool is_surely_same = is_like && is_same_pointer(message, set->first.start, record.start);
    const auto owner =
        is_surely_same ? std::optional<Name>() : reopened.name_at(record.start, jumps);
    if (!is_surely_same && !owner) return false;
    const bool is_next = !is_surely_same && (!is_like || *owner != set->owner);
    if (is_next && set) rotate_set(message, *set, turn);
    if (is_next) {
      set = {record, *owner, {}};
      set->offsets.reserve(kUsual);
    }
    set->offsets.push_back(record.rdata());
    return set->offsets.size() < most;
  });
  if (set) rotate_set(message, *set, turn);
}

void make_no_data(MutableBytesView message) {
  constexpr unsigned kGone = flag::kRcode | flag::kAd;
  write_u16(message, 2, static_cast<uint16_t>(read_u16(message, 2) & ~kGone));
}

std::size_t cut(MutableBytesView message, std::size_t limit, const Query& query) {
  if (message.size() <= limit) return message.size();
  const Message reopened = Message::reopen(message);
  const Fitting fitting = measure(reopened, limit);
  const std::size_t authority = reopened.count(Section::Authority);
  const bool proof_is_needed = query.dnssec_ok() || reopened.count(Section::Answer) == 0;
  set_count(message, Section::Additional, 0);
  if (fitting.has_all_answers && fitting.authority == authority)
    return authority > 0 ? fitting.authority_end : fitting.answers_end;

  set_count(message, Section::Authority, 0);
  if (!fitting.has_all_answers) set_count(message, Section::Answer, fitting.answers);
  if (!fitting.has_all_answers || proof_is_needed)
    write_u16(message, 2, read_u16(message, 2) | flag::kTc);
  return fitting.answers_end;
}

}  // namespace dnslet::dns

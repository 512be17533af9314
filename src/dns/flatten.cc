// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/flatten.h"

#include <algorithm>
#include <array>

#include "dns/patch.h"
#include "dns/reply.h"

namespace dnslet::dns {
namespace {

constexpr std::size_t kRecordHead = 12;  // pointer to the question, type, class, TTL, length
constexpr std::size_t kMaxAddresses = kMinUdpPayload / (kRecordHead + 4);

// Where the chain leads. The addresses are copies: they are written over what they were read from.
struct ChainEnd {
  std::size_t aliases = 0;
  std::size_t addresses = 0;   // no more than one beyond kMaxAddresses
  std::size_t looked_end = 0;  // of the last record that was looked at
  uint32_t ttl = UINT32_MAX;   // the smallest of the chain's and of the addresses
  std::array<std::array<uint8_t, 16>, kMaxAddresses> bytes;
};

std::size_t address_size(Type type) { return type == Type::A ? 4 : 16; }

// Follows a chain in the order of the records, once: as servers write it.
class Chain {
 public:
  explicit Chain(const Message& message) : message_(message), owner_(message.question().name) {
    message.walk_records([this](const Record& record) { return take(record); });
  }

  const ChainEnd& end() const { return end_; }
  // Whether it is all there is: nothing was left out, be it for lack of room to look at.
  bool is_whole() const { return looked_ == message_.count(Section::Answer); }

 private:
  // False: that is enough.
  bool take(const Record& record) {
    if (record.section != Section::Answer || looked_ == kMaxLooked) return false;
    const bool is_alias = record.type == Type::CNAME;
    const Type type = message_.question().type;
    const bool is_asked = record.type == type && record.end - record.rdata() == address_size(type);
    if ((is_alias || is_asked) && is_owned(record)) {
      end_.ttl = std::min(end_.ttl, record.ttl);
      if (is_alias && !follow(record)) return false;
      // An address of the name asked itself is at the end of no chain.
      if (!is_alias && (end_.aliases == 0 || !add(record))) return false;
    }
    ++looked_;
    end_.looked_end = record.end;
    return true;
  }

  // Most addresses in a row have one and the same pointer for their owner.
  bool is_owned(const Record& record) {
    const BytesView bytes = message_.bytes();
    const auto pointer = static_cast<uint16_t>(bytes[record.start] << 8 | bytes[record.start + 1]);
    if (pointer >= 0xc000 && pointer == known_pointer_) return true;
    const auto name = message_.name_at(record.start, jumps_);
    if (!name || *name != owner_) return false;
    known_pointer_ = pointer;
    return true;
  }

  bool follow(const Record& alias) {
    const auto target = message_.name_at(alias.rdata(), jumps_);
    if (!target) return false;
    owner_ = *target;
    known_pointer_ = 0;
    ++end_.aliases;
    return true;
  }

  bool add(const Record& record) {
    if (++end_.addresses > kMaxAddresses) return false;
    copy_bytes(message_.rdata(record), end_.bytes[end_.addresses - 1]);
    return true;
  }

  const Message& message_;
  Name owner_;
  uint16_t known_pointer_ = 0;  // of a record that is the owner's; 0: none
  std::size_t looked_ = 0;
  JumpBudget jumps_{256};  // enough for names that are written to be read
  ChainEnd end_;
};

// What stands in front of each address: all of a record but that.
std::array<uint8_t, kRecordHead> head_of_address(const Question& question, uint32_t ttl) {
  std::array<uint8_t, kRecordHead> head{};
  Writer writer(head);
  writer.u16(0xc000 | kHeaderSize);
  writer.u16(static_cast<uint16_t>(question.type));
  writer.u16(static_cast<uint16_t>(question.qclass));
  writer.u32(ttl);
  writer.u16(static_cast<uint16_t>(address_size(question.type)));
  return head;
}

}  // namespace

std::size_t flatten(MutableBytesView message, std::size_t limit, const Query& query) {
  const Type type = query.question.type;
  if (!is_address_type(type) || message.size() <= limit) return cut(message, limit, query);
  const Message reopened = Message::reopen(message);
  const Chain chain(reopened);
  const ChainEnd& end = chain.end();
  const bool fits = chain.is_whole() && end.looked_end <= limit;
  if (fits || end.aliases == 0 || end.addresses == 0) return cut(message, limit, query);

  const std::size_t size = kRecordHead + address_size(type);
  const std::size_t fitting = (limit - reopened.question_end()) / size;
  const std::size_t kept = std::min({end.addresses, fitting, kMaxAddresses});
  const bool is_cut = kept < end.addresses || !chain.is_whole();
  const unsigned flags = reopened.flags() & ~unsigned{flag::kAd};
  Writer writer(message.first(reopened.question_end() + kept * size));
  writer.u16(reopened.id());
  writer.u16(static_cast<uint16_t>(flags | (is_cut ? flag::kTc : 0U)));
  writer.u16(1);
  writer.u16(static_cast<uint16_t>(kept));
  writer.u32(0);
  write_question(writer, query);
  const auto head = head_of_address(query.question, end.ttl);
  for (std::size_t i = 0; i < kept; ++i) {
    writer.bytes(head);
    writer.bytes(BytesView(end.bytes[i]).first(address_size(type)));
  }
  return writer.size();
}

}  // namespace dnslet::dns

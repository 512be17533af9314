// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/answer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "dns/patch.h"

namespace dnslet::dns {
namespace {

// RFC 2181 section 8: a TTL with the top bit set counts as 0.
uint32_t sane(uint32_t ttl) { return ttl > INT32_MAX ? 0 : ttl; }

// RFC 2308 section 5: the SOA's TTL and its last field, MINIMUM, limit a negative answer.
uint32_t negative_ttl(const Message& message, const Record& soa) {
  const BytesView rdata = message.rdata(soa);
  if (rdata.size() < 22) return 0;  // two names and five numbers
  Reader reader(rdata.last(4));
  return std::min(sane(soa.ttl), sane(reader.u32()));
}

bool is_data(const Record& record, Type asked) {
  return record.section == Section::Answer && (record.type == asked || asked == Type::ANY);
}

// What the records of a message say, all but an OPT.
struct Seen {
  bool has_data = false;
  uint32_t smallest = UINT32_MAX;  // of their TTLs
  std::optional<uint32_t> negative{};

  void add(const Message& message, const Record& record) {
    smallest = std::min(smallest, sane(record.ttl));
    has_data = has_data || is_data(record, message.question().type);
    if (record.section == Section::Authority && record.type == Type::SOA)
      negative = std::min(negative.value_or(UINT32_MAX), negative_ttl(message, record));
  }

  AnswerKind kind(AnswerKind by_header) const {
    return by_header == AnswerKind::Data && !has_data ? AnswerKind::Alias : by_header;
  }
  std::chrono::seconds lifetime(AnswerKind kind) const {
    if (kind == AnswerKind::Failure) return {};
    const bool is_positive = kind == AnswerKind::Data;
    return std::chrono::seconds(is_positive ? smallest : std::min(smallest, negative.value_or(0)));
  }
};

}  // namespace

Rcode rcode_of(BytesView message) { return static_cast<Rcode>(message[3] & flag::kRcode); }

AnswerKind kind_by_header(BytesView message) {
  Reader reader(message);
  reader.skip(2);
  const auto rcode = static_cast<Rcode>(reader.u16() & flag::kRcode);
  reader.skip(2);
  const bool has_answers = reader.u16() > 0;
  if (rcode == Rcode::NxDomain) return AnswerKind::NxDomain;
  if (rcode != Rcode::NoError) return AnswerKind::Failure;
  return has_answers ? AnswerKind::Data : AnswerKind::NoData;
}

bool has_data(const Message& message) {
  const Type asked = message.question().type;
  bool found = false;
  message.for_each_record([&](const Record& record) { found = found || is_data(record, asked); });
  return found;
}

std::chrono::seconds lifetime_of(const Message& message) {
  Seen seen;
  message.for_each_record([&](const Record& record) {
    if (record.type != Type::OPT) seen.add(message, record);
  });
  return seen.lifetime(seen.kind(kind_by_header(message.bytes())));
}

Answer::Answer(Bytes message, const ExtendedError& error)
    : message_(std::move(message)), error_(error) {
  learn();
}

Answer Answer::failure(const Question& question, Rcode rcode, const ExtendedError& error) {
  return Answer(build_failure(question, rcode), error);
}

void Answer::read(const Message& packet) {
  error_ = ExtendedError(extended_error(packet));
  copy_without_opt(packet, message_);
  subnet_scope_ = 0;
  most_ = std::chrono::seconds::max();
  // Pointers that lead through capitals of the question may lead elsewhere by now.
  const BytesView folded = packet.question().name.view().wire();
  if (same_bytes(packet.bytes().subspan(kHeaderSize, folded.size()), folded))
    learn(&packet);
  else
    learn();
}

void Answer::limit_lifetime(std::chrono::seconds most) {
  most_ = most;
  lifetime_ = std::min(lifetime_, most_);
}

void Answer::count_down(uint32_t seconds) {
  count_ttls_down(message_, ttls_, seconds);
  lifetime_ -= std::min(lifetime_, std::chrono::seconds(seconds));
}

void Answer::make_no_data() {
  dns::make_no_data(message_);
  learn();
}

void Answer::limit_ttls(uint32_t least, uint32_t most) {
  const auto message = Message::parse(message_);
  if (!is_whole_ || !message) return;
  std::vector<uint16_t> places = ttls_;
  message->for_each_record([&](const Record& record) {
    const bool is_soa = record.type == Type::SOA && record.section == Section::Authority;
    if (is_soa && kind_ != AnswerKind::Data)
      places.push_back(static_cast<uint16_t>(record.end - sizeof(uint32_t)));
  });
  for (const uint16_t place : places) {
    Reader reader(message_);
    reader.skip(place);
    const uint32_t ttl = std::clamp(sane(reader.u32()), least, most);
    Writer(MutableBytesView(message_).subspan(place)).u32(ttl);
  }
  learn();
}

// The bytes are parsed as they are now: an owner name may have pointed at some that were edited.
void Answer::learn() {
  const auto message = Message::parse(message_);
  learn(message ? &*message : nullptr);
}

// `message`: what the bytes are, or the front of, before its OPT; null: they do not parse.
void Answer::learn(const Message* message) {
  kind_ = kind_by_header(message_);
  is_whole_ = message && !message->has(flag::kTc);
  ttls_.clear();
  lifetime_ = {};
  if (!is_whole_) return;
  Seen seen;
  message->for_each_record([&](const Record& record) {
    if (record.end > message_.size()) return;  // an OPT, or what stood behind it
    ttls_.push_back(static_cast<uint16_t>(record.ttl_offset()));
    seen.add(*message, record);
  });
  kind_ = seen.kind(kind_);
  lifetime_ = std::min(seen.lifetime(kind_), most_);
}

}  // namespace dnslet::dns

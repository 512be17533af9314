// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/shown_answer.h"

namespace dnslet::io {
namespace {

constexpr uint16_t kRcodeBits = 0x000f;
constexpr uint16_t kResponseBit = 0x8000;
constexpr uint8_t kMaxLabel = 63;

// The question's bytes behind the header; empty where there is none in order.
dns::BytesView question_of(dns::BytesView packet) {
  dns::Reader reader(packet);
  reader.skip(dns::kHeaderSize);
  uint8_t length = 0;
  do {  // ends: every turn reads at least one byte
    length = reader.u8();
    if (length > kMaxLabel) return {};
    reader.skip(length);
  } while (length > 0 && reader.ok());
  reader.skip(4);
  const bool fits = reader.ok() && reader.offset() <= kMaxShown;
  return fits ? packet.subspan(dns::kHeaderSize, reader.offset() - dns::kHeaderSize)
              : dns::BytesView();
}

}  // namespace

Show show(dns::BytesView packet, dns::Writer& shown) {
  dns::Reader reader(packet);
  const uint16_t id = reader.u16();
  const uint16_t flags = reader.u16();
  const uint16_t questions = reader.u16();
  const uint16_t records = static_cast<uint16_t>(reader.u16() | reader.u16() | reader.u16());
  if (!reader.ok() || (flags & kResponseBit) == 0) return Show::Nothing;
  if (reader.remaining() == 0 && questions == 0 && records == 0) return Show::BareHeader;

  const dns::BytesView question = question_of(packet);
  if (questions != 1 || question.empty()) return Show::Nothing;
  shown.u16(id);
  shown.u16(static_cast<uint16_t>(flags & ~kRcodeBits));
  shown.u16(1);
  shown.u16(0);
  shown.u32(0);
  shown.bytes(question);
  return Show::Question;
}

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/answers.h"

#include <algorithm>

namespace dnslet::upstream {
namespace {

constexpr uint16_t kResponse = 0x8000;
constexpr uint16_t kTruncated = 0x0200;

// For whole names: lengths of labels are below the letters.
uint8_t folded(uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<uint8_t>(byte | 0x20) : byte;
}

}  // namespace

dns::BytesView question_of(dns::BytesView query) {
  dns::Reader reader(query);
  reader.skip(dns::kHeaderSize);
  uint8_t length = 0;
  do {  // ends: every turn reads at least one byte
    length = reader.u8();
    reader.skip(length);
  } while (length > 0 && reader.ok());
  reader.skip(4);
  return query.subspan(dns::kHeaderSize, reader.offset() - dns::kHeaderSize);
}

bool answers(dns::BytesView packet, dns::BytesView query) {
  dns::Reader reader(packet);
  const uint16_t id = reader.u16();
  const uint16_t flags = reader.u16();
  const uint16_t questions = reader.u16();
  const auto records = static_cast<uint16_t>(reader.u16() | reader.u16() | reader.u16());
  if (!reader.ok() || (flags & kResponse) == 0 || id != dns::Reader(query).u16()) return false;
  if (reader.remaining() == 0 && questions == 0 && records == 0) return true;

  const dns::BytesView asked = question_of(query);
  const dns::BytesView repeated = reader.bytes(asked.size());
  if (!reader.ok() || questions != 1) return false;
  if (dns::same_bytes(asked, repeated)) return true;
  const std::size_t name_size = asked.size() - 4;
  return std::ranges::equal(asked.first(name_size), repeated.first(name_size), {}, folded,
                            folded) &&
         dns::same_bytes(asked.last(4), repeated.last(4));
}

bool is_truncated(dns::BytesView packet) {
  dns::Reader reader(packet);
  reader.skip(2);
  return (reader.u16() & kTruncated) != 0;
}

}  // namespace dnslet::upstream

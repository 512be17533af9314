// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/packet_header.h"

namespace dnslet::io {
namespace {

constexpr uint8_t kLong = 0x80;
constexpr uint8_t kType = 0x30;  // of a long one of version 1
constexpr uint8_t kInitial = 0x00;
constexpr uint8_t kRetry = 0x30;
constexpr uint32_t kVersion1 = 1;

}  // namespace

std::optional<QuicHeader> read_quic_header(dns::BytesView datagram) {
  dns::Reader reader(datagram);
  QuicHeader header;
  const uint8_t first = reader.u8();
  header.is_long = (first & kLong) != 0;
  if (header.is_long) {
    header.version = reader.u32();
    header.destination = reader.bytes(reader.u8());
    header.source = reader.bytes(reader.u8());
    const bool is_version1 = header.version == kVersion1;
    header.is_retry = is_version1 && (first & kType) == kRetry;
    // Its length is in one byte at least, which is zero where there is none (section 16).
    header.has_token = is_version1 && (first & kType) == kInitial && reader.u8() != 0;
  } else {
    header.destination = reader.bytes(kQuicIdSize);
  }
  if (!reader.ok()) return std::nullopt;
  return header;
}

}  // namespace dnslet::io

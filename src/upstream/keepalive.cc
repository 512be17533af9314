// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/keepalive.h"

#include <array>

#include "dns/message.h"
#include "upstream/answers.h"

namespace dnslet::upstream {
namespace {

constexpr uint16_t kOptionKeepalive = 11;
constexpr uint16_t kOptionPadding = 12;
constexpr std::chrono::milliseconds kUnit{100};  // RFC 7828 section 3.1

// Where the length of the OPT's RDATA stands, if the query ends with an OPT that has all of it.
std::optional<std::size_t> opt_length_at(dns::BytesView query) {
  const std::size_t start = dns::kHeaderSize + question_of(query).size();
  dns::Reader reader(query.subspan(start));
  const bool is_root = reader.u8() == 0;
  const bool is_opt = reader.u16() == static_cast<uint16_t>(dns::Type::OPT);
  reader.skip(2 + 4);  // class, TTL
  const std::size_t at = start + reader.offset();
  const uint16_t length = reader.u16();
  if (!reader.ok() || !is_root || !is_opt || reader.remaining() != length) return std::nullopt;
  return at;
}

void append_u16(dns::Bytes& stream, std::size_t value) {
  stream.push_back(static_cast<uint8_t>(value >> 8));
  stream.push_back(static_cast<uint8_t>(value));
}

}  // namespace

void append_frame(dns::Bytes& stream, dns::BytesView query, Padding padding) {
  constexpr std::size_t kHead = 4;  // of an option: code and length
  constexpr std::size_t kBlock = 128;
  const auto length_at = opt_length_at(query);
  const bool pads = length_at && padding == Padding::ToBlocks;
  std::size_t size = query.size() + (length_at ? kHead : 0) + (pads ? kHead : 0);
  const std::size_t zeros = pads ? (kBlock - size % kBlock) % kBlock : 0;
  size += zeros;
  append_u16(stream, size);
  const std::size_t start = stream.size();
  stream.insert(stream.end(), query.begin(), query.end());
  if (!length_at) return;
  append_u16(stream, kOptionKeepalive);
  append_u16(stream, 0);  // RFC 7828 section 3.2.1: clients send no time
  if (pads) {
    append_u16(stream, kOptionPadding);
    append_u16(stream, zeros);
    stream.resize(stream.size() + zeros);
  }
  const dns::MutableBytesView length(stream.data() + start + *length_at, 2);
  dns::Writer(length).u16(static_cast<uint16_t>(dns::Reader(length).u16() + size - query.size()));
}

std::optional<std::chrono::milliseconds> keepalive_of(dns::BytesView answer) {
  const auto message = dns::Message::parse(answer);
  const auto option = message ? dns::find_option(*message, kOptionKeepalive) : std::nullopt;
  if (!option) return std::nullopt;
  dns::Reader data(*option);
  const uint16_t units = data.u16();
  return data.ok() ? std::optional(units * kUnit) : std::nullopt;
}

}  // namespace dnslet::upstream

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/keepalive.h"

#include <array>

#include "dns/message.h"
#include "upstream/answers.h"

namespace dnslet::upstream {
namespace {

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

struct Options {
  bool asks_keepalive = false;
  bool pads = false;
};

// Appends the query, with options at the end of its OPT, if it has one.
void append_query(dns::Bytes& bytes, dns::BytesView query, const Options& options) {
  constexpr std::size_t kHead = 4;  // of an option: code and length
  constexpr std::size_t kBlock = 128;
  const auto length_at = opt_length_at(query);
  const std::size_t start = bytes.size();
  bytes.insert(bytes.end(), query.begin(), query.end());
  if (!length_at) return;
  if (options.asks_keepalive) {
    append_u16(bytes, dns::kOptionKeepalive);
    append_u16(bytes, 0);  // RFC 7828 section 3.2.1: clients send no time
  }
  if (options.pads) {
    const std::size_t size = bytes.size() - start + kHead;
    const std::size_t zeros = (kBlock - size % kBlock) % kBlock;
    append_u16(bytes, dns::kOptionPadding);
    append_u16(bytes, zeros);
    bytes.resize(bytes.size() + zeros);
  }
  const std::size_t added = bytes.size() - start - query.size();
  const auto length = dns::MutableBytesView(bytes).subspan(start + *length_at);
  dns::Writer(length).u16(static_cast<uint16_t>(dns::Reader(length).u16() + added));
}

}  // namespace

void append_frame(dns::Bytes& stream, dns::BytesView query, Padding padding) {
  const std::size_t start = stream.size();
  append_u16(stream, 0);
  append_query(stream, query, {.asks_keepalive = true, .pads = padding == Padding::ToBlocks});
  dns::Writer(dns::MutableBytesView(stream).subspan(start))
      .u16(static_cast<uint16_t>(stream.size() - start - 2));
}

void append_padded(dns::Bytes& bytes, dns::BytesView query) {
  append_query(bytes, query, {.pads = true});
}

std::optional<std::chrono::milliseconds> keepalive_of(dns::BytesView answer) {
  const auto message = dns::Message::parse(answer);
  const auto option = message ? dns::find_option(*message, dns::kOptionKeepalive) : std::nullopt;
  if (!option) return std::nullopt;
  dns::Reader data(*option);
  const uint16_t units = data.u16();
  return data.ok() ? std::optional(units * kUnit) : std::nullopt;
}

}  // namespace dnslet::upstream

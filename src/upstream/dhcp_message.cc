// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/dhcp_message.h"

#include <algorithm>

namespace dnslet::upstream {
namespace {

using dns::Bytes, dns::BytesView, dns::Reader, dns::Writer;

constexpr uint8_t kUdp = 17;
constexpr uint8_t kBootRequest = 1;
constexpr uint8_t kBootReply = 2;
constexpr uint8_t kEthernet = 1;
constexpr std::size_t kIpHeader = 20;
constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kServerName = 64;
constexpr std::size_t kFile = 128;
constexpr uint32_t kCookie = 0x63825363;  // RFC 2131 section 3
constexpr uint32_t kEverybody = 0xffffffff;

// RFC 2132
namespace option {
constexpr uint8_t kPad = 0;
constexpr uint8_t kServers = 6;
constexpr uint8_t kLease = 51;
constexpr uint8_t kOverload = 52;
constexpr uint8_t kType = 53;
constexpr uint8_t kWanted = 55;
constexpr uint8_t kRenewal = 58;
constexpr uint8_t kEnd = 255;
}  // namespace option

// Values of option::kType.
constexpr uint8_t kDiscover = 1;
constexpr uint8_t kOffer = 2;
constexpr uint8_t kAck = 5;
constexpr uint8_t kInform = 8;

// RFC 1071, over some that is summed already.
uint16_t checksum(uint32_t sum, BytesView bytes) {
  Reader reader(bytes);
  while (reader.remaining() > 0) sum += reader.u16();  // their number is even
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// REQUIRES: `out` is filled behind the headers.
void write_headers(BytesView source, dns::MutableBytesView out) {
  const auto size = static_cast<uint16_t>(out.size());
  const auto udp_size = static_cast<uint16_t>(size - kIpHeader);
  Writer writer(out);
  writer.u16(0x4500);  // version 4, 5 words
  writer.u16(size);
  writer.u32(0);
  writer.u8(64);  // hops that routers may still take
  writer.u8(kUdp);
  writer.u16(0);
  writer.bytes(source);
  writer.u32(kEverybody);
  writer.u16_at(10, checksum(0, out.first(kIpHeader)));
  writer.u16(kDhcpClientPort);
  writer.u16(kDhcpServerPort);
  writer.u16(udp_size);
  writer.u16(0);
  // With the addresses, the protocol and the size (RFC 768); 0 would say that there is none.
  uint16_t sum = checksum(uint32_t{kUdp} + udp_size, out.subspan(kIpHeader - 8));
  if (sum == 0) sum = 0xffff;
  writer.u16_at(kIpHeader + 6, sum);
}

// Adds what the options of a field say under a code. False: the last of them is cut.
bool gather(BytesView field, uint8_t code, Bytes& value) {
  Reader reader(field);
  while (reader.remaining() > 0) {
    const uint8_t found = reader.u8();
    if (found == option::kEnd) return true;
    if (found == option::kPad) continue;
    const BytesView bytes = reader.bytes(reader.u8());
    if (found == code) value.insert(value.end(), bytes.begin(), bytes.end());
  }
  return reader.ok();
}

// The fields that hold options. One that is there again goes on (RFC 3396).
struct Options {
  std::array<BytesView, 3> fields;
  bool is_whole = true;

  Bytes operator[](uint8_t code) {
    Bytes value;
    for (const BytesView field : fields) is_whole = gather(field, code, value) && is_whole;
    return value;
  }
  // 0 where it is not there, or of another size.
  uint32_t number(uint8_t code) {
    const Bytes value = (*this)[code];
    return value.size() == 4 ? Reader(value).u32() : 0;
  }
};

bool may_be_server(const IpAddress& address) {
  const uint8_t first = address.bytes[0];
  return first != 0 && first != 127 && first < 224;  // from there on: multicast, unused, everybody
}

void add_servers(const Bytes& value, DhcpReply& reply) {
  if (value.size() % 4 != 0) return;
  Reader reader(value);
  while (reader.remaining() > 0) {
    const BytesView bytes = reader.bytes(4);
    const IpAddress address = IpAddress::v4(bytes[0], bytes[1], bytes[2], bytes[3]);
    auto& known = may_be_server(address) ? reply.servers : reply.unusable;
    if (known.size() < DhcpReply::kMostServers && std::ranges::find(known, address) == known.end())
      known.push_back(address);
  }
}

// The UDP payload of a packet for DHCP's clients; empty: it is no such packet.
BytesView payload_of(BytesView packet) {
  Reader ip(packet);
  const uint8_t version_and_size = ip.u8();
  ip.skip(1);
  const std::size_t size = ip.u16();
  ip.skip(2);
  const bool is_part = (ip.u16() & 0x3fff) != 0;  // more follow, or some were before
  ip.skip(1);
  const bool is_udp = ip.u8() == kUdp;
  const std::size_t header = std::size_t{4} * (version_and_size & 0xf);
  if (!ip.ok() || version_and_size >> 4 != 4 || is_part || !is_udp || header < kIpHeader ||
      size < header || size > packet.size())
    return {};
  Reader udp(packet.subspan(header, size - header));
  udp.skip(2);
  const bool is_for_clients = udp.u16() == kDhcpClientPort;
  const std::size_t udp_size = udp.u16();
  udp.skip(2);
  if (!is_for_clients || udp_size < kUdpHeader) return {};
  return udp.bytes(udp_size - kUdpHeader);
}

}  // namespace

std::array<uint8_t, kDhcpRequestSize> build_dhcp_request(const DhcpRequest& request) {
  std::array<uint8_t, kDhcpRequestSize> out{};
  const IpAddress address = request.address.value_or(IpAddress::v4(0, 0, 0, 0));
  Writer writer(dns::MutableBytesView(out).subspan(kIpHeader + kUdpHeader));
  writer.u8(kBootRequest);
  writer.u8(kEthernet);
  writer.u8(static_cast<uint8_t>(request.hardware.size()));
  writer.u8(0);
  writer.u32(request.id);
  writer.u16(request.seconds);
  writer.u16(0);  // flags: packets for any address of ours are seen, no answer has to be broadcast
  writer.bytes(address.data());
  for (int unused = 0; unused < 3; ++unused) writer.u32(0);
  writer.bytes(request.hardware);
  constexpr std::array<uint8_t, 10 + kServerName + kFile> kNone{};
  writer.bytes(kNone);
  writer.u32(kCookie);
  const std::array<uint8_t, 9> options = {option::kType,
                                          1,
                                          request.address ? kInform : kDiscover,
                                          option::kWanted,
                                          3,
                                          option::kServers,
                                          option::kLease,
                                          option::kRenewal,
                                          option::kEnd};
  writer.bytes(options);
  write_headers(address.data(), out);
  return out;
}

std::optional<DhcpReply> parse_dhcp_reply(dns::BytesView packet) {
  Reader reader(payload_of(packet));
  DhcpReply reply;
  const bool is_reply =
      reader.u8() == kBootReply && reader.u8() == kEthernet && reader.u8() == reply.hardware.size();
  reader.skip(1);
  reply.id = reader.u32();
  reader.skip(2 + 2 + 4 * 4);
  const BytesView hardware = reader.bytes(reply.hardware.size());
  reader.skip(10);
  const BytesView server_name = reader.bytes(kServerName);
  const BytesView file = reader.bytes(kFile);
  const bool is_dhcp = reader.u32() == kCookie;
  if (!reader.ok() || !is_reply || !is_dhcp) return std::nullopt;
  std::ranges::copy(hardware, reply.hardware.begin());

  Options options{{reader.rest()}};
  // Where other fields hold options, too (RFC 2131 section 4.1: the file first).
  const Bytes overload = options[option::kOverload];
  if (overload.size() == 1 && (overload.front() & 1) != 0) options.fields[1] = file;
  if (overload.size() == 1 && (overload.front() & 2) != 0) options.fields[2] = server_name;

  const Bytes type = options[option::kType];
  const bool is_said = type.size() == 1 && (type.front() == kOffer || type.front() == kAck);
  if (!options.is_whole || !is_said) return std::nullopt;
  add_servers(options[option::kServers], reply);
  reply.renewal = std::chrono::seconds(options.number(option::kRenewal));
  if (reply.renewal.count() == 0)
    reply.renewal = std::chrono::seconds(options.number(option::kLease) / 2);  // section 4.4.5
  return reply;
}

}  // namespace dnslet::upstream

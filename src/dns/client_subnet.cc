// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/client_subnet.h"

namespace dnslet::dns {
namespace {

// IANA's address family numbers.
constexpr uint16_t kNoFamily = 0, kIpv4 = 1, kIpv6 = 2;

}  // namespace

std::optional<ClientSubnet> read_client_subnet(BytesView data) {
  Reader reader(data);
  const uint16_t family = reader.u16();
  ClientSubnet subnet;
  subnet.has_family = family != kNoFamily;
  IpAddress address;
  address.family = family == kIpv6 ? Family::V6 : Family::V4;
  const std::size_t width = subnet.has_family ? 8 * address.size() : 0;
  const uint8_t prefix = reader.u8();
  subnet.scope = reader.u8();
  const BytesView bytes = reader.rest();
  if (!reader.ok() || family > kIpv6 || prefix > width || subnet.scope > width) return std::nullopt;
  if (bytes.size() != (prefix + 7U) / 8) return std::nullopt;
  copy_bytes(bytes, address.bytes);
  subnet.network = Network::of(address, prefix);
  if (subnet.network.address != address) return std::nullopt;
  return subnet;
}

void write_client_subnet(Writer& writer, const ClientSubnet& subnet) {
  const auto& [address, prefix] = subnet.network;
  const uint16_t family = address.family == Family::V6 ? kIpv6 : kIpv4;
  writer.u16(kOptionClientSubnet);
  writer.u16(static_cast<uint16_t>(subnet.size() - 4));
  writer.u16(subnet.has_family ? family : kNoFamily);
  writer.u8(prefix);
  writer.u8(subnet.scope);
  writer.bytes(BytesView(address.bytes).first(subnet.size() - 8));
}

}  // namespace dnslet::dns

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// DHCP's messages (RFC 2131, 2132), as IPv4 packets with all their headers: what asks for the
// nameservers of a link, and what is said to that. Bytes to values and back; takes no lease.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/address.h"
#include "dns/wire.h"

namespace dnslet::upstream {

inline constexpr uint16_t kDhcpServerPort = 67;
inline constexpr uint16_t kDhcpClientPort = 68;
// Where the exchange's number stands in a packet, behind the IP header (for filters of the kernel).
inline constexpr std::size_t kDhcpIdPlace = 8 + 4;

using HardwareAddress = std::array<uint8_t, 6>;  // of Ethernet, and all that looks like it

// What is asked: DHCPINFORM where there is an address, else DHCPDISCOVER.
struct DhcpRequest {
  uint32_t id = 0;       // drawn for the exchange (`xid`)
  uint16_t seconds = 0;  // since it began
  HardwareAddress hardware{};
  std::optional<IpAddress> address{};  // V4
};

// Headers, what BOOTP has, and options filled up to the 300 bytes that old servers want (RFC 1542
// section 2.1).
inline constexpr std::size_t kDhcpRequestSize = 20 + 8 + 300;
// For everybody on the link.
std::array<uint8_t, kDhcpRequestSize> build_dhcp_request(const DhcpRequest& request);

// A DHCPOFFER or DHCPACK.
struct DhcpReply {
  static constexpr std::size_t kMostServers = 16;

  uint32_t id = 0;
  HardwareAddress hardware{};
  std::vector<IpAddress> servers;   // each once, the most preferred first; those that are looked at
  std::vector<IpAddress> unusable;  // likewise: what can be no server of a link
  std::chrono::seconds renewal{0};  // when a lease is to be renewed; 0: none was said
};

// nullopt: it is none, or is damaged. Checksums are not looked at: behind a virtual interface they
// are not filled in yet.
std::optional<DhcpReply> parse_dhcp_reply(dns::BytesView packet);

}  // namespace dnslet::upstream

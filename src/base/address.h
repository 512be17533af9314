// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// IP addresses, endpoints (address and port) and networks (CIDR) as plain values.
//
// They own their bytes, compare by value and know nothing about sockets. Text comes from options,
// hosts files and resolv.conf; whatever is not exactly an address is refused, a host name too.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dnslet {

enum class Family : uint8_t { V4, V6 };

struct IpAddress {
  Family family = Family::V4;
  std::array<uint8_t, 16> bytes{};  // network order; the last 12 are zero for V4

  auto operator<=>(const IpAddress&) const = default;  // NOLINT(modernize-use-nullptr)

  // Dotted quad, or RFC 4291 section 2.2 without a zone index. nullopt: not an address.
  static std::optional<IpAddress> from_text(std::string_view text);
  static IpAddress v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
  static IpAddress loopback(Family family);

  // The 4 or 16 bytes, as in the RDATA of A and AAAA. Valid as long as *this.
  std::span<const uint8_t> data() const { return {bytes.data(), size()}; }
  std::size_t size() const { return family == Family::V4 ? 4 : 16; }
  bool is_wildcard() const;  // 0.0.0.0 or ::
  bool is_loopback() const;  // 127.0.0.0/8 or ::1
  std::string to_text() const;
};

struct Endpoint {
  IpAddress address;
  uint16_t port = 0;
  std::string scope;  // the zone index of fe80::1%eth0 (RFC 4007 section 11), else empty

  auto operator<=>(const Endpoint&) const = default;  // NOLINT(modernize-use-nullptr)

  // "1.2.3.4", "1.2.3.4:53", "[::1]:53", "[::1]", "::1", "fe80::1%eth0", "[fe80::1%eth0]:53". A
  // missing port becomes `default_port`; port 0 is accepted (a listener takes any free port).
  static std::optional<Endpoint> from_text(std::string_view text, uint16_t default_port);
  // "1.2.3.4:53", "[fe80::1%eth0]:53"
  std::string to_text() const;
};

struct Network {
  IpAddress address;
  uint8_t prefix = 0;  // leading bits that count: at most 32 (V4) or 128 (V6)

  // "10.0.0.0/8", "fd00::/8", or a bare address (all bits count). Bits behind the prefix are
  // ignored, as every firewall does.
  static std::optional<Network> from_text(std::string_view text);
  // The one with this prefix that the address is in: bits behind the prefix are 0.
  static Network of(const IpAddress& address, uint8_t prefix);

  bool operator==(const Network&) const = default;

  // Whether all of the other's addresses are among its own. Families are as they are.
  bool covers(const Network& other) const;
  // An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is compared as IPv4.
  bool contains(const IpAddress& candidate) const;
  std::string to_text() const;
};

// Whether one of them contains the address.
bool any_contains(const std::vector<Network>& networks, const IpAddress& address);

// Where the Internet does not begin: loopback (it comes first), RFC 1918, 100.64.0.0/10 of carriers
// (RFC 6598), link-local, fc00::/7 (RFC 4193).
std::vector<Network> private_networks();

}  // namespace dnslet

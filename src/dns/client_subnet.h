// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// EDNS Client Subnet (RFC 7871): the network that a client asks from, as an option of OPT.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/address.h"
#include "dns/wire.h"

namespace dnslet::dns {

inline constexpr uint16_t kOptionClientSubnet = 8;

// What the option says (RFC 7871 section 6).
struct ClientSubnet {
  Network network;         // bits behind the prefix are 0
  uint8_t scope = 0;       // SCOPE PREFIX-LENGTH: 0 in queries
  bool has_family = true;  // false: of no address, and so without one

  // Bytes on the wire, code and length included: at most kMaxSize.
  std::size_t size() const { return 8 + (network.prefix + 7U) / 8; }
  static constexpr std::size_t kMaxSize = 8 + 16;
};

// `data`: without code and length. nullopt: an unknown family, a length that no address has, more
// or fewer bytes than it takes, or bits behind it.
std::optional<ClientSubnet> read_client_subnet(BytesView data);

// Writes the option, code and length included.
void write_client_subnet(Writer& writer, const ClientSubnet& subnet);

}  // namespace dnslet::dns

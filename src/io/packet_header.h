// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What anybody can see of a QUIC packet (RFC 8999), and the little that a server has to know of
// version 1 before it has keys (RFC 9000 section 17.2).

#include <cstddef>
#include <cstdint>
#include <optional>

#include "dns/wire.h"

namespace dnslet::io {

// What connection IDs of ours are long.
inline constexpr std::size_t kQuicIdSize = 8;

struct QuicHeader {
  bool is_long = false;  // of a handshake, or of another version
  bool is_retry = false;
  bool has_token = false;
  uint32_t version = 0;        // of a long one
  dns::BytesView destination;  // whom it is for: a connection ID of the receiver's
  dns::BytesView source;       // of a long one: a connection ID of the sender's
};

// Of the first packet in a datagram, which the views point into. nullopt: there is none.
std::optional<QuicHeader> read_quic_header(dns::BytesView datagram);

}  // namespace dnslet::io

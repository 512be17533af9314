// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What a message over a stream has that one over UDP has not: two bytes of length in front (RFC
// 1035 section 4.2.2), and in its OPT edns-tcp-keepalive (RFC 7828) and, where strangers shall not
// see its length, padding (RFC 7830).

#include <chrono>
#include <optional>

#include "dns/wire.h"

namespace dnslet::upstream {

// To a multiple of 128 bytes (RFC 8467 section 4.1).
enum class Padding { None, ToBlocks };

// Appends a query to what is sent, with a bare edns-tcp-keepalive where its last record is an OPT,
// and padding behind that.
// REQUIRES: one question, whose name is not compressed.
void append_frame(dns::Bytes& stream, dns::BytesView query, Padding padding = Padding::None);

// Appends a query as it stands, with padding in its OPT, likewise.
void append_padded(dns::Bytes& bytes, dns::BytesView query);

// How long the server keeps an idle connection, as its answer says. nullopt: it says nothing.
std::optional<std::chrono::milliseconds> keepalive_of(dns::BytesView answer);

}  // namespace dnslet::upstream

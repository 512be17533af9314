// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// QUIC (RFC 9000): many streams of bytes over one UDP socket, encrypted. Behind it is OpenSSL from
// 3.5 on, in io/quic_*.cc; builds without it have io/quic_missing.cc.

namespace dnslet::io {

// Whether this build has it. It has TLS, too, then.
bool has_quic();

}  // namespace dnslet::io

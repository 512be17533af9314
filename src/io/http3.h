// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// HTTP/3 (RFC 9114) over io/quic. Behind it is nghttp3, in io/http3_*.cc; builds without it have
// io/http3_missing.cc.

#include <string>

namespace dnslet::io {

// "nghttp3 1.8.0"; empty in a build without it.
std::string http3_version();

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// HTTP/3 to a server (RFC 9114): requests over io/quic, each on a stream of its own. Behind it is
// nghttp3, in io/http3_*.cc; builds without it have io/http3_missing.cc.

#include <memory>
#include <string>

#include "io/quic.h"
#include "io/request_client.h"

namespace dnslet::io {

// Whether this build has it. It has QUIC, too, then.
bool has_http3();
// "nghttp3 1.8.0"; empty without it.
std::string http3_version();

// RFC 9114 section 8.1: H3_NO_ERROR, H3_STREAM_CREATION_ERROR.
inline constexpr QuicConnection::Terms kHttp3Terms = {
    .may_open_streams = true, .closed = 0x100, .violated = 0x103};

// `open` is called at once. The target and the user must outlive it. REQUIRES: has_http3().
std::unique_ptr<RequestClient> make_http3_client(const HttpTarget& target, const OpenQuic& open,
                                                 RequestClient::User& user);

}  // namespace dnslet::io

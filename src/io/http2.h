// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// HTTP/2 to a server (RFC 9113): requests over one stream of bytes. Behind it is one library, in
// io/http2_client.cc; the variant without it has io/http2_missing.cc.

#include <memory>
#include <string>

#include "io/request_client.h"
#include "io/stream.h"

namespace dnslet::io {

// "nghttp2 1.52.0"; empty in the variant without it.
std::string http2_version();

// `open` is called at once. The target and the user must outlive it. REQUIRES: this variant has it.
std::unique_ptr<RequestClient> make_http2_client(const HttpTarget& target, const OpenStream& open,
                                                 RequestClient::User& user);

}  // namespace dnslet::io

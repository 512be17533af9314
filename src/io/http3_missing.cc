// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// What io/http3 is in a build without nghttp3: servers that need it have been refused.

#include "io/http3.h"

namespace dnslet::io {

bool has_http3() { return false; }

std::string http3_version() { return {}; }

std::unique_ptr<RequestClient> make_http3_client(const HttpTarget&, const OpenQuic&,
                                                 RequestClient::User&) {
  return nullptr;
}

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// What io/http2 is in the variant without HTTP/2: servers that need it have been refused.

#include "io/http2.h"
#include "io/http_requests.h"

namespace dnslet::io {

std::string http2_version() { return {}; }

std::unique_ptr<RequestClient> make_http2_client(const HttpTarget&, const OpenStream&,
                                                 RequestClient::User&) {
  return nullptr;
}

std::unique_ptr<HttpRequests> make_http2_requests(HttpRequests::User&) { return nullptr; }

}  // namespace dnslet::io

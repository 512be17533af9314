// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// DNS over HTTPS (RFC 8484) as a server: which requests are questions, and what an answer looks
// like.

#include <memory>
#include <optional>
#include <string>

#include "dns/wire.h"
#include "io/framing.h"
#include "io/http_request.h"

namespace dnslet::serve {

// What a request is: a message, or the status of the refusal.
struct DohRequest {
  unsigned status = 200;
  dns::Bytes message;
};
// `path`: where questions go, as the listener has it. `body`: of the request.
DohRequest read_doh_request(const io::HttpRequest& request, const std::string& path,
                            dns::BytesView body);

// How long a client may keep a message: what Cache-Control says of it (RFC 8484 section 5.1).
std::string cache_control_of(dns::BytesView answer);

// For a connection over TLS. `path` must outlive it. REQUIRES: this variant has HTTP/2.
std::unique_ptr<io::Framing> make_https_framing(const std::string& path);

}  // namespace dnslet::serve

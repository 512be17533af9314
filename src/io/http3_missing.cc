// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// What io/http3 is in a build without nghttp3: servers that need it have been refused.

#include "io/http3.h"

namespace dnslet::io {

std::string http3_version() { return {}; }

}  // namespace dnslet::io

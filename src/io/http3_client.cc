// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// io/http3 by nghttp3.

#include "io/http3.h"

#include <nghttp3/nghttp3.h>

namespace dnslet::io {

std::string http3_version() { return std::string("nghttp3 ") + nghttp3_version(0)->version_str; }

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The libraries that the program runs with, which may be others than it was built with.

#include <string>

namespace dnslet::io {

// "libuv 1.44.2, c-ares 1.18.1, OpenSSL 3.0.19"
std::string library_versions();

}  // namespace dnslet::io

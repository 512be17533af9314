// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/libraries.h"

#include <ares.h>
#include <uv.h>

namespace dnslet::io {

std::string library_versions() {
  return std::string("libuv ") + uv_version_string() + ", c-ares " + ares_version(nullptr);
}

}  // namespace dnslet::io

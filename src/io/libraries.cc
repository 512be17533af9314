// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/libraries.h"

#include <ares.h>
#include <uv.h>

#include "io/tls.h"

namespace dnslet::io {

std::string library_versions() {
  const std::string tls = tls_version();
  return std::string("libuv ") + uv_version_string() + ", c-ares " + ares_version(nullptr) +
         (tls.empty() ? "" : ", " + tls);
}

}  // namespace dnslet::io

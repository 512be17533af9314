// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/libraries.h"

#include <ares.h>
#include <uv.h>

#include "io/http2.h"
#include "io/http3.h"
#include "io/redis.h"
#include "io/tls.h"

namespace dnslet::io {

std::string library_versions() {
  std::string versions =
      std::string("libuv ") + uv_version_string() + ", c-ares " + ares_version(nullptr);
  for (const std::string& library :
       {tls_version(), http2_version(), http3_version(), redis_version()})
    if (!library.empty()) versions += ", " + library;
  return versions;
}

}  // namespace dnslet::io

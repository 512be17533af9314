// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// How --shared-cache is written.

#include <string_view>

#include "base/redis_server.h"
#include "base/result.h"
#include "config/options.h"

namespace dnslet::config {

// "redis://10.0.0.9", "rediss://USER:PASSWORD@redis.test:6380/2", "unix:/run/redis.sock"; user and
// password are percent-encoded, and the user may be left out. Fails with the end of a sentence that
// shows neither of them.
Result<RedisServer> parse_shared_cache(std::string_view text);

struct NumberRange;
Status store_shared_cache(std::string_view text, const NumberRange&, Options& options);

}  // namespace dnslet::config

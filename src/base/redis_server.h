// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A Redis or Valkey as --shared-cache names it. A plain value.

#include <string>

#include "base/server_address.h"

namespace dnslet {

inline constexpr uint16_t kRedisPort = 6379;

struct RedisServer {
  ServerAddress place{};   // Protocol::Tcp or Protocol::Tls, where there is no socket
  std::string socket{};    // the path of a Unix socket; empty: none
  std::string user{};      // empty: the default one
  std::string password{};  // empty: none is asked for
  unsigned database = 0;

  // As the option writes it, without user and password: "redis://10.0.0.9:6379/2", "unix:/run/r".
  std::string to_text() const;
};

}  // namespace dnslet

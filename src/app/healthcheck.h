// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// --healthcheck: asks the dnslet that runs with the same options, over UDP and TCP.

#include <string>

#include "config/options.h"

namespace dnslet::app {

struct Health {
  bool is_healthy = false;
  std::string reason;  // one line, for a person
};

// Asks each listen address (the loopback of its family for a wildcard) for a name that is answered
// without upstream: the plain ones, where there are some, else those over TLS and HTTPS. Any DNS
// answer counts, a refusal too: the question is whether it serves. Ends within a second.
Health check_health(const config::Options& options);

}  // namespace dnslet::app

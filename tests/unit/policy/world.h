// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

#include "dns/wire.h"
#include "policy/tables.h"

namespace dnslet::test {

// All that questions are answered from, empty as yet.
struct World {
  explicit World(std::size_t cached, std::chrono::seconds stale = std::chrono::seconds(0))
      : cache(cached, 1, 1, stale) {}

  policy::Tables tables() {
    return {settings, addresses, hosts, blocked, zones,
            cache,    failures,  turns, scratch, scratch_error};
  }

  policy::Settings settings;
  policy::HostsTable addresses{1};
  policy::HostsTable hosts{1};
  policy::KeyTable blocked{1};
  policy::Zones zones{1};
  policy::Cache cache;
  policy::Cache failures{100, 1};
  policy::Turns turns;
  dns::Bytes scratch = dns::Bytes(dns::kMaxMessage);
  dns::ExtendedError scratch_error;
};

}  // namespace dnslet::test

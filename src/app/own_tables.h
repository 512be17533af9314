// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What the options say: where things are, and what questions are answered from. `seed`: see
// dns/hash.h.

#include <cstdint>
#include <memory>
#include <string>

#include "config/options.h"
#include "io/log.h"
#include "policy/fake_addresses.h"
#include "policy/hosts.h"
#include "policy/key_table.h"
#include "policy/reverse_names.h"
#include "policy/tables.h"
#include "policy/zones.h"

namespace dnslet::app {

// Where the log goes.
io::Log::Target log_target(const config::Options& options);
// Of --cache-file; empty: there is nothing to keep.
std::string path_of_cache(const config::Options& options);
// But for the search, which may follow resolv.conf.
policy::Settings settings_from(const config::Options& options, uint64_t seed);
// Of --address.
policy::HostsTable static_records(const config::Options& options, uint64_t seed);
// Of --block.
policy::KeyTable blocked_domains(const config::Options& options, uint64_t seed);
// Of --stubzones, each with the number of its servers.
policy::Zones stub_zones(const config::Options& options, uint64_t seed);
// Of --fake-ip and of --reverse-mapping, without a name as yet; null where that is not given.
std::unique_ptr<policy::FakeAddresses> fake_addresses(const config::Options& options,
                                                      uint64_t seed);
std::unique_ptr<policy::ReverseNames> reverse_names(const config::Options& options, uint64_t seed);

}  // namespace dnslet::app

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Under what an answer is kept in --shared-cache.

#include <cstdint>
#include <vector>

#include "base/server_address.h"
#include "dns/wire.h"
#include "policy/lookup.h"

namespace dnslet::policy {

// What tells servers other than the default ones apart, on any machine: two that forward a zone to
// the same servers, in this order, share what these say.
uint64_t mark_of(const std::vector<dnslet::ServerAddress>& servers);

// Puts the key behind `out`: "dnslet:1:NAME:TYPE:CLASS:FLAGS:SERVERS". The version is that of the
// values, too. Flags: d for DO, c for CD, s where servers are told a client's network. `mark`: 0
// for the default servers.
//
// A name with dots or colons inside its labels may have the key of another one: that does no harm,
// as the value has its question.
void append_shared_key(const UpstreamQuestion& question, uint64_t mark, dns::Bytes& out);

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What static records of any type (policy/records) answer, beside the addresses of --address, with
// which they add up.

#include <cstdint>
#include <optional>

#include "policy/rungs.h"
#include "policy/tables.h"

namespace dnslet::policy {

// The owner that has the name among the records; nullopt: there is none, or an entry of --address
// is closer to the name: its own beside a wildcard, or a longer wildcard.
std::optional<uint32_t> find_records(const Tables& tables, dns::NameView name);

// The owner of --address that has the name, unless records are closer to it.
std::optional<uint32_t> find_static_addresses(const Tables& tables, dns::NameView name);

// Whether the name has records, or is the reverse name of an address among them.
bool has_records_of_ours(const Tables& tables, dns::NameView name);
// Whether it has addresses among them.
bool has_addresses_of_ours(const Tables& tables, dns::NameView name);

// Where the name's CNAME leads; nullopt: it has none. Valid as long as the table.
struct OwnAlias {
  dns::NameView target;
  uint32_t ttl;
};
std::optional<OwnAlias> find_alias(const Tables& tables, dns::NameView name);

// The rung. A name with an address has NODATA for the other family; other types that it has not are
// left to the next rungs. Of a CNAME's owner every question gets the CNAME. REQUIRES: there are
// records.
MaybeFound answer_record(const Turn& turn, const ClientQuestion& asked);

}  // namespace dnslet::policy

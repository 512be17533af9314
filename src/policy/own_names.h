// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Names of ours: those that have an address by --address or a hosts file or a record by --record,
// and the reverse names of these addresses. Whatever else upstream says of such a name, it exists.

#include "policy/lookup.h"
#include "policy/own_records.h"

namespace dnslet::policy {

// The table that answers for a name with an entry, its own or by wildcard; null: none has one.
const HostsTable* table_of(const Tables& tables, dns::NameView name);

// The table whose `*` has the name; null: there is none, or the name is in a stub zone or has
// records of ours. REQUIRES: no other table, rule or special name has it.
const HostsTable* any_table_of(const Tables& tables, dns::NameView name);

// The table that has the name of the address that `name` is the reverse name of; null: none.
const HostsTable* reverse_table_of(const Tables& tables, dns::NameView name);

// Any of these; null: none has it.
const HostsTable* own_table(const Tables& tables, dns::NameView name);

// Whether the name has an entry or a record, its own or by wildcard.
inline bool has_entry(const Tables& tables, dns::NameView name) {
  return table_of(tables, name) != nullptr || find_records(tables, name);
}
inline bool is_own(const Tables& tables, dns::NameView name) {
  return own_table(tables, name) != nullptr || has_records_of_ours(tables, name);
}
// Whether its addresses are ours.
inline bool has_own_addresses(const Tables& tables, dns::NameView name) {
  return own_table(tables, name) != nullptr || has_addresses_of_ours(tables, name);
}

}  // namespace dnslet::policy

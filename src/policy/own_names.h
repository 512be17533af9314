// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Names of ours: those that have an address by --address or a hosts file, and the reverse names of
// these addresses. Whatever else upstream
// says of such a name, it exists.

#include "policy/lookup.h"

namespace dnslet::policy {

// The table that answers for a name with an entry, its own or by wildcard; null: none has one.
const HostsTable* table_of(const Tables& tables, dns::NameView name);

// The table whose `*` has the name; null: there is none, or the name is in a stub zone. REQUIRES:
// no other table, rule or special name has it.
const HostsTable* any_table_of(const Tables& tables, dns::NameView name);

// The table that has the name of the address that `name` is the reverse name of; null: none.
const HostsTable* reverse_table_of(const Tables& tables, dns::NameView name);

// Any of these; null: none has it.
const HostsTable* own_table(const Tables& tables, dns::NameView name);
inline bool is_own(const Tables& tables, dns::NameView name) {
  return own_table(tables, name) != nullptr;
}

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/own_names.h"

namespace dnslet::policy {

const HostsTable* table_of(const Tables& tables, dns::NameView name) {
  for (const HostsTable* const table : {&tables.addresses, &tables.hosts})
    if (!table->empty() && table->find(name)) return table;
  return nullptr;
}

const HostsTable* any_table_of(const Tables& tables, dns::NameView name) {
  for (const HostsTable* const table : {&tables.addresses, &tables.hosts}) {
    if (!table->has_any()) continue;
    const bool is_elsewhere = in_stub_zone(tables.zones, name) == InStubZone::Yes ||
                              find_records(tables, name).has_value();
    return is_elsewhere || name.is_root() ? nullptr : table;
  }
  return nullptr;
}

const HostsTable* reverse_table_of(const Tables& tables, dns::NameView name) {
  const auto address = dns::address_of_reverse(name);
  if (!address) return nullptr;
  for (const HostsTable* const table : {&tables.addresses, &tables.hosts})
    if (table->find_name(*address)) return table;
  return nullptr;
}

const HostsTable* own_table(const Tables& tables, dns::NameView name) {
  if (const HostsTable* const table = table_of(tables, name)) return table;
  if (const HostsTable* const table = reverse_table_of(tables, name)) return table;
  return any_table_of(tables, name);
}

}  // namespace dnslet::policy

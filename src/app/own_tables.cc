// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/own_tables.h"

#include <cstddef>

#include "serve/worker.h"

namespace dnslet::app {

policy::HostsTable static_records(const config::Options& options, uint64_t seed) {
  policy::HostsTable table(seed);
  table.start_source();
  for (const config::StaticRecord& record : options.addresses)
    for (const IpAddress& address : record.addresses)
      (void)table.add(record.name, address);  // checked by the options' parser
  table.finish();
  return table;
}

policy::KeyTable blocked_domains(const config::Options& options, uint64_t seed) {
  policy::KeyTable table(seed);
  options.block.for_each([&](dns::NameView domain) { table.insert(domain.wire()); });
  return table;
}

policy::Zones stub_zones(const config::Options& options, uint64_t seed) {
  policy::Zones zones(seed);
  for (std::size_t i = 0; i < options.stub_zones.size(); ++i)
    options.stub_zones[i].domains.for_each(
        [&](dns::NameView domain) { zones.add(domain, serve::Worker::set_of_zone(i)); });
  return zones;
}

}  // namespace dnslet::app

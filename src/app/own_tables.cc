// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/own_tables.h"

#include <string>

#include "base/version.h"
#include "serve/worker.h"

namespace dnslet::app {
namespace {

std::optional<policy::RebindGuard> rebind_guard(const config::Options& options, uint64_t seed) {
  if (!options.rebind_guard) return std::nullopt;
  policy::RebindGuard guard(seed);
  options.rebind_ok.for_each([&](dns::NameView domain) { guard.allow(domain); });
  return guard;
}

}  // namespace

io::Log::Target log_target(const config::Options& options) {
  if (options.action == config::Action::Explain) return io::Log::Target::StandardError;
  return options.syslog ? io::Log::Target::Syslog : io::Log::Target::StandardOutput;
}

policy::Settings settings_from(const config::Options& options, uint64_t seed) {
  return {.version = std::string("dnslet ") + version(),
          .filter = options.filter,
          .allow = options.allow,
          .forwards = !options.no_recursion,
          .ttls = {options.cache_ttl, options.cache_negative_ttl},
          .search = {},
          .rotation = options.round_robin ? policy::Rotation::On : policy::Rotation::Off,
          .families_agree = options.family_fix,
          .refreshes = options.prefetch,
          .stale_first = options.stale_first,
          .flattens = options.flatten,
          .subnet = options.client_subnet,
          .rebind = rebind_guard(options, seed)};
}

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
  std::size_t i = 0;
  for (const auto& [servers, domains] : options.stub_zones) {
    domains.for_each(
        [&](dns::NameView domain) { zones.add(domain, serve::Worker::set_of_zone(i)); });
    ++i;
  }
  return zones;
}

std::string path_of_cache(const config::Options& options) {
  const bool has_something = options.cache_capacity > 0 || !options.fake_networks.empty();
  return has_something ? options.cache_file : std::string();
}

std::unique_ptr<policy::FakeAddresses> fake_addresses(const config::Options& options,
                                                      uint64_t seed) {
  if (options.fake_networks.empty()) return nullptr;
  return std::make_unique<policy::FakeAddresses>(options.fake_networks, seed);
}

std::unique_ptr<policy::ReverseNames> reverse_names(const config::Options& options, uint64_t seed) {
  return options.reverse_mapping ? std::make_unique<policy::ReverseNames>(seed) : nullptr;
}

}  // namespace dnslet::app

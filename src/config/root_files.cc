// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/root_files.h"

#include <algorithm>
#include <utility>

#include "io/files.h"

namespace dnslet::config {

bool RootFiles::are_needed(const policy::RuleSet* rules) const {
  const auto needs = [this](const std::vector<ServerAddress>& servers) {
    return std::ranges::any_of(servers, [this](const ServerAddress& server) {
      return server.is_encrypted() && !options_.tls_pins.contains(server.name_to_verify());
    });
  };
  if (options_.no_recursion) return false;
  if (are_needed_by_others_ || needs(options_.nameservers)) return true;
  if (options_.shared_cache && needs({options_.shared_cache->place})) return true;
  for (const auto& [servers, domains] : options_.stub_zones)
    if (needs(servers)) return true;
  for (policy::RuleNumber i = 0; rules && i < rules->size(); ++i)
    if (needs((*rules)[i].action.servers)) return true;
  return false;
}

Status RootFiles::read() {
  auto roots = io::load_tls_roots(options_.tls_ca);
  if (!roots) return roots.error();
  roots_ = std::move(*roots);
  return Done{};
}

Status RootFiles::load(const policy::RuleSet* rules) {
  return roots_ || !are_needed(rules) ? Done{} : read();
}

std::vector<std::string> RootFiles::unreadable() const {
  return roots_ ? io::unreadable({io::path_of_tls_roots(options_.tls_ca)})
                : std::vector<std::string>();
}

void RootFiles::reload(const policy::RuleSet* rules) {
  const Status status = roots_ ? read() : load(rules);
  if (!status)
    log_.write(io::Level::Warning,
               status.error().text + (roots_ ? "; the certificates that were read before stay"
                                             : "; servers over TLS and HTTPS without --tls-pin are "
                                               "not asked until it can be read"));
}

}  // namespace dnslet::config

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/server_source.h"

#include <algorithm>

#include "upstream/dhcp_source.h"
#include "upstream/resolved_source.h"

namespace dnslet::upstream {

bool has_tls(const KnownServers& known) {
  const auto is_any = [](const std::vector<ServerAddress>& servers) {
    return std::ranges::any_of(servers, &ServerAddress::is_encrypted);
  };
  return is_any(known.servers) ||
         std::ranges::any_of(known.of_domains, is_any, &KnownServers::OfDomains::servers);
}

void settle(KnownServers& known) {
  std::erase_if(known.of_domains, [](const auto& some) { return some.servers.empty(); });
  for (const KnownServers::OfDomains& some : known.of_domains)
    some.domains.for_each([&](dns::NameView domain) {
      if (!domain.is_root()) return;
      known.servers = some.servers;
      known.whose = some.whose;
    });
}

std::unique_ptr<ServerSource> make_source(const std::string& text, io::Loop& loop, io::Log& log) {
  // Asked so that the linker leaves it out where nobody has it.
  if (io::has_resolved() && text == kResolved) return std::make_unique<ResolvedSource>(loop, log);
  return std::make_unique<DhcpSource>(text.substr(text.find(':') + 1), loop, log);
}

}  // namespace dnslet::upstream

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/resolved_routes.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/text.h"

namespace dnslet::upstream {
namespace {

using io::ResolvedLink;
using io::ResolvedServer;

// RFC 4291 section 2.5.6: such an address says nothing without its link.
bool is_link_local(const IpAddress& address) {
  return address.family == Family::V6 && address.bytes[0] == 0xfe &&
         (address.bytes[1] & 0xc0) == 0x80;
}

ServerAddress address_of(const ResolvedServer& server, const ResolvedLink& link) {
  const Protocol protocol = link.is_tls ? Protocol::Tls : Protocol::Udp;
  Endpoint endpoint{server.address, server.port == 0 ? usual_port(protocol) : server.port, {}};
  if (is_link_local(server.address) && link.index != 0) endpoint.scope = link.name;
  ServerAddress address = ServerAddress::at(endpoint, protocol);
  if (link.is_tls && lower_case(server.name) != server.address.to_text())
    address.verified = lower_case(server.name);
  return address;
}

template <typename T>
void add_once(std::vector<T>& list, const T& value) {
  if (std::ranges::find(list, value) == list.end()) list.push_back(value);
}

void add_link(const ResolvedLink& link, std::vector<ServerAddress>& servers, std::string& whose) {
  for (const ResolvedServer& server : link.servers) add_once(servers, address_of(server, link));
  add_item(whose, link.name);
}

// Domains of the same links stand together.
void add_zone(KnownServers::OfDomains zone, std::vector<KnownServers::OfDomains>& zones) {
  const auto same = std::ranges::find_if(zones, [&zone](const auto& other) {
    return other.servers == zone.servers && other.whose == zone.whose;
  });
  if (same == zones.end()) return zones.push_back(std::move(zone));
  zone.domains.for_each([&same](dns::NameView domain) { same->domains.add(domain); });
}

}  // namespace

KnownServers routes_of(const io::ResolvedLinks& links) {
  KnownServers known;
  std::vector<KnownServers::OfDomains> zones;  // of one domain each
  std::map<std::string, std::size_t> numbers;  // in zones, by domain
  for (const ResolvedLink& link : links) {
    if (link.is_default) add_link(link, known.servers, known.whose);
    for (const io::ResolvedDomain& domain : link.domains) {
      const auto name = dns::Name::from_text(domain.name);
      if (!name) continue;
      const auto [place, is_new] = numbers.try_emplace(name->view().to_text(), zones.size());
      if (is_new) zones.emplace_back().domains.add(*name);
      auto& zone = zones[place->second];
      add_link(link, zone.servers, zone.whose);
      if (!domain.is_route_only && !name->view().is_root()) add_once(known.search, *name);
    }
  }
  for (auto& zone : zones) add_zone(std::move(zone), known.of_domains);
  return known;
}

std::string to_text(const ResolvedLink& link) {
  std::string servers;
  for (const ResolvedServer& server : link.servers)
    add_item(servers, address_of(server, link).to_text());
  std::string names;
  for (const io::ResolvedDomain& domain : link.domains) add_item(names, domain.name);
  if (link.is_default) add_item(names, "default");
  return link.name + ": " + servers + (names.empty() ? "" : " for " + names);
}

}  // namespace dnslet::upstream

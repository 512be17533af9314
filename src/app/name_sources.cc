// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/name_sources.h"

#include <algorithm>

#include "io/socket.h"

namespace dnslet::app {
namespace {

// `origin`: of the value, which is taken where none was given.
void fill(std::vector<Setting>& settings, std::string_view flag, const std::string& value,
          Origin origin = Origin::ResolvConf) {
  for (Setting& setting : settings) {
    if (setting.flag != flag || setting.origin != Origin::Default) continue;
    setting.value = value;
    setting.origin = origin;
  }
}

// Domains that are no names are passed over: the options' parser has refused them, glibc would ask
// for nothing useful.
policy::SearchRules search_rules(const Options& options, const policy::ResolvConf& conf) {
  policy::SearchRules rules;
  rules.ndots = options.ndots.value_or(conf.ndots.value_or(1));
  rules.fwd_ndots = options.fwd_ndots;
  if (!options.enable_search) return rules;
  for (const std::string& domain :
       options.search_domains.empty() ? conf.search : options.search_domains)
    if (const auto name = dns::Name::from_text(domain)) rules.add_domain(*name);
  return rules;
}

}  // namespace

std::string joined(std::span<const dns::Name> names, std::string_view separator) {
  std::string text;
  for (const dns::Name& name : names)
    (text += text.empty() ? "" : separator) += name.view().to_text();
  return text;
}

Status NameSources::check_given() const {
  // Of addresses that this host has, others may take what goes there before a wildcard listener.
  const auto check = [&](const std::vector<Endpoint>& servers,
                         const std::string& option) -> Status {
    const auto own = std::ranges::find_if(servers, [&](const Endpoint& server) {
      return policy::is_own(server, options_.listen, {});
    });
    if (own == servers.end()) return Done();
    return Error{option + ": " + own->to_text() + " is this dnslet itself; name another server"};
  };
  for (const StubZone& zone : options_.stub_zones)
    if (Status status = check(zone.servers, "--stubzones (DNSMASQ_STUB)"); !status) return status;
  return check(options_.nameservers, "--nameservers (DNSMASQ_SERVERS)");
}

bool NameSources::uses_resolv_conf() const {
  const bool all_given =
      !options_.nameservers.empty() && options_.force_tcp &&
      (!options_.enable_search || (!options_.search_domains.empty() && options_.ndots));
  return !options_.no_recursion && !all_given;
}

bool NameSources::has_root_zone() const {
  return std::ranges::any_of(options_.stub_zones, [](const StubZone& zone) {
    return std::ranges::find(zone.domains, ".") != zone.domains.end();
  });
}

Result<Forwarding> NameSources::read() {
  Forwarding forwarding;
  if (uses_resolv_conf()) {
    watch_.mark();
    const auto text = io::read_file(options_.resolv_conf, policy::kMaxResolvConf);
    const bool needs_it = options_.nameservers.empty() && !has_root_zone();
    if (!text && (needs_it || was_read_)) return text.error();
    was_read_ = static_cast<bool>(text);
    if (text)
      conf_ = policy::parse_resolv_conf(*text);
    else
      forwarding.unread = text.error().text;
  }

  forwarding.tcp_only = options_.force_tcp.value_or(conf_.use_vc);
  forwarding.search = search_rules(options_, conf_);
  forwarding.has_ndots = conf_.ndots.has_value();
  forwarding.servers = options_.nameservers;
  if (!forwarding.servers.empty()) return forwarding;
  const std::vector<IpAddress> local = io::local_addresses();
  for (const Endpoint& server : conf_.nameservers) {
    const bool is_own = policy::is_own(server, options_.listen, local);
    (is_own ? forwarding.left_out : forwarding.servers).push_back(server);
  }
  return forwarding;
}

void fill_from_resolv_conf(const Options& options, std::vector<Setting>& settings) {
  fill(settings, "force-tcp", "false", Origin::Default);
  fill(settings, "ndots", "1", Origin::Default);
  NameSources sources(options);
  const auto forwarding = sources.read();
  if (!forwarding || !sources.uses_resolv_conf()) return;
  std::string servers;
  for (const Endpoint& server : forwarding->servers)
    servers += (servers.empty() ? "" : ",") + server.to_text();
  if (!servers.empty()) fill(settings, "nameservers", servers);
  if (forwarding->tcp_only) fill(settings, "force-tcp", "true");
  if (!options.enable_search) return;
  fill(settings, "search-domains", joined(forwarding->search.domains, ","));
  if (forwarding->has_ndots) fill(settings, "ndots", std::to_string(forwarding->search.ndots));
}

}  // namespace dnslet::app

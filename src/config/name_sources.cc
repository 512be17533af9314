// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/name_sources.h"

#include <algorithm>

#include "config/rule_options.h"
#include "io/socket.h"
#include "policy/key_table.h"

namespace dnslet::config {
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

// Each domain once. Those that are no names are passed over: glibc would ask for nothing useful.
std::vector<dns::Name> search_list(const ResolvConf& conf) {
  policy::KeyTable seen(0);  // no secret: who writes the file gains nothing by collisions
  std::vector<dns::Name> domains;
  for (const std::string& domain : conf.search) {
    const auto name = dns::Name::from_text(domain);
    if (!name || name->view().is_root()) continue;
    if (seen.insert(name->view().wire()) == domains.size()) domains.push_back(*name);
  }
  return domains;
}

policy::SearchRules search_rules(const Options& options, const ResolvConf& conf) {
  policy::SearchRules rules;
  rules.ndots = options.ndots.value_or(conf.ndots.value_or(1));
  rules.fwd_ndots = options.fwd_ndots;
  if (!options.enable_search) return rules;
  for (const dns::Name& domain :
       options.search_domains ? *options.search_domains : search_list(conf))
    rules.add_domain(domain);
  return rules;
}

bool asks_system(const Options& options) { return has_server(options, &ServerAddress::is_system); }

}  // namespace

bool names_server(const std::vector<ServerAddress>& servers) {
  return !std::ranges::all_of(servers, &ServerAddress::is_system);
}

bool Forwarding::has_server() const {
  return names_server(servers) || (!servers.empty() && !system.empty());
}

std::string joined(std::span<const dns::Name> names, std::string_view separator) {
  std::string text;
  for (const dns::Name& name : names)
    (text += text.empty() ? "" : separator) += name.view().to_text();
  return text;
}

std::vector<Endpoint> endpoints_of(const std::vector<ServerAddress>& servers) {
  std::vector<Endpoint> endpoints;
  for (const ServerAddress& server : servers)
    if (server.dialled()) endpoints.push_back(*server.dialled());
  return endpoints;
}

std::optional<Endpoint> own_server(const std::vector<ServerAddress>& servers,
                                   const Options& options) {
  // Of addresses that this host has, others may take what goes there before a wildcard listener.
  const std::vector<Endpoint> endpoints = endpoints_of(servers);
  const std::vector<Endpoint> listeners = all_listeners(options);
  const auto own = std::ranges::find_if(
      endpoints, [&](const Endpoint& server) { return is_own(server, listeners, {}); });
  return own == endpoints.end() ? std::nullopt : std::optional(*own);
}

Status NameSources::check_given() const {
  const auto check = [&](const std::vector<ServerAddress>& servers,
                         const std::string& option) -> Status {
    const auto own = own_server(servers, options_);
    if (!own) return Done();
    return Error{option + ": " + own->to_text() + " is this dnslet itself; name another server"};
  };
  for (const auto& [servers, domains] : options_.stub_zones)
    if (Status status = check(servers, "--stubzones (DNSMASQ_STUB)"); !status) return status;
  if (Status status = check(servers_of_rules(options_),
                            "--server or --rule (DNSMASQ_SERVER_SETS, DNSMASQ_RULES)");
      !status)
    return status;
  std::vector<ServerAddress> bootstrap;
  for (const Endpoint& server : options_.bootstrap) bootstrap.push_back(ServerAddress::at(server));
  if (Status status = check(bootstrap, "--bootstrap (DNSMASQ_BOOTSTRAP)"); !status) return status;
  return check(options_.nameservers, "--nameservers (DNSMASQ_SERVERS)");
}

bool NameSources::uses_resolv_conf() const {
  const bool all_given = !options_.nameservers.empty() && options_.force_tcp &&
                         (!options_.enable_search || (options_.search_domains && options_.ndots));
  if (!options_.no_recursion && (!all_given || asks_system(options_))) return true;
  return options_.bootstrap.empty() && has_server_by_name(options_);
}

bool NameSources::has_stand_in() const {
  bool has_root = has_rule_for_all_;
  for (const auto& [servers, domains] : options_.stub_zones)
    if (names_server(servers))
      domains.for_each([&](dns::NameView domain) { has_root |= domain.is_root(); });
  return has_root;
}

Result<Forwarding> NameSources::read() {
  Forwarding forwarding;
  if (uses_resolv_conf()) {
    watch_.mark(io::stamp_of(options_.resolv_conf));
    const auto text = io::read_file(options_.resolv_conf, kMaxResolvConf);
    const bool needs_it =
        !options_.no_recursion && !has_stand_in() && !names_server(options_.nameservers);
    if (!text && (needs_it || was_read_)) return text.error();
    was_read_ = static_cast<bool>(text);
    if (text)
      conf_ = parse_resolv_conf(*text);
    else
      forwarding.unread = text.error().text;
  }

  forwarding.tcp_only = options_.force_tcp.value_or(conf_.use_vc);
  forwarding.search = search_rules(options_, conf_);
  forwarding.has_ndots = conf_.ndots.has_value();
  forwarding.servers = options_.nameservers;
  forwarding.bootstrap = options_.bootstrap;
  const bool needs_bootstrap = has_server_by_name(options_) && forwarding.bootstrap.empty();
  if (!forwarding.servers.empty() && !needs_bootstrap && !asks_system(options_)) return forwarding;
  forwarding.unusable = conf_.unusable;
  const std::vector<IpAddress> local = io::local_addresses();
  std::vector<Endpoint> others;
  for (const Endpoint& server : conf_.nameservers) {
    const bool is_self = is_own(server, options_.listen, local);
    (is_self ? forwarding.left_out : others).push_back(server);
  }
  if (needs_bootstrap) forwarding.bootstrap = others;
  for (const Endpoint& server : others) forwarding.system.push_back(ServerAddress::at(server));
  if (forwarding.servers.empty()) forwarding.servers = forwarding.system;
  return forwarding;
}

void fill_from_resolv_conf(const Options& options, std::vector<Setting>& settings) {
  fill(settings, "force-tcp", "false", Origin::Default);
  fill(settings, "ndots", "1", Origin::Default);
  NameSources sources(options);
  const auto forwarding = sources.read();
  if (!forwarding || !sources.uses_resolv_conf()) return;
  std::string servers;
  for (const ServerAddress& server : forwarding->servers)
    servers += (servers.empty() ? "" : ",") + server.to_text();
  if (!servers.empty()) fill(settings, "nameservers", servers);
  if (forwarding->tcp_only) fill(settings, "force-tcp", "true");
  if (!options.enable_search) return;
  fill(settings, "search-domains", joined(forwarding->search.domains, ","));
  if (forwarding->has_ndots) fill(settings, "ndots", std::to_string(forwarding->search.ndots));
}

}  // namespace dnslet::config

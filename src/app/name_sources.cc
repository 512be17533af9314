// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/name_sources.h"

#include "io/socket.h"

namespace dnslet::app {
namespace {

constexpr std::size_t kMaxResolvConf = 1 << 20;  // bytes

void fill(std::vector<Setting>& settings, std::string_view flag, const std::string& value) {
  for (Setting& setting : settings) {
    if (setting.flag != flag || setting.origin != Origin::Default) continue;
    setting.value = value;
    setting.origin = Origin::ResolvConf;
  }
}

}  // namespace

bool NameSources::uses_resolv_conf() const {
  return !options_.no_recursion && (options_.nameservers.empty() || !options_.force_tcp);
}

Result<Forwarding> NameSources::read() {
  policy::ResolvConf conf;
  if (uses_resolv_conf()) {
    stamp_ = io::stamp_of(options_.resolv_conf);
    const auto text = io::read_file(options_.resolv_conf, kMaxResolvConf);
    if (text) conf = policy::parse_resolv_conf(*text);
    if (!text && options_.nameservers.empty()) return text.error();
  }

  Forwarding forwarding;
  forwarding.tcp_only = options_.force_tcp.value_or(conf.use_vc);
  forwarding.servers = options_.nameservers;
  if (!forwarding.servers.empty()) return forwarding;
  const std::vector<IpAddress> local = io::local_addresses();
  for (const Endpoint& server : conf.nameservers) {
    const bool is_own = policy::is_own(server, options_.listen, local);
    (is_own ? forwarding.left_out : forwarding.servers).push_back(server);
  }
  return forwarding;
}

bool NameSources::has_changed() const { return io::stamp_of(options_.resolv_conf) != stamp_; }

void fill_from_resolv_conf(const Options& options, std::vector<Setting>& settings) {
  NameSources sources(options);
  const auto forwarding = sources.read();
  if (!forwarding || !sources.uses_resolv_conf()) return;
  std::string servers;
  for (const Endpoint& server : forwarding->servers)
    servers += (servers.empty() ? "" : ",") + server.to_text();
  if (!servers.empty()) fill(settings, "nameservers", servers);
  if (forwarding->tcp_only) fill(settings, "force-tcp", "true");
}

}  // namespace dnslet::app

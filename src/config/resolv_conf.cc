// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/resolv_conf.h"

#include <algorithm>
#include <charconv>

#include "config/lines.h"
#include "config/resolv_conf_edit.h"
#include "config/server_url.h"

namespace dnslet::config {
namespace {

void read_nameserver(std::string_view word, ResolvConf& conf) {
  word = word.substr(0, word.find_first_of(";#"));  // as glibc does
  const auto server = Endpoint::from_text(word, kDnsPort);
  // glibc takes an address and nothing else: no port, no brackets.
  const bool has_port = server && Endpoint::from_text(word, 1)->port != 1;
  const bool is_bare = server && server->port == kDnsPort && !has_port && word.front() != '[';
  if (is_bare)
    conf.nameservers.push_back(*server);
  else if (!word.empty())
    conf.unusable.emplace_back(word);
}

void read_option(std::string_view word, ResolvConf& conf) {
  constexpr std::string_view kNdots = "ndots:";
  constexpr unsigned kMaxNdots = 15;
  if (word == "use-vc") conf.use_vc = true;
  if (!word.starts_with(kNdots)) return;
  word.remove_prefix(kNdots.size());
  unsigned ndots = 0;
  const auto [stop, code] = std::from_chars(word.data(), word.data() + word.size(), ndots);
  const bool is_number = stop != word.data();
  if (is_number) conf.ndots = code == std::errc() ? std::min(ndots, kMaxNdots) : kMaxNdots;
}

void read_line(std::string_view line, ResolvConf& conf) {
  if (line.starts_with('#') || line.starts_with(';')) return;
  const std::string_view keyword = next_word(line);
  const bool is_list = keyword == "search";
  if (is_list || keyword == "domain") conf.search.clear();  // the last of them wins
  for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
    if (keyword == "options") read_option(word, conf);
    if (is_list) conf.search.emplace_back(word);
    if (keyword == "domain" && conf.search.empty()) conf.search.emplace_back(word);
    if (keyword != "nameserver") continue;
    read_nameserver(word, conf);
    return;
  }
}

std::string as_nameserver(const Endpoint& server) {
  return server.address.to_text() + (server.scope.empty() ? "" : "%" + server.scope);
}

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf conf;
  const std::string original = original_of(text);
  for (std::string_view rest = original; !rest.empty();) read_line(next_line(rest), conf);
  return conf;
}

bool is_own(const Endpoint& named, std::span<const Endpoint> listen,
            std::span<const IpAddress> local) {
  constexpr IpAddress kEngine{Family::V4, {127, 0, 0, 11}};
  Endpoint server = named;  // the kernel sends what goes to 0.0.0.0 or :: to this host itself
  if (server.address.is_wildcard()) server.address = IpAddress::loopback(server.address.family);
  return std::ranges::any_of(listen, [&](const Endpoint& own) {
    if (own.port != server.port || own.address.family != server.address.family) return false;
    if (own.address == server.address) return true;
    const bool is_local =
        server.address.is_loopback() || std::ranges::find(local, server.address) != local.end();
    return own.address.is_wildcard() && is_local && server.address != kEngine;
  });
}

std::vector<std::string> entry_for(std::span<const Endpoint> listen) {
  const auto found = std::ranges::find(listen, kDnsPort, &Endpoint::port);
  if (found == listen.end()) return {};
  Endpoint first = *found;
  if (first.address.is_wildcard()) first.address = IpAddress::loopback(first.address.family);
  std::vector<std::string> entry = {as_nameserver(first)};
  if (!first.address.is_loopback()) return entry;

  const auto second = std::find_if(found, listen.end(), [](const Endpoint& endpoint) {
    const IpAddress& address = endpoint.address;
    return endpoint.port == kDnsPort && !address.is_loopback() && !address.is_wildcard();
  });
  if (second != listen.end()) entry.push_back(as_nameserver(*second));
  return entry;
}

}  // namespace dnslet::config

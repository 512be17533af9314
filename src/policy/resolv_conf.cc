// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/resolv_conf.h"

#include <algorithm>
#include <charconv>

namespace dnslet::policy {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr uint16_t kDnsPort = 53;
constexpr std::string_view kAddedMark = " # added by dnslet";
constexpr std::string_view kKeptMark = "# dnslet: ";

// Takes the next line off the front of `text`, its line end included.
std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end == std::string_view::npos ? end : end + 1);
  text.remove_prefix(line.size());
  return line;
}

bool is_added(std::string_view line) {
  line = line.substr(0, line.find_last_not_of("\r\n") + 1);
  return line.starts_with("nameserver ") && line.ends_with(kAddedMark);
}

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

void read_nameserver(std::string_view word, ResolvConf& conf) {
  const auto server = Endpoint::from_text(word, kDnsPort);
  // glibc takes an address and nothing else: no port, no brackets.
  const bool has_port = server && Endpoint::from_text(word, 1)->port != 1;
  const bool is_bare = server && server->port == kDnsPort && !has_port && word.front() != '[';
  if (is_bare) conf.nameservers.push_back(*server);
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

}  // namespace

std::string without_entry(std::string_view text) {
  std::string restored;
  bool was_edited = false;
  for (std::string_view rest = text; !rest.empty();) {  // ends: every turn takes a line off
    std::string_view line = next_line(rest);
    if (is_added(line)) {
      was_edited = true;
      continue;
    }
    if (line.starts_with(kKeptMark)) line.remove_prefix(kKeptMark.size());
    restored += line;
  }
  return was_edited ? restored : std::string(text);
}

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf conf;
  const std::string restored = without_entry(text);
  for (std::string_view rest = restored; !rest.empty();) read_line(next_line(rest), conf);
  return conf;
}

bool is_own(const Endpoint& named, std::span<const Endpoint> listen,
            std::span<const IpAddress> local) {
  Endpoint server = named;  // the kernel sends what goes to 0.0.0.0 or :: to this host itself
  if (server.address.is_wildcard()) server.address = IpAddress::loopback(server.address.family);
  return std::ranges::any_of(listen, [&](const Endpoint& own) {
    if (own.port != server.port || own.address.family != server.address.family) return false;
    if (own.address == server.address) return true;
    const bool is_local =
        server.address.is_loopback() || std::ranges::find(local, server.address) != local.end();
    return own.address.is_wildcard() && is_local;
  });
}

}  // namespace dnslet::policy

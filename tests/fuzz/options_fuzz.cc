// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Any arguments and any environment, parted by zero bytes, an empty one between the two: options
// within their bounds, or one printable sentence.

#include <algorithm>
#include <cassert>
#include <string>
#include <vector>

#include "config/option_table.h"
#include "config/options.h"
#include "config/server_url.h"
#include "dns/name.h"
#include "input.h"

namespace {

using namespace dnslet;
using config::Options, config::Origin;

struct Start {
  std::vector<std::string> arguments;
  config::Environment variables;
};

// As a kernel hands them over: strings without zero bytes.
Start split(const std::string& text) {
  Start start;
  bool is_argument = true;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    const std::string word = text.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = word.find('=');
    if (is_argument && !word.empty())
      start.arguments.push_back(word);
    else if (!is_argument && equals != std::string::npos)
      start.variables[word.substr(0, equals)] = word.substr(equals + 1);
    is_argument = is_argument && !word.empty();
  }
  return start;
}

bool is_printable(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

template <typename T>
bool is_between(T value, long long min, long long max) {
  return static_cast<long long>(value) >= min && static_cast<long long>(value) <= max;
}

void check_bounds(const Options& options) {
  constexpr long long kDay = 86'400;
  assert(is_between(options.hosts_poll.count(), 0, kDay));
  assert(is_between(options.cache_ttl.count(), 1, kDay));
  assert(is_between(options.cache_negative_ttl.count(), 0, kDay));
  assert(is_between(options.upstream_timeout.count(), 1, kDay * 1000));
  assert(is_between(options.upstream_retry.count(), 1, kDay * 1000));
  assert(is_between(options.tcp_idle_timeout.count(), 1, kDay * 1000));
  assert(is_between(options.cache_capacity, 0, 10'000'000));
  assert(is_between(options.max_inflight, 1, 1'000'000));
  assert(is_between(options.max_tcp_clients, 1, 1'000'000));
}

void check_lists(const Options& options) {
  assert(!options.listen.empty() && !options.resolv_conf.empty());
  for (const ServerAddress& server : options.nameservers) {
    const auto again = config::parse_server(server.to_text());
    assert(server.port != 0 && again && *again == server);
  }
  for (const Endpoint& server : options.bootstrap) assert(server.port != 0);
  for (const std::string& path : options.hosts_files) assert(!path.empty());
  for (const Network& network : options.allow) assert(network.prefix <= network.address.size() * 8);
  options.block.for_each([](dns::NameView domain) { assert(!domain.is_root()); });
  for (const config::StaticRecord& record : options.addresses) {
    const bool is_wildcard = record.name.starts_with("*.");
    assert(dns::Name::from_text(record.name.substr(is_wildcard ? 2 : 0)));
    assert(!record.addresses.empty());
  }
}

void check_settings(const std::vector<config::Setting>& settings, const Start& start) {
  const auto rows = config::option_table();
  const auto actions = std::ranges::count_if(rows, config::is_action);
  assert(settings.size() == rows.size() - static_cast<std::size_t>(actions));
  for (const config::Setting& setting : settings) {
    const bool is_known = config::find_option(setting.flag) ||
                          std::ranges::count(rows, setting.flag, &config::OptionRow::variable) == 1;
    assert(is_known && setting.origin != Origin::ResolvConf);
    const bool is_set = start.variables.contains(setting.variable);
    assert(setting.origin != Origin::Variable || is_set);
  }
  const std::string text = config::config_text(settings);
  assert(static_cast<std::size_t>(std::ranges::count(text, '\n')) == settings.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Start start = split(std::string(data, data + size));
  const auto parsed = config::parse_options(start.arguments, start.variables);
  if (!parsed) {
    assert(!parsed.error().text.empty() && is_printable(parsed.error().text));
    return 0;
  }
  const config::Action action = parsed->options.action;
  if (action == config::Action::Help || action == config::Action::Version) return 0;
  check_bounds(parsed->options);
  check_lists(parsed->options);
  check_settings(parsed->settings, start);
  return 0;
}

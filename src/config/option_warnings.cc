// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/option_warnings.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "config/option_table.h"
#include "config/rule_options.h"

namespace dnslet::config {
namespace {

bool is_ours(std::string_view variable) {
  return std::ranges::count(option_table(), variable, &OptionRow::variable) > 0 ||
         std::ranges::count(old_variables(), variable, &OldName::name) > 0;
}

// Kubernetes sets DNSMASQ_SERVICE_HOST, DNSMASQ_PORT_53_UDP and more where a service is called so.
bool is_of_kubernetes(std::string_view variable) {
  return variable.starts_with("DNSMASQ_SERVICE_") || variable.starts_with("DNSMASQ_PORT");
}

// The variable that someone who wrote `name` meant; empty: none is near.
std::string_view find_nearest_variable(std::string_view name) {
  constexpr std::size_t kMaxEdits = 3;
  constexpr std::size_t kMaxName = 40;  // longer than any, and keeps the work small
  if (name.size() > kMaxName) return {};

  std::string_view nearest;
  std::size_t best = kMaxEdits + 1;
  for (const OptionRow& row : option_table()) {
    if (row.variable.empty()) continue;
    const std::size_t distance = edit_distance(name, row.variable);
    if (distance >= best) continue;
    best = distance;
    nearest = row.variable;
  }
  return nearest;
}

const Setting* find_setting(const std::vector<Setting>& settings, std::string_view name) {
  const auto setting = std::ranges::find(settings, name, &Setting::flag);
  return setting == settings.end() ? nullptr : &*setting;
}

bool is_off(const Setting& setting) {
  return setting.value.empty() || setting.value == "false" || setting.value == "0";
}

// Both names of an option, as far as it has them.
std::string names_of(const OptionRow& row) {
  if (row.flag.empty()) return std::string(row.variable);
  return "--" + std::string(row.flag) + " (" + std::string(row.variable) + ")";
}

std::string given_name(const Setting& setting) {
  return setting.origin == Origin::Variable ? setting.variable : "--" + setting.flag;
}

// Whether somebody has set it to what does something.
bool is_wanted(const OptionRow& row, const Setting& setting) {
  const bool is_as_ever = setting.value == row.default_value && is_off(setting);
  return setting.origin != Origin::Default && !is_as_ever;
}

// The first of the options without which this one does nothing, if none of them does anything; an
// option does nothing either where it lacks such an option itself.
const OptionRow* missing_need(const OptionRow& row, const std::vector<Setting>& settings) {
  const OptionRow* first = nullptr;
  std::string_view names = row.needs;
  while (!names.empty()) {  // ends: takes a name each turn
    const std::string_view name = names.substr(0, names.find('|'));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    const OptionRow& needed = *std::ranges::find(option_table(), name, name_of);
    const Setting* const setting = find_setting(settings, name);
    const bool is_on = !setting || !is_off(*setting);
    const OptionRow* const missing = is_on ? missing_need(needed, settings) : &needed;
    if (missing == nullptr) return nullptr;
    if (!first) first = missing;
  }
  return first;
}

// A poll of 53 or 5353 seconds is hardly what -p was meant for: other programs take a port there.
bool looks_like_a_port(const Setting& poll) {
  return poll.origin == Origin::Flag && poll.value.find("53") != std::string::npos;
}

void warn_unless(bool has_effect, ParsedOptions& parsed, std::string_view flag,
                 std::string_view reason) {
  const Setting* const setting = find_setting(parsed.settings, flag);
  if (has_effect || !setting || is_off(*setting)) return;
  parsed.warnings.push_back(given_name(*setting) + " has no effect: " + std::string(reason));
}

}  // namespace

void warn_of_variables(const Environment& environment, std::vector<std::string>& warnings) {
  constexpr std::string_view kOurs = "DNSMASQ_";
  for (auto variable = environment.lower_bound(kOurs);
       variable != environment.end() && variable->first.starts_with(kOurs); ++variable) {
    const std::string& name = variable->first;
    if (variable->second.empty() || is_ours(name) || is_of_kubernetes(name)) continue;
    const std::string_view nearest = find_nearest_variable(name);
    warnings.push_back("the variable " + in_quotes(name) + " is none of dnslet's and does nothing" +
                       (nearest.empty() ? std::string(", see --help-all")
                                        : ": did you mean " + std::string(nearest) + "?"));
  }
}

void warn_of_effects(ParsedOptions& parsed) {
  for (const OptionRow& row : option_table()) {
    const Setting* const setting = find_setting(parsed.settings, name_of(row));
    if (!setting || row.needs.empty() || !is_wanted(row, *setting)) continue;
    if (const OptionRow* const needed = missing_need(row, parsed.settings))
      parsed.warnings.push_back(given_name(*setting) + " has no effect without " +
                                names_of(*needed));
  }

  const Options& options = parsed.options;
  const bool asks_over_tls =
      !options.no_recursion && has_server(options, &ServerAddress::may_be_encrypted);
  warn_unless(has_server_by_name(options), parsed, "bootstrap", "no server is given by its name");
  warn_unless(asks_over_tls, parsed, "tls-ca", "no server is asked over TLS");
  warn_unless(asks_over_tls, parsed, "tls-pin", "no server is asked over TLS");
  for (const auto& pins : options.tls_pins) {
    const auto is_its = [&pins](const ServerAddress& server) {
      return server.source == kResolved ||
             (server.is_encrypted() && server.name_to_verify() == pins.first);
    };
    warn_unless(!asks_over_tls || has_server(options, is_its), parsed, "tls-pin",
                "no server is verified as " + in_quotes(pins.first));
  }
  warn_unless(!options.encrypted.empty(), parsed, "tls-cert", "no listener is encrypted");
  warn_unless(!options.no_recursion, parsed, "shared-cache", "nothing is forwarded");

  const Setting* const sets = find_setting(parsed.settings, "server");
  for (const std::string& name : unused_sets(parsed.options))
    parsed.warnings.push_back((sets ? given_name(*sets) : "--server") + ": no stub zone and no " +
                              "rule asks the set " + in_quotes(name));
  const Setting* const lists = find_setting(parsed.settings, "list");
  for (const NamedList& list : parsed.options.lists)
    if (lists && !list.is_used)
      parsed.warnings.push_back(given_name(*lists) + ' ' + list.name +
                                " has no effect: no rule uses that list");

  const Setting* const poll = find_setting(parsed.settings, "hostsfile-poll");
  if (poll && looks_like_a_port(*poll))
    parsed.warnings.push_back("-p (--hostsfile-poll) " + poll->value +
                              " is how often hosts files are looked at, in seconds; a port stands "
                              "behind an address, for example --listen 127.0.0.1:53");
}

}  // namespace dnslet::config

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/rule_options.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/text.h"
#include "config/rule_loops.h"
#include "config/rule_text.h"
#include "config/rule_words.h"
#include "config/server_url.h"
#include "policy/fake_addresses.h"

namespace dnslet::config {
namespace {

// A name that is no server, so that either may stand in the same place.
bool is_set_name(std::string_view text) {
  const std::string folded = lower_case(text);
  const bool is_clean = std::ranges::all_of(folded, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
  return is_clean && !text.empty() && !looks_like_server(text);
}

bool has_files(const Options& options) {
  return std::ranges::any_of(options.rules,
                             [](const RuleSource& source) { return !source.path.empty(); });
}

// Adds the words that the rule asks, among which sets are. REQUIRES: it is a rule.
void add_asked(const policy::Rule& rule, std::set<std::string, std::less<>>& asked) {
  if (rule.action.kind != policy::RuleAction::Kind::Ask) return;
  const auto words = split_rule_words(rule.text);
  if (!words) return;
  const auto arrow = std::ranges::find(*words, kArrow);
  if (words->end() - arrow < 3) return;
  if (auto servers = split_rule_values(arrow[2])) asked.insert(servers->begin(), servers->end());
}

Result<RuleSource> parse_source(std::string_view text) {
  RuleSource source;
  if (!text.starts_with('@')) {
    source.rule.text = text;
    return source;
  }
  source.path = trimmed(text.substr(1));
  if (source.path.empty()) return not_a(text, "a file of rules, for example @/etc/dnslet/rules");
  return source;
}

// Which lists have an effect. A rule of a file may name any of them.
void note_lists(Options& options) {
  for (NamedList& list : options.lists) list.is_used = list.is_used || has_files(options);
  for (const RuleSource& source : options.rules)
    for (const policy::Condition& condition : source.rule.conditions)
      for (const policy::ListNumber list : condition.lists) options.lists[list].is_used = true;
}

}  // namespace

Error too_many_rules() {
  return Error{
      "there are more than " + std::to_string(kMaxRules) +
      " rules; put names that have the same rule into one, for example zone:a.test,b.test"};
}

Status store_server_set(std::string_view text, const NumberRange&, Options& options) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos)
    return not_a(text, "a name and its servers, for example local=10.0.0.1,10.0.0.2");
  const std::string_view name = trimmed(text.substr(0, equals));
  if (!is_set_name(name))
    return Error{in_quotes(text) + ": " + in_quotes(name) +
                 " is not a name for a set: write letters, digits, -, _ and dots, and no address"};
  auto servers = parse_nameservers(text.substr(equals + 1));
  if (!servers) return Error{in_quotes(text) + ": " + servers.error().text};
  std::vector<ServerAddress>& set = options.server_sets[std::string(name)];
  for (ServerAddress& server : *servers)
    if (std::ranges::count(set, server) == 0) set.push_back(std::move(server));
  return Done{};
}

Status store_stub_zones(std::string_view text, const NumberRange&, Options& options) {
  Status added = add_stub_zones(text, options.server_sets, options.stub_zones);
  if (!added) return added;
  std::string pieces(text);
  std::ranges::replace_if(
      pieces, [](char c) { return c == ',' || c == '/' || c == ';'; }, ' ');
  for (const std::string_view piece : split_blanks(pieces))
    if (options.server_sets.contains(piece)) options.sets_of_zones.emplace(piece);
  return Done{};
}

Status store_fake_networks(std::string_view text, const NumberRange&, Options& options) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();
  for (const std::string_view element : *elements) {
    const auto network = Network::from_text(element);
    if (!network || !policy::FakeAddresses::is_large_enough(*network))
      return not_a(element,
                   "a network of at least 4 addresses, for example 198.18.0.0/15 or "
                   "fd00:0:0:fa4e::/64");
    const auto is_other = [&](const Network& one) {
      return one.address.family == network->address.family;
    };
    if (std::ranges::any_of(options.fake_networks, is_other))
      return Error{in_quotes(element) + " is a second network of that family: name one of each"};
    options.fake_networks.push_back(*network);
  }
  return Done{};
}

Status complete_stub_zones(Options& options) { return check_stub_zones(options.stub_zones); }

Status store_rules(std::string_view text, const NumberRange&, Options& options) {
  const auto texts = split_rules(text);
  if (texts.empty()) return not_a(text, "a rule, for example 'zone:ads.test -> block'");
  for (const std::string_view one : texts) {
    if (options.rules.size() == kMaxRules) return too_many_rules();
    auto source = parse_source(one);
    if (!source) return source.error();
    options.rules.push_back(std::move(*source));
  }
  return Done{};
}

Status complete_rules(Options& options) {
  const RuleNames known = rule_names(options);
  std::vector<policy::Rule> rules;
  for (RuleSource& source : options.rules) {
    if (!source.path.empty()) continue;
    auto rule = parse_rule(source.rule.text, known);
    if (!rule) return rule.error();
    source.rule = std::move(*rule);
    rules.push_back(source.rule);
  }
  note_lists(options);
  // Rules of a file may stand in the way of a loop.
  return has_files(options) ? Done{} : check_alias_loops(rules);
}

RuleNames rule_names(const Options& options) {
  std::map<std::string, policy::ListNumber, std::less<>> lists;  // names in lower case
  for (const NamedList& list : options.lists) lists.emplace(list.name, lists.size());
  return {.sets = options.server_sets,
          .lists = std::move(lists),
          .listeners = all_listeners(options),
          .knows_listeners = !options.systemd,
          .has_fake_addresses = !options.fake_networks.empty()};
}

std::vector<std::string> unused_sets(const Options& options) {
  std::vector<std::string> unused;
  if (has_files(options)) return unused;
  std::set<std::string, std::less<>> asked(options.sets_of_zones.begin(),
                                           options.sets_of_zones.end());
  for (const RuleSource& source : options.rules) add_asked(source.rule, asked);
  for (const auto& [name, servers] : options.server_sets)
    if (!asked.contains(name)) unused.push_back(name);
  return unused;
}

std::vector<ServerAddress> servers_of_rules(const Options& options) {
  std::vector<ServerAddress> servers;
  const auto add = [&servers](const std::vector<ServerAddress>& some) {
    servers.insert(servers.end(), some.begin(), some.end());
  };
  for (const auto& [name, set] : options.server_sets) add(set);
  for (const RuleSource& source : options.rules) add(source.rule.action.servers);
  return servers;
}

}  // namespace dnslet::config

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/rule_files.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.h"
#include "config/lines.h"
#include "config/name_sources.h"
#include "config/rule_loops.h"
#include "config/rule_options.h"
#include "config/rule_text.h"
#include "config/rule_words.h"
#include "io/address_sets.h"

namespace dnslet::config {

RuleFiles::RuleFiles(const Options& options, uint64_t seed, io::Log& log)
    : options_(options), known_(rule_names(options)), seed_(seed), log_(log) {
  for (const RuleSource& source : options.rules)
    if (!source.path.empty()) paths_.push_back(source.path);
}

Status RuleFiles::load() {
  const Status status = read(kNeverStopped);
  return status ? status : Error{"--rule (DNSMASQ_RULES): " + status.error().text};
}

void RuleFiles::reload(const StopFlag& stop) {
  if (empty()) return;
  const Status status = read(stop);
  if (!status && !is_set(stop))
    log_.write(io::Level::Warning, status.error().text + "; all rules stay as they were");
}

namespace {

// Whether the sets that rules name are there.
Status check_sets(const std::vector<policy::Rule>& rules) {
  io::SetWriter writer;
  std::set<AddressSet> known;
  for (const policy::Rule& rule : rules) {
    if (!rule.sets) continue;
    for (const AddressSets* const sets : {&rule.sets->nft, &rule.sets->ip})
      for (const auto& set : *sets) {
        const auto found = known.insert(*set).second ? writer.check(*set) : Status(Done{});
        if (!found)
          return Error{(rule.origin.empty() ? "" : escaped(rule.origin) + ": ") +
                       in_quotes(set->to_text()) + " in rule " + in_quotes(rule.text) + ' ' +
                       found.error().text};
      }
  }
  return Done{};
}

}  // namespace

Status RuleFiles::read(const StopFlag& stop) {
  watch_.mark(io::stamps_of(paths_));
  List rules;
  LoadedFiles loaded;
  for (const RuleSource& source : options_.rules) {
    const std::size_t before = rules.size();
    if (source.path.empty())
      rules.push_back(source.rule);
    else if (Status status = read_file(source.path, stop, rules); !status)
      return status;
    if (loaded.files.empty() || loaded.files.back().path != source.path)
      loaded.add("rule", source.path, 0);
    loaded.files.back().entries += rules.size() - before;
    if (rules.size() > kMaxRules) return too_many_rules();
  }
  if (!empty())  // else the options' parser has looked for loops
    if (Status status = check_alias_loops(rules); !status) return status;
  // --explain writes into none.
  if (has_address_sets() && options_.action == Action::Serve)
    if (Status status = check_sets(rules); !status) return status;
  if (!empty())
    log_.write(io::Level::Info,
               io::LogLine("rules read").with("files", paths_.size()).with("rules", rules.size()));
  loaded_ = keep(std::move(loaded));
  // Behind the default servers and those of stub zones.
  const policy::ServerSetNumber first_set = options_.stub_zones.size() + 1;
  rules_ = rules.empty()
               ? nullptr
               : std::make_shared<const policy::RuleSet>(std::move(rules), first_set, seed_);
  return Done{};
}

Status RuleFiles::read_file(const std::string& path, const StopFlag& stop, List& rules) const {
  const auto text = io::read_file(path, kMaxFile, stop);
  if (!text) return text.error();
  std::string_view left = without_mark(*text);
  for (std::size_t number = 1; !left.empty(); ++number) {
    const std::string origin = path + ':' + std::to_string(number);
    if (Status added = add_line(next_line(left), origin, rules); !added) return added;
    if (rules.size() > kMaxRules) return too_many_rules();
  }
  return Done{};
}

Status RuleFiles::add_line(std::string_view line, const std::string& origin, List& rules) const {
  const std::string_view text = trimmed(without_comment(line));
  if (text.empty()) return Done{};
  const std::string place = escaped(origin) + ": ";
  if (text.starts_with('@'))
    return Error{place + in_quotes(text) + " is a file in a file of rules; name it in --rule"};
  auto rule = parse_rule(text, known_);
  if (!rule) return Error{place + rule.error().text};
  const auto own = own_server(rule->action.servers, options_);
  if (own && !options_.no_recursion)
    return Error{place + own->to_text() + " is this dnslet itself; name another server"};
  rule->origin = origin;
  rules.push_back(std::move(*rule));
  return Done{};
}

bool RuleFiles::has_changed() { return !empty() && watch_.has_changed(io::stamps_of(paths_)); }

}  // namespace dnslet::config

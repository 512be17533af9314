// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/options.h"

#include <algorithm>
#include <array>
#include <map>
#include <thread>
#include <utility>

#include "base/text.h"
#include "config/listener_options.h"
#include "config/option_table.h"
#include "config/option_values.h"
#include "config/option_warnings.h"
#include "config/report_options.h"
#include "config/resolv_conf.h"
#include "config/rule_options.h"
#include "config/rule_words.h"
#include "dns/hash.h"

namespace dnslet::config {
namespace {

// Per flag, the values that the command line gives it, in order.
using FlagValues = std::map<std::string, std::vector<std::string>, std::less<>>;

// What an option is set to, and by whom.
struct Source {
  Origin origin = Origin::Default;
  std::string name;                 // "--rcache" or "DNSMASQ_RCACHE"
  std::vector<std::string> values;  // in order; empty: unset
};

// Whether the next word may belong to the value, too.
bool may_go_on(const OptionRow& row, std::string_view value) {
  return row.kind == (value.empty() ? Kind::Command : Kind::Question);
}

std::string long_form(const OptionRow& row) { return "--" + std::string(row.flag); }

// The name between the dashes, one or two, and an equals sign; empty: the argument is no flag.
std::string_view flag_name(std::string_view argument) {
  const std::size_t dashes = argument.starts_with("--") ? 2 : argument.starts_with('-') ? 1 : 0;
  return dashes == 0 ? std::string_view() : argument.substr(0, argument.find('=')).substr(dashes);
}

// The flag that someone who wrote `name` meant; nullptr: none is near.
const OptionRow* find_nearest(std::string_view name) {
  constexpr std::size_t kMaxName = 40;  // longer than any flag, and keeps the work small
  if (name.size() > kMaxName) return nullptr;

  const OptionRow* nearest = nullptr;
  std::size_t best = std::min<std::size_t>(2, name.size() / 2) + 1;
  for (const OptionRow& row : option_table()) {
    if (row.flag.empty()) continue;
    const std::size_t distance = edit_distance(name, row.flag);
    if (distance >= best) continue;
    best = distance;
    nearest = &row;
  }
  return nearest;
}

Error missing_name(const OptionRow& row) {
  return Error{long_form(row) + ": '' is empty where NAME is expected; without '=' it is for all"};
}

Error unexpected(std::string_view argument) {
  if (!argument.starts_with('-') || argument == "-") {
    const bool is_value = static_cast<bool>(parse_boolean(argument));
    return Error{"unexpected argument " + in_quotes(argument) +
                 (is_value ? ": write --flag=VALUE to switch something on or off"
                           : ": everything is a flag, see --help")};
  }
  const std::string_view flag = argument.substr(0, argument.find('='));
  const OptionRow* const nearest = find_nearest(flag_name(argument));
  return Error{"unknown flag " + in_quotes(flag) +
               (nearest ? ": did you mean " + long_form(*nearest) + "? See --help-all"
                        : ", see --help-all")};
}

// One sentence for a deprecated flag, however often it is given.
void warn_of_flag(std::string_view argument, std::vector<std::string>& warnings) {
  const auto names = old_flags();
  const auto old = std::ranges::find(names, flag_name(argument), &OldName::name);
  if (old == names.end() || !old->is_deprecated) return;
  std::string warning = (old->name.size() == 1 ? "-" : "--") + std::string(old->name) +
                        " is deprecated: use --" + std::string(old->flag);
  if (std::ranges::find(warnings, warning) == warnings.end())
    warnings.push_back(std::move(warning));
}

// No value is touched, even one that begins with a dash. Fails at the first word that is neither
// flag nor value.
Result<FlagValues> parse_command_line(const std::vector<std::string>& arguments,
                                      std::vector<std::string>& warnings) {
  FlagValues flags;
  const OptionRow* valued = nullptr;  // the flag whose value comes next
  std::string* first_word = nullptr;  // of a value that may have a second one, which comes next
  const auto add = [&](const OptionRow& row, std::string_view value) {
    std::string& added = flags[std::string(row.flag)].emplace_back(value);
    first_word = may_go_on(row, value) ? &added : nullptr;
  };

  for (const std::string& argument : arguments) {
    const bool is_word = !argument.empty() && !argument.starts_with('-');
    if (std::string* const first = std::exchange(first_word, nullptr); first && is_word) {
      *first += ' ' + argument;
      continue;
    }
    if (valued) {
      add(*std::exchange(valued, nullptr), argument);
      continue;
    }
    if (argument == "--") continue;
    const OptionRow* const row = find_option(flag_name(argument));
    if (!row) return unexpected(argument);
    warn_of_flag(argument, warnings);
    const std::size_t equals = argument.find('=');
    const bool is_for_none = row->kind == Kind::Command && equals + 1 == argument.size();
    if (is_for_none) return missing_name(*row);  // of a script whose variable is empty
    if (equals != std::string::npos)
      add(*row, std::string_view(argument).substr(equals + 1));
    else if (is_switch(*row))
      add(*row, "true");
    else if (row->kind == Kind::Command)
      add(*row, "");
    else
      valued = row;
  }
  if (valued) return Error{long_form(*valued) + ": its value is missing, see --help-all"};
  return flags;
}

// A variable's text as the values that flags would give one by one. A list of nothing but blanks
// counts as empty, but for one of commas.
Result<std::vector<std::string>> split_variable(const OptionRow& row, const std::string& text) {
  if (row.kind == Kind::BlankList || row.kind == Kind::Sequence) {
    const auto elements = split_blanks(text);
    if (row.kind == Kind::Sequence && !elements.empty()) return std::vector<std::string>{text};
    return std::vector<std::string>(elements.begin(), elements.end());
  }
  if (row.kind == Kind::Lines && split_rules(text).empty()) return std::vector<std::string>();
  if (row.kind != Kind::PathList) return std::vector<std::string>{text};
  const auto elements = parse_list(text);
  if (!elements) return elements.error();
  return std::vector<std::string>(elements->begin(), elements->end());
}

// The variables of an option, the strongest first.
std::vector<std::string> variables_of(const OptionRow& row) {
  std::vector<std::string> names;
  if (!row.variable.empty()) names.emplace_back(row.variable);
  for (const OldName& old : old_variables()) {
    if (old.flag == row.flag) names.emplace_back(old.name);
  }
  return names;
}

Result<Source> find_source(const OptionRow& row, const FlagValues& flags,
                           const Environment& environment) {
  const auto flag = flags.find(row.flag);
  if (flag != flags.end()) return Source{Origin::Flag, long_form(row), flag->second};

  for (const std::string& variable : variables_of(row)) {
    const auto text = environment.find(variable);
    if (text == environment.end() || text->second.empty()) continue;
    auto values = split_variable(row, text->second);
    if (!values) return Error{variable + ": " + values.error().text};
    if (!values->empty()) return Source{Origin::Variable, variable, std::move(*values)};
  }

  Source source;
  if (!row.default_value.empty()) source.values.emplace_back(row.default_value);
  return source;
}

std::string shown_lines(const std::vector<std::string>& values) {
  std::string joined;
  for (const std::string& value : values)
    for (const std::string_view line : split_rules(value))
      (joined += joined.empty() ? "" : " ; ") += line;
  return joined;
}

std::string shown_value(const OptionRow& row, const std::vector<std::string>& values) {
  if (values.empty()) return {};
  if (is_switch(row)) return *parse_boolean(values.back()) ? "true" : "false";
  if (!is_list(row)) return values.back();

  if (row.kind == Kind::Lines) return shown_lines(values);
  std::string joined = values.front();
  for (std::size_t i = 1; i < values.size(); ++i) {
    const bool has_commas = row.kind == Kind::List || row.kind == Kind::PathList;
    joined += has_commas ? "," : " ";
    joined += values[i];
  }
  return joined;
}

// Whether a value is lost to one that was given behind it.
bool is_overruled(const OptionRow& row, const Source& source) {
  if (is_list(row) || source.values.size() < 2) return false;
  if (!is_switch(row)) return true;
  return std::ranges::any_of(source.values, [&](const std::string& value) {
    return *parse_boolean(value) != *parse_boolean(source.values.back());
  });
}

// With other ones, what is kept in a file would be wrong: what upstream says, and what is made of
// it before it is kept.
constexpr std::array<std::string_view, 16> kDeciding = {
    "address",       "record",    "hostsfile",     "nameservers",  "stubzones",      "server",
    "rule",          "filter",    "rebind-guard",  "rebind-ok",    "search-domains", "ndots",
    "enable-search", "fwd-ndots", "no-family-fix", "client-subnet"};

Status apply(const OptionRow& row, const Source& source, ParsedOptions& parsed) {
  for (const std::string& value : source.values) {
    if (value.empty() && !is_switch(row) && row.kind != Kind::Command) {
      return Error{source.name + ": '' is empty where " + std::string(row.placeholder) +
                   " is expected"};
    }
    const Status status = row.store(value, row.range, parsed.options);
    if (!status) return Error{source.name + ": " + status.error().text};
  }
  if (const Status status = row.complete ? row.complete(parsed.options) : Done{}; !status)
    return Error{source.name + ": " + status.error().text};
  if (is_action(row)) return Done{};

  if (is_overruled(row, source))
    parsed.warnings.push_back(source.name + " is given more than once: the last one counts, " +
                              in_quotes(source.values.back()));
  Setting setting = {std::string(name_of(row)), shown_value(row, source.values), source.origin};
  if (source.origin == Origin::Variable) setting.variable = source.name;
  if (source.origin == Origin::Variable && source.name != row.variable) {
    parsed.warnings.push_back(source.name + " is deprecated: use " + std::string(row.variable));
  }
  if (std::ranges::count(kDeciding, row.flag) > 0)
    parsed.options.deciding = dns::hash(setting.value, parsed.options.deciding);
  parsed.settings.push_back(std::move(setting));
  return Done{};
}

enum class Rows { Actions, Settings };

Status apply_rows(Rows rows, const FlagValues& flags, const Environment& environment,
                  ParsedOptions& parsed) {
  for (const OptionRow& row : option_table()) {
    if (is_action(row) != (rows == Rows::Actions)) continue;
    const auto source = find_source(row, flags, environment);
    if (!source) return source.error();
    Status status = apply(row, *source, parsed);
    if (!status) return status;
  }
  return Done{};
}

std::string origin_text(const Setting& setting) {
  switch (setting.origin) {
    case Origin::Default:
      return "default";
    case Origin::ResolvConf:
      return "resolv.conf";
    case Origin::Variable:
      return setting.variable;
    case Origin::Flag:
      break;
  }
  return "--" + setting.flag;
}

// Turns "one per processor" into a number. A given --threads wins over --multithreading.
void count_workers(ParsedOptions& parsed) {
  const auto threads = std::ranges::find(parsed.settings, "threads", &Setting::flag);
  const bool is_given = threads != parsed.settings.end() && threads->origin != Origin::Default;
  Options& options = parsed.options;
  if (options.multithreading && !is_given) options.threads = 0;
  if (options.threads == 0) options.threads = std::max(1U, std::thread::hardware_concurrency());
  if (threads != parsed.settings.end()) threads->value = std::to_string(options.threads);
}

// Lines about questions are of the level info: what is beyond the level that was given is not told.
void settle_verbosity(ParsedOptions& parsed) {
  Options& options = parsed.options;
  if (options.verbose && options.log_level < io::Level::Info)
    parsed.warnings.emplace_back(
        "--verbose (DNSMASQ_VERBOSE) has no effect below --log-level info (DNSMASQ_LOG_LEVEL)");
  options.verbose = options.log_level == io::Level::Debug ||
                    (options.verbose && options.log_level == io::Level::Info);
}

// Sockets that systemd passes are not known yet.
Status check_default_resolver(const Options& options) {
  if (options.default_resolver && options.client_options == ClientOptions::Auto &&
      !options.enable_search)
    return Error{
        "--resolvconf-options auto (DNSMASQ_RESOLVCONF_OPTIONS) takes the search list away from "
        "clients; add --enable-search (DNSMASQ_ENABLE_SEARCH), so that dnslet searches for them"};
  if (!options.default_resolver || options.systemd || !entry_for(options.listen).empty())
    return Done();
  return Error{
      "--default-resolver (DNSMASQ_DEFAULT) needs a listener on port 53, the only one that "
      "resolv.conf can name; add one to --listen (DNSMASQ_LISTEN)"};
}

}  // namespace

std::vector<Endpoint> all_listeners(const Options& options) {
  std::vector<Endpoint> all = options.listen;
  for (const EncryptedListener& listener : options.encrypted) all.push_back(listener.endpoint);
  return all;
}

bool has_server(const Options& options,
                const std::function<bool(const ServerAddress& server)>& is_such) {
  const auto has_such = [&is_such](const std::vector<ServerAddress>& servers) {
    return std::ranges::any_of(servers, is_such);
  };
  const auto& shared = options.shared_cache;
  return (shared && shared->socket.empty() && has_such({shared->place})) ||
         has_such(options.nameservers) || has_such(servers_of_rules(options)) ||
         std::ranges::any_of(options.rules,
                             [](const RuleSource& source) { return !source.path.empty(); }) ||
         std::ranges::any_of(options.stub_zones,
                             [&](const auto& zone) { return has_such(zone.first); });
}

bool has_server_by_name(const Options& options) {
  const bool has_stathat =
      !options.stathat_user.empty() && !IpAddress::from_text(options.stathat_url.host);
  return has_stathat || (options.graphite && options.graphite->is_name()) ||
         has_server(options, &ServerAddress::is_name);
}

Result<ParsedOptions> parse_options(const std::vector<std::string>& arguments,
                                    const Environment& environment) {
  ParsedOptions parsed;
  const auto flags = parse_command_line(arguments, parsed.warnings);
  if (!flags) return flags.error();

  const Status asked = apply_rows(Rows::Actions, *flags, environment, parsed);
  if (!asked) return asked.error();
  // Who asks for help gets it, above all when a variable is what is wrong.
  const Action action = parsed.options.action;
  if (action == Action::Help || action == Action::HelpAll || action == Action::Version)
    return parsed;

  const Status set = apply_rows(Rows::Settings, *flags, environment, parsed);
  if (!set) return set.error();
  // For tests only: StatHat has one place, which is the default.
  const auto url = environment.find("DNSLET_STATHAT_URL");
  if (url != environment.end() && !url->second.empty()) {
    const auto parsed_url = parse_url(url->second);
    if (!parsed_url) return Error{"DNSLET_STATHAT_URL: " + parsed_url.error().text};
    parsed.options.stathat_url = *parsed_url;
  }
  count_workers(parsed);
  settle_verbosity(parsed);
  warn_of_variables(environment, parsed.warnings);
  warn_of_effects(parsed);
  if (const Status fits = check_default_resolver(parsed.options); !fits) return fits.error();
  if (const Status fits = check_certificate(parsed.options); !fits) return fits.error();
  return parsed;
}

bool wants_json(const std::vector<std::string>& arguments, const Environment& environment) {
  constexpr std::string_view kFlag = "log-format";
  const auto variable = environment.find("DNSMASQ_LOG_FORMAT");
  std::string format = variable == environment.end() ? "" : variable->second;
  for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
    if (flag_name(*argument) != kFlag) continue;
    const std::size_t equals = argument->find('=');
    if (equals != std::string::npos)
      format = argument->substr(equals + 1);
    else if (argument + 1 != arguments.end())
      format = argument[1];
  }
  return lower_case(format) == "json";
}

std::string config_text(const std::vector<Setting>& settings) {
  std::string text;
  for (const Setting& setting : settings) {
    const std::string value =
        setting.value.empty() ? "-" : escaped(without_passwords(setting.value));
    text += setting.flag + " = " + value + "  (" + origin_text(setting) + ")\n";
  }
  return text;
}

}  // namespace dnslet::config

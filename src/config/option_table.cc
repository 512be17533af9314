// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/option_table.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "config/listener_options.h"
#include "config/option_stores.h"
#include "config/record_options.h"
#include "config/report_options.h"
#include "config/rule_options.h"
#include "config/shared_cache.h"
#include "config/subnet_text.h"
#include "config/tls_options.h"
#include "policy/key_table.h"

namespace dnslet::config {
namespace {

constexpr uint32_t kMaxSeconds = 86'400;  // a day: longer is a slip of the unit
constexpr uint32_t kMaxMilliseconds = kMaxSeconds * 1000;
constexpr uint32_t kMaxCacheAnswers = 10'000'000;  // 10 GB at the promised 1 KiB each
constexpr uint32_t kMaxLimit = 1'000'000;
constexpr uint32_t kMaxThreads = 256;
constexpr uint32_t kMaxNdots = 15;  // glibc's RES_MAXNDOTS
constexpr uint32_t kMaxDots = 126;  // no name has more

// For numbers whose 0 means something, and for those where it would mean nothing.
constexpr uint32_t kFromZero = 0;
constexpr uint32_t kFromOne = 1;

Status block(std::string_view text, const NumberRange&, Options& options) {
  const auto domains = parse_blocked_domains(text);
  if (!domains) return domains.error();
  for (const dns::Name& domain : *domains) options.block.add(domain);
  return Done{};
}

Status record(std::string_view text, const NumberRange&, Options& options) {
  return add_records(text, options);
}

Status rebind_ok(std::string_view text, const NumberRange&, Options& options) {
  const auto domains = parse_blocked_domains(text);
  if (!domains) return domains.error();
  for (const dns::Name& domain : *domains) options.rebind_ok.add(domain);
  return Done{};
}

Status list(std::string_view text, const NumberRange&, Options& options) {
  auto parsed = parse_named_list(text);
  if (!parsed) return parsed.error();
  add_list(options.lists, std::move(*parsed));
  return Done{};
}

// A list that is given and holds nothing is not that of resolv.conf.
Status search_domains(std::string_view text, const NumberRange&, Options& options) {
  const auto domains = parse_search_domains(text);
  if (!domains) return domains.error();
  if (!options.search_domains) options.search_domains.emplace();
  policy::KeyTable seen(0);  // no secret: who writes the list gains nothing by collisions
  for (const dns::Name& domain : *options.search_domains) seen.insert(domain.view().wire());
  for (const dns::Name& domain : *domains)
    if (seen.insert(domain.view().wire()) == options.search_domains->size())
      options.search_domains->push_back(domain);
  return Done{};
}

Status explain(std::string_view text, const NumberRange&, Options& options) {
  const auto question = parse_question(text);
  if (!question) return question.error();
  options.explained = *question;
  return set_action(Action::Explain, options);
}

Status ask_once(ControlRequest request, Options& options) {
  if (options.action == Action::Control && options.request.command != request.command)
    return one_errand();
  options.request = std::move(request);
  return set_action(Action::Control, options);
}

template <Command command>
Status ask_running(std::string_view text, const NumberRange&, Options& options) {
  auto names = parse_name_choice(text);
  if (!names) return names.error();
  return ask_once({command, std::move(*names)}, options);
}

Status ask_for_lists(std::string_view text, const NumberRange&, Options& options) {
  const auto value = parse_boolean(text);
  if (!value) return value.error();
  return *value ? ask_once({Command::Lists, {}}, options) : Done();
}

constexpr NumberRange kNoRange;
constexpr NumberRange kSeconds = {kFromZero, kMaxSeconds, "seconds"};
constexpr NumberRange kSecondsFromOne = {kFromOne, kMaxSeconds, "seconds"};
constexpr NumberRange kMilliseconds = {kFromOne, kMaxMilliseconds, "milliseconds"};

constexpr auto kOptions = std::to_array<OptionRow>({
    {.group = "Listening",
     .flag = "listen",
     .letter = 'l',
     .kind = Kind::List,
     .variable = "DNSMASQ_LISTEN",
     .placeholder = "IP[:PORT],...",
     .default_value = "127.0.0.1:53",
     .help = "Where to serve; tls://, https://, quic:// encrypt",
     .store = store_listeners,
     .complete = complete_listeners},
    {"Listening", "tls-cert", 0, Kind::Text, "DNSMASQ_TLS_CERT", "PATH", "",
     "The certificate of listeners that encrypt", store_tls_cert},
    {"Listening", "tls-key", 0, Kind::Text, "DNSMASQ_TLS_KEY", "PATH", "",
     "Its private key [in the same file]", store_tls_key, kNoRange, "tls-cert"},
    {"Listening", "allow", 0, Kind::List, "DNSMASQ_ALLOW", "NETWORK,...", "",
     "Serve these clients only; private: those of no public network [everyone]",
     elements<&Options::allow, parse_networks>},
    {"Listening", "default-resolver", 'd', Kind::Switch, "DNSMASQ_DEFAULT", "", "false",
     "Become the host's nameserver", boolean<&Options::default_resolver>},
    {"Listening", "resolvconf-options", 0, Kind::Text, "DNSMASQ_RESOLVCONF_OPTIONS", "keep|auto",
     "keep", "auto: the host's programs leave the search to dnslet",
     value<&Options::client_options, parse_client_options>, kNoRange, "default-resolver"},
    {"Listening", "systemd", 0, Kind::Switch, "DNSMASQ_SYSTEMD", "", "false",
     "Use the sockets that systemd passes, not --listen", boolean<&Options::systemd>},
    {"Listening", "user", 0, Kind::Text, "DNSMASQ_USER", "NAME|UID[:GID]", "",
     "Become this user once the sockets are bound", value<&Options::user, parse_user>},

    {"Upstream", "nameservers", 'n', Kind::List, "DNSMASQ_SERVERS", "SERVER,...", "",
     "Servers to forward to, best first [from resolv.conf]",
     elements<&Options::nameservers, parse_nameservers>},
    {"Upstream", "client-subnet", 0, Kind::Text, "DNSMASQ_CLIENT_SUBNET", "NETWORK|client", "",
     "Network to tell servers (ECS), or each client's own",
     value<&Options::client_subnet, parse_subnet>},
    {"Upstream", "server", 0, Kind::BlankList, "DNSMASQ_SERVER_SETS", "NAME=SERVER,...", "",
     "A set of servers for --stubzones and --rule; repeatable", store_server_set},
    {.group = "Upstream",
     .flag = "stubzones",
     .letter = 'z',
     .kind = Kind::Sequence,
     .variable = "DNSMASQ_STUB",
     .placeholder = "DOMAIN/SERVER,...",
     .default_value = "",
     .help = "Other servers for these domains; repeatable",
     .store = store_stub_zones,
     .complete = complete_stub_zones},
    {"Upstream", "bootstrap", 0, Kind::List, "DNSMASQ_BOOTSTRAP", "IP[:PORT],...", "",
     "Servers that resolve the names of servers [from resolv.conf]",
     elements<&Options::bootstrap, parse_bootstrap>},
    {"Upstream", "tls-ca", 0, Kind::Text, "DNSMASQ_TLS_CA", "PATH", "",
     "Roots for servers over TLS, HTTPS [SSL_CERT_FILE or the system's]", store_tls_ca},
    {"Upstream", "tls-pin", 0, Kind::BlankList, "DNSMASQ_TLS_PIN", "NAME=BASE64", "",
     "The key that the server with this certificate has; repeatable", store_tls_pin},
    {"Upstream", "resolv-conf", 0, Kind::Text, "DNSMASQ_RESOLV_CONF", "PATH", kSystemResolvConf,
     "The file to read and, with -d, to edit", value<&Options::resolv_conf, parse_path>},
    {"Upstream", "upstream-timeout", 0, Kind::Text, "DNSMASQ_UPSTREAM_TIMEOUT", "MS", "4500",
     "Give up on a client's question after this", number<&Options::upstream_timeout>,
     kMilliseconds},
    {"Upstream", "upstream-retry", 0, Kind::Text, "DNSMASQ_UPSTREAM_RETRY", "MS", "800",
     "Ask the next server too after this much silence", number<&Options::upstream_retry>,
     kMilliseconds},
    {"Upstream", "force-tcp", 0, Kind::Switch, "DNSMASQ_FORCE_TCP", "", "",
     "Ask over TCP only [use-vc in resolv.conf]", boolean<&Options::force_tcp>},
    {"Upstream", "no-rec", 0, Kind::Switch, "DNSMASQ_NOREC", "", "false",
     "Forward nothing: refuse what is not here", boolean<&Options::no_recursion>},

    {"Names", "hostsfile", 'f', Kind::PathList, "DNSMASQ_HOSTSFILE", "PATH", "",
     "Hosts file or directory of them; repeatable", element<&Options::hosts_files, parse_path>},
    {"Names", "hostsfile-poll", 'p', Kind::Text, "DNSMASQ_POLL", "SECONDS", "0",
     "How often to look for changes; 0: on SIGHUP only", number<&Options::hosts_poll>, kSeconds,
     "hostsfile|blocklist|list|record|rule"},
    {"Names", "address", 0, Kind::BlankList, "DNSMASQ_ADDRESS", "NAME=IP,...", "",
     "Static record, of *.NAME too; repeatable", element<&Options::addresses, parse_static_record>},
    {"Names", "record", 0, Kind::Lines, "DNSMASQ_RECORD", "RECORD", "",
     "Static record, NAME [TTL] TYPE RDATA; @FILE: of them", record},
    {"Names", "block", 0, Kind::List, "DNSMASQ_BLOCK", "DOMAIN,...", "",
     "NXDOMAIN for these domains and names below; repeatable", block},
    {"Names", "blocklist", 0, Kind::List, "DNSMASQ_BLOCKLIST", "PATH,...", "",
     "NXDOMAIN for the names of these lists; repeatable",
     elements<&Options::blocklists, parse_paths>},
    {"Names", "allowlist", 0, Kind::List, "DNSMASQ_ALLOWLIST", "PATH,...", "",
     "Lists of names that --blocklist spares; repeatable",
     elements<&Options::allowlists, parse_paths>, kNoRange, "blocklist"},
    {"Names", "list", 0, Kind::BlankList, "DNSMASQ_LIST", "NAME=PATH,...", "",
     "Lists of names and networks for rules; repeatable", list},
    {"Names", "filter", 0, Kind::Text, "DNSMASQ_FILTER", "a|aaaa", "",
     "Answer this address family with NODATA", value<&Options::filter, parse_filter>},
    {"Names", "rebind-guard", 0, Kind::Switch, "DNSMASQ_REBIND_GUARD", "", "false",
     "NODATA for inner addresses from the default servers", boolean<&Options::rebind_guard>},
    {"Names", "rebind-ok", 0, Kind::List, "DNSMASQ_REBIND_OK", "DOMAIN,...", "",
     "Domains that may have inner addresses; repeatable", rebind_ok, kNoRange, "rebind-guard"},

    {.group = "Names",
     .flag = "fake-ip",
     .kind = Kind::List,
     .variable = "DNSMASQ_FAKE_IP",
     .placeholder = "NETWORK,...",
     .default_value = "",
     .help = "Addresses for the rules' action fake, a network a family",
     .store = store_fake_networks,
     .needs = "rule"},
    {.group = "Names",
     .flag = "rule",
     .kind = Kind::Lines,
     .variable = "DNSMASQ_RULES",
     .placeholder = "RULE|@PATH",
     .default_value = "",
     .help = "What happens to which question, or a file of that; repeatable",
     .store = store_rules,
     .complete = complete_rules},
    {"Names", "reverse-mapping", 0, Kind::Switch, "DNSMASQ_REVERSE_MAPPING", "", "false",
     "Name addresses by what led to them, if nobody else does", boolean<&Options::reverse_mapping>},
    {"Names", "round-robin", 0, Kind::Switch, "DNSMASQ_RR", "", "false",
     "Rotate addresses from answer to answer", boolean<&Options::round_robin>},
    {"Names", "no-family-fix", 0, Kind::Switch, "DNSMASQ_NO_FAMILY_FIX", "", "false",
     "Let NXDOMAIN for one family of a name be", boolean<&Options::family_fix, Sense::Clears>},
    {"Names", "no-flatten", 0, Kind::Switch, "DNSMASQ_NO_FLATTEN", "", "false",
     "Keep aliases that take addresses' room", boolean<&Options::flatten, Sense::Clears>},

    {"Search", "enable-search", 0, Kind::Switch, "DNSMASQ_ENABLE_SEARCH", "", "false",
     "Try names with the domains of the search list", boolean<&Options::enable_search>},
    {"Search", "search-domains", 's', Kind::List, "DNSMASQ_SEARCH_DOMAINS", "DOMAIN,...", "",
     "The search list, in order [from resolv.conf]", search_domains, kNoRange, "enable-search"},
    {"Search",
     "ndots",
     0,
     Kind::Text,
     "DNSMASQ_NDOTS",
     "N",
     "",
     "Dots of a name that is tried as it stands first [resolv.conf or 1]",
     number<&Options::ndots>,
     {kFromZero, kMaxNdots, "dots"},
     "enable-search"},
    {"Search",
     "fwd-ndots",
     0,
     Kind::Text,
     "DNSMASQ_FWD_NDOTS",
     "N",
     "0",
     "Dots that a name needs to be forwarded as it stands",
     number<&Options::fwd_ndots>,
     {kFromZero, kMaxDots, "dots"}},

    {"Cache",
     "rcache",
     'r',
     Kind::Text,
     "DNSMASQ_RCACHE",
     "N",
     "0",
     "How many answers to keep; 0: no cache",
     number<&Options::cache_capacity>,
     {kFromZero, kMaxCacheAnswers, "answers"}},
    {"Cache", "rcache-ttl", 0, Kind::Text, "DNSMASQ_RCACHE_TTL", "SECONDS", "60",
     "Longest time to keep an answer", number<&Options::cache_ttl>, kSecondsFromOne, "rcache"},
    {"Cache", "rcache-neg-ttl", 0, Kind::Text, "DNSMASQ_RCACHE_NEG_TTL", "SECONDS", "10",
     "Longest time to keep a negative answer", number<&Options::cache_negative_ttl>, kSeconds,
     "rcache"},
    {"Cache", "rcache-stale", 0, Kind::Text, "DNSMASQ_RCACHE_STALE", "SECONDS", "0",
     "Use answers for so long past their end if upstream fails", number<&Options::cache_stale>,
     kSeconds, "rcache"},
    {"Cache", "rcache-stale-first", 0, Kind::Switch, "DNSMASQ_RCACHE_STALE_FIRST", "", "false",
     "Use such answers at once, and ask upstream behind", boolean<&Options::stale_first>, kNoRange,
     "rcache-stale"},
    {"Cache", "no-prefetch", 0, Kind::Switch, "DNSMASQ_NO_PREFETCH", "", "false",
     "Don't refresh answers in use before they end", boolean<&Options::prefetch, Sense::Clears>,
     kNoRange, "rcache"},
    {"Cache", "shared-cache", 0, Kind::Text, "DNSMASQ_SHARED_CACHE", "URL", "",
     "A Redis to ask before upstream: redis[s]://HOST or unix:PATH", store_shared_cache},
    {"Cache", "cache-file", 0, Kind::Text, "DNSMASQ_CACHE_FILE", "PATH", "",
     "A file in which the cache survives a restart", value<&Options::cache_file, parse_path>,
     kNoRange, "rcache|fake-ip"},

    {"Limits",
     "max-inflight",
     0,
     Kind::Text,
     "DNSMASQ_MAX_INFLIGHT",
     "N",
     "4096",
     "Upstream questions open at once",
     number<&Options::max_inflight>,
     {kFromOne, kMaxLimit, "questions"}},
    {"Limits",
     "max-tcp-clients",
     0,
     Kind::Text,
     "DNSMASQ_MAX_TCP_CLIENTS",
     "N",
     "256",
     "Client TCP connections open at once",
     number<&Options::max_tcp_clients>,
     {kFromOne, kMaxLimit, "connections"}},
    {"Limits", "tcp-idle-timeout", 0, Kind::Text, "DNSMASQ_TCP_IDLE_TIMEOUT", "MS", "10000",
     "Close idle client connections after this", number<&Options::tcp_idle_timeout>, kMilliseconds},

    {"Operation",
     "threads",
     0,
     Kind::Text,
     "DNSMASQ_THREADS",
     "N",
     "1",
     "Workers; 0: one per processor",
     number<&Options::threads>,
     {kFromZero, kMaxThreads, "threads"}},
    {"Operation", "multithreading", 0, Kind::Switch, "DNSMASQ_MULTITHREADING", "", "false",
     "The same as --threads 0", boolean<&Options::multithreading>},
    {"Operation", "verbose", 0, Kind::Switch, "DNSMASQ_VERBOSE", "", "false",
     "A log line for every question", boolean<&Options::verbose>},
    {"Operation", "log-level", 0, Kind::Text, "DNSMASQ_LOG_LEVEL", "LEVEL", "info",
     "How much to log: error|warning|info|debug (every question)",
     value<&Options::log_level, parse_log_level>},
    {"Operation", "syslog", 0, Kind::Switch, "DNSMASQ_SYSLOG", "", "false",
     "Log to syslog, not to standard output", boolean<&Options::syslog>},
    {"Operation", "log-format", 0, Kind::Text, "DNSMASQ_LOG_FORMAT", "text|json", "text",
     "How the lines of the log are written", value<&Options::json_log, parse_log_format>},
    {"Operation", "metrics", 0, Kind::Text, "DNSMASQ_METRICS", "IP:PORT", "",
     "Serve counters and health over HTTP", value<&Options::metrics, parse_metrics>},
    {"Operation", "metrics-host", 0, Kind::List, "DNSMASQ_METRICS_HOST", "HOST,...", "",
     "Names by which they may be called", elements<&Options::metrics_hosts, parse_metrics_host>,
     kNoRange, "metrics"},
    {"Operation", "control", 0, Kind::Text, "DNSMASQ_CONTROL", "PATH", "",
     "A socket for --dump-cache, --flush, --lists", value<&Options::control, parse_control_path>},
    {"Operation", "", 0, Kind::Text, "GRAPHITE_SERVER", "HOST:PORT", "",
     "Push the counters to Graphite every 10 s", value<&Options::graphite, parse_graphite_server>},
    {"Operation", "", 0, Kind::Text, "GRAPHITE_PREFIX", "NAME", "dnslet",
     "What their names begin with there", value<&Options::graphite_prefix, parse_graphite_prefix>,
     kNoRange, "GRAPHITE_SERVER"},
    {"Operation", "", 0, Kind::Text, "STATHAT_USER", "KEY", "",
     "Push the counters to StatHat every 10 s", value<&Options::stathat_user, parse_stathat_user>},
    {"Operation", "healthcheck", 0, Kind::Action, "", "", "", "Ask the running dnslet; exit 0 or 1",
     act<Action::Healthcheck>},
    {"Operation", "explain", 0, Kind::Question, "", "NAME [TYPE]", "",
     "Ask, and tell how the answer is found", explain},
    {"Operation", "dump-cache", 0, Kind::Command, "", "[NAME]", "",
     "Print the running dnslet's cache", ask_running<Command::DumpCache>, kNoRange, "control"},
    {"Operation", "flush", 0, Kind::Command, "", "[NAME]", "",
     "Empty it, or take out a NAME or a *.NAME", ask_running<Command::Flush>, kNoRange, "control"},
    {"Operation", "lists", 0, Kind::Action, "", "", "", "Print what it has read from which files",
     ask_for_lists, kNoRange, "control"},
    {"Operation", "print-config", 0, Kind::Action, "", "", "", "Print every option and its origin",
     act<Action::PrintConfig>},
    {"Operation", "version", 'v', Kind::Action, "", "", "",
     "Print the version and those of libraries", act<Action::Version>},
    {"Operation", "help", 'h', Kind::Action, "", "", "", "Print the options used most",
     act<Action::Help>},
    {"Operation", "help-all", 0, Kind::Action, "", "", "", "Print all options",
     act<Action::HelpAll>},
});

constexpr auto kOldFlags = std::to_array<OldName>({
    {"search", "enable-search", false},
    {"append-search-domains", "enable-search"},
    {"a", "enable-search"},
});

constexpr auto kOldVariables = std::to_array<OldName>({
    {"DNSMASQ_APPEND", "enable-search"},
    {"DNSMASQ_SEARCH", "search-domains"},
});

}  // namespace

std::span<const OptionRow> option_table() { return kOptions; }
std::span<const OldName> old_flags() { return kOldFlags; }
std::span<const OldName> old_variables() { return kOldVariables; }

const OptionRow* find_option(std::string_view name) {
  if (name.empty()) return nullptr;
  const auto* const old = std::ranges::find(kOldFlags, name, &OldName::name);
  if (old != kOldFlags.end()) name = old->flag;
  const auto* const row =
      std::find_if(kOptions.begin(), kOptions.end(), [name](const OptionRow& candidate) {
        if (name.size() == 1) return candidate.letter != 0 && candidate.letter == name[0];
        return name == candidate.flag;
      });
  return row == kOptions.end() ? nullptr : row;
}

}  // namespace dnslet::config

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/option_table.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include "app/option_values.h"
#include "app/report_options.h"

namespace dnslet::app {
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

Status set_switch(bool& field, std::string_view text) {
  const auto value = parse_boolean(text);
  if (!value) return value.error();
  field = *value;
  return Done{};
}

// For a flag that switches something off.
Status clear_switch(bool& field, std::string_view text) {
  const auto value = parse_boolean(text);
  if (!value) return value.error();
  field = !*value;
  return Done{};
}

Status set_seconds(std::chrono::seconds& field, std::string_view text, uint32_t min) {
  const auto value = parse_number(text, {min, kMaxSeconds, "seconds"});
  if (!value) return value.error();
  field = std::chrono::seconds(*value);
  return Done{};
}

Status set_milliseconds(std::chrono::milliseconds& field, std::string_view text) {
  const auto value = parse_number(text, {kFromOne, kMaxMilliseconds, "milliseconds"});
  if (!value) return value.error();
  field = std::chrono::milliseconds(*value);
  return Done{};
}

Status set_count(std::size_t& field, std::string_view text, NumberRange range) {
  const auto value = parse_number(text, range);
  if (!value) return value.error();
  field = *value;
  return Done{};
}

template <Action action>
Status parse_action(std::string_view text, Options& options) {
  const auto value = parse_boolean(text);
  if (!value) return value.error();
  if (*value) options.action = action;
  return Done{};
}

Status parse_listen(std::string_view text, Options& options) {
  auto listen = parse_listeners(text);
  if (!listen) return listen.error();
  options.listen = std::move(*listen);
  return Done{};
}

Status parse_allow(std::string_view text, Options& options) {
  auto allow = parse_networks(text);
  if (!allow) return allow.error();
  options.allow = std::move(*allow);
  return Done{};
}

Status parse_systemd(std::string_view text, Options& options) {
  return set_switch(options.systemd, text);
}

Status parse_user_ids(std::string_view text, Options& options) {
  const auto user = parse_user(text);
  if (!user) return user.error();
  options.user = *user;
  return Done{};
}

Status parse_servers(std::string_view text, Options& options) {
  auto nameservers = parse_nameservers(text);
  if (!nameservers) return nameservers.error();
  options.nameservers = std::move(*nameservers);
  return Done{};
}

Status parse_stubzones(std::string_view text, Options& options) {
  auto zones = parse_stub_zones(text);
  if (!zones) return zones.error();
  std::move(zones->begin(), zones->end(), std::back_inserter(options.stub_zones));
  return check_stub_zones(options.stub_zones);
}

Status parse_resolv_conf(std::string_view text, Options& options) {
  auto path = parse_path(text);
  if (!path) return path.error();
  options.resolv_conf = std::move(*path);
  return Done{};
}

Status parse_default_resolver(std::string_view text, Options& options) {
  return set_switch(options.default_resolver, text);
}

Status parse_resolvconf_options(std::string_view text, Options& options) {
  const auto choice = parse_client_options(text);
  if (!choice) return choice.error();
  options.client_options = *choice;
  return Done{};
}

Status parse_upstream_timeout(std::string_view text, Options& options) {
  return set_milliseconds(options.upstream_timeout, text);
}

Status parse_upstream_retry(std::string_view text, Options& options) {
  return set_milliseconds(options.upstream_retry, text);
}

Status parse_force_tcp(std::string_view text, Options& options) {
  return set_switch(options.force_tcp.emplace(), text);
}

Status parse_no_rec(std::string_view text, Options& options) {
  return set_switch(options.no_recursion, text);
}

Status parse_hostsfile(std::string_view text, Options& options) {
  auto path = parse_path(text);
  if (!path) return path.error();
  options.hosts_files.push_back(std::move(*path));
  return Done{};
}

Status parse_hostsfile_poll(std::string_view text, Options& options) {
  return set_seconds(options.hosts_poll, text, kFromZero);
}

Status parse_address(std::string_view text, Options& options) {
  auto record = parse_static_record(text);
  if (!record) return record.error();
  options.addresses.push_back(std::move(*record));
  return Done{};
}

Status parse_block(std::string_view text, Options& options) {
  auto domains = parse_domains(text, "ads.example (names below it are included)");
  if (!domains) return domains.error();
  options.block = std::move(*domains);
  return Done{};
}

Status parse_family(std::string_view text, Options& options) {
  const auto filter = parse_filter(text);
  if (!filter) return filter.error();
  options.filter = *filter;
  return Done{};
}

Status parse_enable_search(std::string_view text, Options& options) {
  return set_switch(options.enable_search, text);
}

// `.` is no domain, and no error: resolv.conf has it where nothing is to be searched.
Status parse_search_domains(std::string_view text, Options& options) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();
  std::vector<std::string> domains;
  for (const std::string_view element : *elements) {
    const auto domain =
        element == "." ? std::vector<std::string>{"."} : parse_domains(element, "corp.example");
    if (!domain) return domain.error();
    domains.push_back(domain->front());
  }
  options.search_domains = std::move(domains);
  return Done{};
}

Status parse_ndots(std::string_view text, Options& options) {
  const auto dots = parse_number(text, {kFromZero, kMaxNdots, "dots"});
  if (!dots) return dots.error();
  options.ndots = *dots;
  return Done{};
}

Status parse_fwd_ndots(std::string_view text, Options& options) {
  const auto dots = parse_number(text, {kFromZero, kMaxDots, "dots"});
  if (!dots) return dots.error();
  options.fwd_ndots = *dots;
  return Done{};
}

Status parse_round_robin(std::string_view text, Options& options) {
  return set_switch(options.round_robin, text);
}

Status parse_rcache(std::string_view text, Options& options) {
  return set_count(options.cache_capacity, text, {kFromZero, kMaxCacheAnswers, "answers"});
}

Status parse_rcache_ttl(std::string_view text, Options& options) {
  return set_seconds(options.cache_ttl, text, kFromOne);
}

Status parse_rcache_neg_ttl(std::string_view text, Options& options) {
  return set_seconds(options.cache_negative_ttl, text, kFromZero);
}

Status parse_rcache_stale(std::string_view text, Options& options) {
  return set_seconds(options.cache_stale, text, kFromZero);
}

Status parse_threads(std::string_view text, Options& options) {
  return set_count(options.threads, text, {kFromZero, kMaxThreads, "threads"});
}

Status parse_multithreading(std::string_view text, Options& options) {
  return set_switch(options.multithreading, text);
}

Status parse_max_inflight(std::string_view text, Options& options) {
  return set_count(options.max_inflight, text, {kFromOne, kMaxLimit, "questions"});
}

Status parse_max_tcp_clients(std::string_view text, Options& options) {
  return set_count(options.max_tcp_clients, text, {kFromOne, kMaxLimit, "connections"});
}

Status parse_tcp_idle_timeout(std::string_view text, Options& options) {
  return set_milliseconds(options.tcp_idle_timeout, text);
}

Status parse_verbose(std::string_view text, Options& options) {
  return set_switch(options.verbose, text);
}

Status parse_syslog(std::string_view text, Options& options) {
  return set_switch(options.syslog, text);
}

Status parse_explain(std::string_view text, Options& options) {
  const auto question = parse_question(text);
  if (!question) return question.error();
  options.explained = *question;
  options.action = Action::Explain;
  return Done{};
}

constexpr auto kOptions = std::to_array<OptionRow>({
    {"Listening", "listen", 'l', Kind::Text, "DNSMASQ_LISTEN", "IP[:PORT],...", "127.0.0.1:53",
     "Addresses for UDP and TCP", parse_listen},
    {"Listening", "allow", 0, Kind::Text, "DNSMASQ_ALLOW", "NETWORK,...", "",
     "Serve these clients only [everyone]", parse_allow},
    {"Listening", "default-resolver", 'd', Kind::Switch, "DNSMASQ_DEFAULT", "", "false",
     "Become the host's nameserver", parse_default_resolver},
    {"Listening", "resolvconf-options", 0, Kind::Text, "DNSMASQ_RESOLVCONF_OPTIONS", "keep|auto",
     "keep", "auto: dnslet searches for clients", parse_resolvconf_options},
    {"Listening", "systemd", 0, Kind::Switch, "DNSMASQ_SYSTEMD", "", "false",
     "Use the sockets that systemd passes", parse_systemd},
    {"Listening", "user", 0, Kind::Text, "DNSMASQ_USER", "NAME|UID[:GID]", "",
     "Become this user once sockets are bound", parse_user_ids},

    {"Upstream", "nameservers", 'n', Kind::Text, "DNSMASQ_SERVERS", "IP[:PORT],...", "",
     "Servers, best first [from resolv.conf]", parse_servers},
    {"Upstream", "stubzones", 'z', Kind::Sequence, "DNSMASQ_STUB", "DOMAIN/IP,...", "",
     "Servers of these domains; repeatable", parse_stubzones},
    {"Upstream", "resolv-conf", 0, Kind::Text, "DNSMASQ_RESOLV_CONF", "PATH", kSystemResolvConf,
     "The file; -d edits it", parse_resolv_conf},
    {"Upstream", "upstream-timeout", 0, Kind::Text, "DNSMASQ_UPSTREAM_TIMEOUT", "MS", "4500",
     "Give up on a question after this", parse_upstream_timeout},
    {"Upstream", "upstream-retry", 0, Kind::Text, "DNSMASQ_UPSTREAM_RETRY", "MS", "800",
     "Ask the next server too after this", parse_upstream_retry},
    {"Upstream", "force-tcp", 0, Kind::Switch, "DNSMASQ_FORCE_TCP", "", "",
     "Ask over TCP only [use-vc in resolv.conf]", parse_force_tcp},
    {"Upstream", "no-rec", 0, Kind::Switch, "DNSMASQ_NOREC", "", "false",
     "Forward nothing: refuse what is not here", parse_no_rec},

    {"Names", "hostsfile", 'f', Kind::CommaList, "DNSMASQ_HOSTSFILE", "PATH", "",
     "Hosts file or directory; repeatable", parse_hostsfile},
    {"Names", "hostsfile-poll", 'p', Kind::Text, "DNSMASQ_POLL", "SECONDS", "0",
     "Look for changes; 0: on SIGHUP only", parse_hostsfile_poll},
    {"Names", "address", 0, Kind::BlankList, "DNSMASQ_ADDRESS", "NAME=IP,...", "",
     "Static record, *.NAME too; repeatable", parse_address},
    {"Names", "block", 0, Kind::Text, "DNSMASQ_BLOCK", "DOMAIN,...", "",
     "NXDOMAIN for these and all below", parse_block},
    {"Names", "filter", 0, Kind::Text, "DNSMASQ_FILTER", "a|aaaa", "",
     "Answer this address family with NODATA", parse_family},

    {"Names", "round-robin", 0, Kind::Switch, "DNSMASQ_RR", "", "false",
     "Rotate addresses from answer to answer", parse_round_robin},
    {"Names", "no-family-fix", 0, Kind::Switch, "DNSMASQ_NO_FAMILY_FIX", "", "false",
     "Let NXDOMAIN for one family of a name be",
     [](std::string_view text,
        Options& options) { return clear_switch(options.family_fix, text); }},
    {"Names", "no-flatten", 0, Kind::Switch, "DNSMASQ_NO_FLATTEN", "", "false",
     "Keep aliases that take addresses' room",
     [](std::string_view text, Options& options) { return clear_switch(options.flatten, text); }},

    {"Search", "enable-search", 0, Kind::Switch, "DNSMASQ_ENABLE_SEARCH", "", "false",
     "Try names with the search list", parse_enable_search},
    {"Search", "search-domains", 's', Kind::Text, "DNSMASQ_SEARCH_DOMAINS", "DOMAIN,...", "",
     "The list, in order [from resolv.conf]", parse_search_domains},
    {"Search", "ndots", 0, Kind::Text, "DNSMASQ_NDOTS", "N", "",
     "Dots to try as is first [resolv.conf or 1]", parse_ndots},
    {"Search", "fwd-ndots", 0, Kind::Text, "DNSMASQ_FWD_NDOTS", "N", "0",
     "Dots a name needs to be forwarded as is", parse_fwd_ndots},

    {"Cache", "rcache", 'r', Kind::Text, "DNSMASQ_RCACHE", "N", "0", "Answers to keep; 0: no cache",
     parse_rcache},
    {"Cache", "rcache-ttl", 0, Kind::Text, "DNSMASQ_RCACHE_TTL", "SECONDS", "60",
     "Longest time to keep an answer", parse_rcache_ttl},
    {"Cache", "rcache-neg-ttl", 0, Kind::Text, "DNSMASQ_RCACHE_NEG_TTL", "SECONDS", "10",
     "Longest time to keep a negative one", parse_rcache_neg_ttl},
    {"Cache", "rcache-stale", 0, Kind::Text, "DNSMASQ_RCACHE_STALE", "SECONDS", "0",
     "Use ended ones if upstream fails", parse_rcache_stale},
    {"Cache", "no-prefetch", 0, Kind::Switch, "DNSMASQ_NO_PREFETCH", "", "false",
     "Don't refresh answers before they end",
     [](std::string_view text, Options& options) { return clear_switch(options.prefetch, text); }},

    {"Limits", "max-inflight", 0, Kind::Text, "DNSMASQ_MAX_INFLIGHT", "N", "4096",
     "Upstream questions open at once", parse_max_inflight},
    {"Limits", "max-tcp-clients", 0, Kind::Text, "DNSMASQ_MAX_TCP_CLIENTS", "N", "256",
     "Client connections open at once", parse_max_tcp_clients},
    {"Limits", "tcp-idle-timeout", 0, Kind::Text, "DNSMASQ_TCP_IDLE_TIMEOUT", "MS", "10000",
     "Close idle client connections after", parse_tcp_idle_timeout},

    {"Operation", "threads", 0, Kind::Text, "DNSMASQ_THREADS", "N", "1",
     "Workers; 0: one per processor", parse_threads},
    {"Operation", "multithreading", 0, Kind::Switch, "DNSMASQ_MULTITHREADING", "", "false",
     "The same as --threads 0", parse_multithreading},
    {"Operation", "verbose", 0, Kind::Switch, "DNSMASQ_VERBOSE", "", "false",
     "A log line for every question", parse_verbose},
    {"Operation", "syslog", 0, Kind::Switch, "DNSMASQ_SYSLOG", "", "false",
     "Log to syslog, not to standard output", parse_syslog},
    {"Operation", "log-format", 0, Kind::Text, "DNSMASQ_LOG_FORMAT", "text|json", "text",
     "How lines of the log are written", parse_log_format},
    {"Operation", "metrics", 0, Kind::Text, "DNSMASQ_METRICS", "IP:PORT", "",
     "Serve counters and health over HTTP", parse_metrics},
    {"Operation", "", 0, Kind::Text, "GRAPHITE_SERVER", "IP:PORT", "", "", parse_graphite_server},
    {"Operation", "", 0, Kind::Text, "GRAPHITE_PREFIX", "NAME", "dnslet", "",
     parse_graphite_prefix},
    {"Operation", "", 0, Kind::Text, "STATHAT_USER", "KEY", "", "", parse_stathat_user},
    {"Operation", "healthcheck", 0, Kind::Action, "", "", "", "Ask the running dnslet; exit 0 or 1",
     parse_action<Action::Healthcheck>},
    {"Operation", "explain", 0, Kind::Question, "", "NAME [TYPE]", "",
     "Ask, and tell how the answer is found", parse_explain},
    {"Operation", "print-config", 0, Kind::Action, "", "", "", "Print every option and its origin",
     parse_action<Action::PrintConfig>},
    {"Operation", "version", 'v', Kind::Action, "", "", "", "Print the version",
     parse_action<Action::Version>},
    {"Operation", "help", 'h', Kind::Action, "", "", "", "Print this text",
     parse_action<Action::Help>},
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

}  // namespace dnslet::app

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One table of options: flag, variable, default, help text, parser. It drives the command line, the
// environment, --help and --print-config; nothing else in the program reads argv or the
// environment, but for systemd's variables.
//
// Precedence: flag, then variable, then resolv.conf (where the table says so), then default. An
// empty variable counts as unset. The first unusable value ends the parsing with one sentence that
// names the flag or the variable, the value and what would be right.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "dns/message.h"
#include "io/privileges.h"
#include "policy/lookup.h"
#include "policy/resolv_conf_edit.h"

namespace dnslet::app {

inline constexpr std::string_view kSystemResolvConf = "/etc/resolv.conf";

// What the command line asks for besides serving.
enum class Action { Serve, Help, Version, PrintConfig, Healthcheck, Explain };

// One --address value: a name ("*." in front makes it a wildcard) and its addresses. The name is
// checked (usable as a domain name) but kept as it was written.
struct StaticRecord {
  std::string name;
  std::vector<IpAddress> addresses;
};

// The servers of these domains and of all names below them. The domains are checked but kept as
// they were written, without a leading dot; "." stands for every name. Neither list is empty.
struct StubZone {
  std::vector<std::string> domains;
  std::vector<Endpoint> servers;
};

// Where to POST: "http://HOST[:PORT]/PATH". The host is an address or a name.
struct HttpUrl {
  std::string host;
  uint16_t port = 80;
  std::string path;
};

struct Options {
  Action action = Action::Serve;

  std::optional<io::UserIds> user;    // nullopt: stay who we are
  std::vector<Endpoint> listen;       // never empty after parse_options, see there
  std::vector<Endpoint> nameservers;  // empty: from resolv.conf
  std::vector<StubZone> stub_zones;
  std::string resolv_conf;

  std::vector<std::string> hosts_files;
  std::chrono::seconds hosts_poll{0};  // 0: only on SIGHUP
  std::vector<StaticRecord> addresses;
  std::vector<std::string> block;  // domains, checked, as written but for a leading dot
  policy::Filter filter = policy::Filter::None;
  std::vector<Network> allow;  // empty: everyone

  std::vector<std::string> search_domains;  // as `block`; empty: from resolv.conf
  std::optional<unsigned> ndots;            // nullopt: from resolv.conf, else 1
  unsigned fwd_ndots = 0;
  bool enable_search = false;
  bool round_robin = false;
  bool flatten = true;     // drops aliases where addresses would not fit 512 bytes
  bool family_fix = true;  // NXDOMAIN of one address family is NODATA where the name exists

  std::size_t cache_capacity = 0;  // answers; 0: no cache
  std::chrono::seconds cache_ttl{60};
  std::chrono::seconds cache_negative_ttl{10};
  bool prefetch = true;                 // asks again for answers in use before they end
  std::chrono::seconds cache_stale{0};  // how long past its end an answer may be used; 0: never

  bool no_recursion = false;
  std::optional<bool> force_tcp;  // nullopt: `use-vc` in resolv.conf decides
  std::chrono::milliseconds upstream_timeout{4500};
  std::chrono::milliseconds upstream_retry{800};
  std::size_t max_inflight = 4096;

  std::size_t threads = 1;  // workers; --multithreading and 0 have become a number
  std::size_t max_tcp_clients = 256;
  std::chrono::milliseconds tcp_idle_timeout{10000};

  bool default_resolver = false;  // this dnslet becomes the host's nameserver
  policy::ClientOptions client_options = policy::ClientOptions::Keep;
  bool systemd = false;  // `listen` is not asked; it becomes what the passed sockets hear
  bool multithreading = false;
  bool verbose = false;
  bool syslog = false;
  bool json_log = false;
  dns::Question explained;  // by Action::Explain

  std::optional<Endpoint> metrics;         // where counters are served; nullopt: nowhere
  std::vector<std::string> metrics_hosts;  // names by which clients may call them; lower case
  std::optional<Endpoint> graphite;        // where they are pushed to; nullopt: nowhere
  std::string graphite_prefix;
  std::string stathat_user;  // empty: nothing is pushed
  HttpUrl stathat_url = {"api.stathat.com", 80, "/ez"};
};

// Looks a variable up; nullopt where it is unset. Returned text need only live during the call.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// Where a value came from.
enum class Origin { Default, ResolvConf, Variable, Flag };

// A line of --print-config. `value` is empty where nothing is set.
struct Setting {
  std::string flag;  // without the dashes; of an option that has none, the variable
  std::string value;
  Origin origin = Origin::Default;
  std::string variable = {};  // its name, where the value came from one
};

struct ParsedOptions {
  Options options;
  std::vector<Setting> settings;      // one per option but the actions, in the table's order
  std::vector<std::string> warnings;  // deprecated spellings, one sentence each
};

// `arguments` without the program's name. Every Go spelling with a single dash works (`-listen`).
// Fails with one sentence fit for standard error; nothing is half parsed. With --help or --version
// no other value is looked at, so that help is to be had whatever a variable holds.
Result<ParsedOptions> parse_options(const std::vector<std::string>& arguments,
                                    const Environment& environment);

// The text of --help: fits 80 columns and one screen, ends with a newline.
std::string help_text();

// The text of --print-config: "flag = value  (origin)", one a line, "-" for an empty value; the
// origin is the flag, the variable, "resolv.conf" or "default". Values that resolv.conf gave are
// filled in by the caller beforehand, with their origin.
std::string config_text(const std::vector<Setting>& settings);

}  // namespace dnslet::app

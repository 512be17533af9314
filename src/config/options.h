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
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/redis_server.h"
#include "base/result.h"
#include "base/server_address.h"
#include "config/control_text.h"
#include "config/named_list.h"
#include "config/resolv_conf_edit.h"
#include "dns/message.h"
#include "dns/name_list.h"
#include "dns/record_from_text.h"
#include "io/log_line.h"
#include "io/privileges.h"
#include "io/tls.h"
#include "policy/rule.h"
#include "policy/tables.h"

namespace dnslet::config {

inline constexpr std::string_view kSystemResolvConf = "/etc/resolv.conf";

// What the command line asks for besides serving.
enum class Action { Serve, Help, HelpAll, Version, PrintConfig, Healthcheck, Explain, Control };

// One --address value: a name ("*." in front makes it a wildcard) and its addresses. The name is
// checked (usable as a domain name) but kept as it was written.
struct StaticRecord {
  std::string name;
  std::vector<IpAddress> addresses;
};

// Stub zones: whose servers have which domains, with all names below them; the root stands for
// every name. Neither list is empty. There may be many zones of few servers.
using StubZones = std::map<std::vector<ServerAddress>, dns::NameList>;

// Named sets of servers; none of them is empty.
using ServerSets = std::map<std::string, std::vector<ServerAddress>, std::less<>>;

// A rule, or a file of them.
struct RuleSource {
  std::string path;   // of a file; empty: it is `rule`
  policy::Rule rule;  // until all options are known no more than its text
};

// Where to POST: "http://HOST[:PORT]/PATH". The host is an address or a name.
struct HttpUrl {
  std::string host;
  uint16_t port = 80;
  std::string path;
};

struct Options {
  Action action = Action::Serve;

  std::optional<io::UserIds> user;           // nullopt: stay who we are
  std::vector<Endpoint> listen;              // over UDP and TCP
  std::vector<EncryptedListener> encrypted;  // after parse_options there is one here or there
  std::string tls_cert;                      // the file of their certificate; empty: there are none
  std::string tls_key;                       // empty: in the same file
  std::vector<ServerAddress> nameservers;    // empty: from resolv.conf
  std::vector<Endpoint> bootstrap;           // who resolves names of servers; empty: resolv.conf's
  StubZones stub_zones;
  std::string tls_ca;  // a file of root certificates; empty: SSL_CERT_FILE or the system's
  io::TlsPins tls_pins;
  std::string resolv_conf;
  ServerSets server_sets;
  std::set<std::string, std::less<>> sets_of_zones;  // those that stub zones name
  std::vector<RuleSource> rules;                     // in their order

  std::vector<std::string> hosts_files;
  std::chrono::seconds hosts_poll{0};  // 0: only on SIGHUP
  std::vector<StaticRecord> addresses;
  std::vector<dns::WrittenRecord> records;
  std::vector<std::string> record_files;
  dns::NameList block;
  std::vector<std::string> blocklists;  // files and directories
  std::vector<std::string> allowlists;
  std::vector<NamedList> lists;  // by policy::ListNumber, as first named
  policy::Filter filter = policy::Filter::None;
  bool reverse_mapping = false;
  bool rebind_guard = false;
  dns::NameList rebind_ok;
  std::vector<Network> fake_networks;  // at most one of each family; empty: none
  policy::SubnetChoice client_subnet;
  std::vector<Network> allow;  // empty: everyone

  std::optional<std::vector<dns::Name>> search_domains;  // each once; nullopt: from resolv.conf
  std::optional<unsigned> ndots;                         // nullopt: from resolv.conf, else 1
  unsigned fwd_ndots = 0;
  bool enable_search = false;
  bool round_robin = false;
  bool flatten = true;     // drops aliases where addresses would not fit 512 bytes
  bool family_fix = true;  // NXDOMAIN of one address family is NODATA where the name exists

  std::size_t cache_capacity = 0;  // answers; 0: no cache
  std::chrono::seconds cache_ttl{60};
  std::chrono::seconds cache_negative_ttl{10};
  std::chrono::seconds cache_stale{0};      // how long past its end an answer may be used; 0: never
  bool stale_first = false;                 // before upstream is asked, where it has records
  bool prefetch = true;                     // asks again for answers in use before they end
  std::optional<RedisServer> shared_cache;  // nullopt: none
  std::string cache_file;                   // in which the cache survives a restart; empty: in none
  uint64_t deciding = 0;                    // a hash of the options that decide what upstream says

  bool no_recursion = false;
  std::optional<bool> force_tcp;  // nullopt: `use-vc` in resolv.conf decides
  std::chrono::milliseconds upstream_timeout{4500};
  std::chrono::milliseconds upstream_retry{800};
  std::size_t max_inflight = 4096;

  std::size_t threads = 1;  // workers; --multithreading and 0 have become a number
  std::size_t max_tcp_clients = 256;
  std::chrono::milliseconds tcp_idle_timeout{10000};

  bool default_resolver = false;  // this dnslet becomes the host's nameserver
  ClientOptions client_options = ClientOptions::Keep;
  bool systemd = false;  // `listen` is not asked; it becomes what the passed sockets hear
  bool multithreading = false;
  bool verbose = false;  // after parse_options as the level of the log has it
  io::Level log_level = io::Level::Info;
  bool syslog = false;
  bool json_log = false;
  dns::Question explained;  // by Action::Explain
  std::string control;      // the socket of a running dnslet; empty: none
  ControlRequest request;   // what Action::Control asks there

  std::optional<Endpoint> metrics;         // where counters are served; nullopt: nowhere
  std::vector<std::string> metrics_hosts;  // names by which clients may call them; lower case
  std::optional<ServerAddress> graphite;   // where they are pushed to; nullopt: nowhere
  std::string graphite_prefix;
  std::string stathat_user;  // empty: nothing is pushed
  HttpUrl stathat_url = {"api.stathat.com", 80, "/ez"};
};

// Where --listen has us listen, whatever is spoken there.
std::vector<Endpoint> all_listeners(const Options& options);

// Whether such a server may be asked; a file of rules may have one at any time.
bool has_server(const Options& options,
                const std::function<bool(const ServerAddress& server)>& is_such);
// Whether a server is written by its name, which the servers of --bootstrap resolve.
bool has_server_by_name(const Options& options);

// The variables by name.
using Environment = std::map<std::string, std::string, std::less<>>;

// Where a value came from.
enum class Origin { Default, ResolvConf, Variable, Flag };

// A line of --print-config. `value` is empty where nothing is set.
struct Setting {
  std::string flag;  // without the dashes; of an option that has none, the variable
  std::string value;
  Origin origin = Origin::Default;
  std::string variable = {};  // its name, where the value came from one

  bool operator==(const Setting&) const = default;
};

struct ParsedOptions {
  Options options;
  std::vector<Setting> settings;      // one per option but the actions, in the table's order
  std::vector<std::string> warnings;  // of what works but is hardly meant, one sentence each
};

// `arguments` without the program's name. Every Go spelling with a single dash works (`-listen`).
// Fails with one sentence fit for standard error; nothing is half parsed. With --help or --version
// no other value is looked at, so that help is to be had whatever a variable holds.
Result<ParsedOptions> parse_options(const std::vector<std::string>& arguments,
                                    const Environment& environment);

// Whether errors are to be told as JSON, as far as can be told where options can't be parsed.
bool wants_json(const std::vector<std::string>& arguments, const Environment& environment);

// The text of --print-config: "flag = value  (origin)", one a line, "-" for an empty value; the
// origin is the flag, the variable, "resolv.conf" or "default". Values that resolv.conf gave are
// filled in by the caller beforehand, with their origin.
std::string config_text(const std::vector<Setting>& settings);

}  // namespace dnslet::config

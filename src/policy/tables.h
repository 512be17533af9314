// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What questions are answered from: settings, tables of ours, the cache. And who asks.

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "base/server_address.h"
#include "dns/reply.h"
#include "policy/block_lists.h"
#include "policy/cache.h"
#include "policy/client_subnets.h"
#include "policy/hosts.h"
#include "policy/key_table.h"
#include "policy/rebind.h"
#include "policy/records.h"
#include "policy/route.h"
#include "policy/search.h"
#include "policy/zones.h"

namespace dnslet::policy {

// Where an answer came from, as the query log names it.
enum class Source {
  Hosts,
  Address,
  Record,
  Block,
  Special,
  Filter,
  Chaos,
  Rule,
  Fake,
  Cache,
  Stale,
  Shared,
  Upstream,
  Reverse,
  Refused,
  Error
};
inline constexpr std::size_t kSources = static_cast<std::size_t>(Source::Error) + 1;
const char* to_text(Source source);
// Whether servers have said it, now or before; else it is what options and files say.
constexpr bool is_of_servers(Source source) {
  return source == Source::Upstream || source == Source::Shared || source == Source::Cache ||
         source == Source::Stale;
}

class FakeAddresses;
class ReverseNames;
class RuleSet;
struct Rule;

inline constexpr uint32_t kStaticTtl = 10;  // seconds, of all that our own tables answer

inline constexpr std::chrono::seconds kNoLimit = std::chrono::seconds::max();
inline constexpr std::chrono::seconds kFailureTime{1};  // for which a failure is remembered

enum class Rotation { Off, On };

// How questions are to be answered. The search rules may follow resolv.conf.
struct Settings {
  std::string version;
  Filter filter = Filter::None;
  std::vector<Network> allow;  // empty: everyone
  bool forwards = true;        // false: no nameserver, or --no-rec
  CacheTtls ttls;
  SearchRules search;
  Rotation rotation = Rotation::Off;    // of A and AAAA records, from answer to answer
  bool families_agree = true;           // see policy/family
  bool refreshes = true;                // what is in use, before it ends
  bool stale_first = false;             // what has ended goes out before upstream is asked
  bool flattens = true;                 // see dns/flatten; for UDP without EDNS
  SubnetChoice subnet{};                // where no rule says otherwise
  std::optional<RebindGuard> rebind{};  // nullopt: who asks gets inner addresses from everybody

  // Whether this client is answered.
  bool allows(const IpAddress& client) const { return allow.empty() || is_listed(client); }
  bool is_listed(const IpAddress& client) const;  // in `allow`
};

// How often each owner was answered, for rotation: one counter per owner of a table.
struct Turns {
  std::vector<uint32_t> addresses;
  std::vector<uint32_t> records;
  std::vector<uint32_t> hosts;
  // Answers that no cache entry counts, by name and type; names may share a counter.
  std::array<uint32_t, 256> uncached{};
};

// A name of a search and what came of it, as soon as that is known. Borrows.
struct Tried {
  const dns::Name& name;
  const Answer& answer;
  Source source;
  bool ends_search;
};
using OnTried = std::function<void(const Tried&)>;

// What a rule has to do with a name. Borrows.
struct RuleEvent {
  enum class What {
    Decides,     // what happens, or whom to ask
    PassedOver,  // it would answer by itself, but servers of a rule before it have failed
    OverLimit,   // the client asks more than it lets through
    Holds,       // for what its servers have said
    DoesNotHold,
    Failed,       // its servers did
    Swaps,        // it holds, and has other addresses for the answer
    LeavesAlone,  // it does not hold, and lets the answer be as it is
  };
  What what;
  const Rule& rule;
  dns::NameView name;
};
using OnRule = std::function<void(const RuleEvent&)>;

// A name of the default servers that has an inner address (policy/rebind). Borrows.
struct Guarded {
  dns::NameView name;
  const IpAddress& address;
};
using OnGuarded = std::function<void(const Guarded&)>;

// What questions are answered from, and who is told of it. Borrowed for the length of a call; the
// server owns it all.
struct Tables {
  const Settings& settings;
  const HostsTable& addresses;  // --address
  const HostsTable& hosts;      // hosts files
  const KeyTable& blocked;      // --block: folded names
  const Zones& zones;           // --stubzones
  Cache& cache;
  Cache& failures;  // what failed within the last second
  Turns& turns;
  dns::MutableBytesView scratch;      // 64 KiB for an answer on its way
  dns::ExtendedError& scratch_error;  // that goes with it
  const OnTried* on_tried = nullptr;  // is told each name of a search, where someone wants to know
  const BlockLists* lists = nullptr;  // --blocklist and --allowlist; null: none
  uint64_t generation = 0;            // another one whenever what decides was read again
  const RuleSet* rules = nullptr;     // --rule; null: none
  const OnRule* on_rule = nullptr;    // as on_tried
  const OnGuarded* on_guarded = nullptr;    // is told where --rebind-guard keeps an answer back
  const Records* records = nullptr;         // --record; null: none
  FakeAddresses* fake_addresses = nullptr;  // --fake-ip; null: none
  ReverseNames* reverse_names = nullptr;    // --reverse-mapping; null: off
};

// Who asks, as far as the answer depends on it.
struct Client {
  IpAddress address;
  Protocol protocol = Protocol::Udp;
  const Endpoint* listener = nullptr;  // where, as --listen names it; null: dnslet itself

  bool is_encrypted() const { return dnslet::is_encrypted(protocol); }
};

// One turn of the loop, for one question. Borrows.
struct Turn {
  const Tables& tables;
  Milliseconds now;
  dns::MutableBytesView out;  // where an answer goes: what is written there counts once it is told
};

}  // namespace dnslet::policy

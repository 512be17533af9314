// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A rule as --rule gives it: what a question has to be like, and what happens to it then. Plain
// values; config/rule_text reads them, policy/rule_set finds the one that decides.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/address_set.h"
#include "base/server_address.h"
#include "dns/message.h"
#include "dns/name.h"
#include "policy/client_subnets.h"
#include "policy/name_expression.h"

namespace dnslet::policy {

// By index in the order of the options.
using ListNumber = std::size_t;

// One condition; any of its values is enough.
struct Condition {
  enum class About : uint8_t {
    Name,        // names: the name is one of them
    Zone,        // names: at or below one of them
    Word,        // words: the name holds one of them
    Expression,  // expressions: one of them fits somewhere in the name
    List,        // lists: one of them takes the name
    Reverse,     // networks: the name is the reverse name of an address in one of them
    Type,        // types
    Client,      // networks and lists: the client's address is in one of them
    Via,         // protocols: how the client asks
    Listener,    // listeners: where the client asks
    // About what servers have said:
    Address,  // networks, lists, has_none: one of the answer's addresses is in one of them
    Rcode,    // rcodes
    Alias,    // names and lists: a target of the answer's aliases is at or below one, is taken
  };

  About about = About::Name;
  bool is_negated = false;
  std::vector<dns::Name> names;
  std::vector<std::string> words;  // in lower case
  std::vector<std::shared_ptr<const NameExpression>> expressions;
  std::vector<ListNumber> lists;
  std::vector<Network> networks;
  bool has_none = false;  // of Address: also an answer without any address
  std::vector<dns::Type> types;
  std::vector<Protocol> protocols;
  std::vector<Endpoint> listeners;
  std::vector<dns::Rcode> rcodes;
};

// Any of such conditions without `!` is enough; of all others each has to hold.
constexpr bool is_about_name(Condition::About about) { return about <= Condition::About::Reverse; }
constexpr bool is_about_answer(Condition::About about) {
  return about >= Condition::About::Address;
}

struct RuleAction {
  enum class Kind : uint8_t {
    Ask,     // these servers
    Rcode,   // an answer without records, with this code
    Drop,    // no answer at all
    Answer,  // these addresses or this text
    Fake,    // an address of --fake-ip
    Alias,   // a CNAME to the target, and what that has
    Pass,    // on behind the rules, with the options
    With,    // on to the next rule, with the options
  };

  Kind kind = Kind::Pass;
  std::vector<ServerAddress> servers;  // of Ask; not empty
  dns::Rcode rcode = dns::Rcode::NoError;
  std::vector<IpAddress> addresses;      // of Answer
  std::optional<std::string> text = {};  // of Answer, in place of addresses
  dns::Name target = {};
};

struct TtlRange {
  uint32_t least = 0;
  uint32_t most = UINT32_MAX;

  bool operator==(const TtlRange&) const = default;
};

// What goes along with the answer, whoever gives it. Later rules have precedence over `with` rules
// before them, option by option.
struct RuleOptions {
  std::optional<TtlRange> ttl = {};                    // of all records
  bool is_uncached = false;                            // the cache is neither read nor written
  std::optional<Family> only = {};                     // NODATA for the other address family
  std::optional<Family> prefer = {};                   // likewise, where the name has this one
  std::optional<uint32_t> limit = {};                  // questions a second and client network
  std::optional<std::chrono::milliseconds> wait = {};  // in place of --upstream-retry
  std::optional<uint32_t> race = {};                   // how many servers are asked at once
  std::optional<SubnetChoice> subnet = {};             // in place of --client-subnet
  // Sets for the answer's addresses, of Rule::sets; null: none.
  const AddressSets* nft_sets = nullptr;
  const AddressSets* ip_sets = nullptr;

  // Whether addresses of this family are told, by `only` and `prefer`. `has`: whether the name has
  // such of another family.
  template <typename Has>
  bool lets(Family family, Has has) const {
    if (only && *only != family) return false;
    return !prefer || *prefer == family || !has(*prefer);
  }
  // Of records that would live for `usual` seconds.
  uint32_t ttl_near(uint32_t usual) const {
    return ttl ? std::clamp(usual, ttl->least, ttl->most) : usual;
  }
};

// Sets of the packet filter. Where they are does not change.
struct RuleSets {
  AddressSets nft, ip;
};

struct Rule {
  std::vector<Condition> conditions;  // all of them have to hold; none: `*`
  RuleAction action;
  RuleOptions options;
  std::shared_ptr<RuleSets> sets = {};  // null: none
  // Of rules about what servers say:
  std::vector<IpAddress> swap;  // in place of the answer's addresses, where it holds; empty: not so
  bool asks_ahead = false;      // the next rule's servers are asked at the same time
  std::string text;             // as it was written
  std::string origin;           // where: empty of the options, else "PATH:LINE"
};

}  // namespace dnslet::policy

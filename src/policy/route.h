// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What an answer depends on besides its question: which servers give it, and what is made of it. It
// is a part of the question: what is kept and what is under way for one route is nothing to
// another.

#include <cstdint>
#include <type_traits>

#include "base/address.h"
#include "dns/hash.h"
#include "policy/zones.h"

namespace dnslet::policy {

// Which address family is left out: NODATA for its questions, no hints of it.
enum class Filter : uint8_t { None, A, Aaaa };

enum class Keeping : uint8_t { Kept, NotKept };  // in the cache
// Which address family's questions get NODATA where the name has addresses of the other one.
enum class Yielding : uint16_t { None, A, Aaaa };

// Whether questions for this type get NODATA by it.
constexpr bool leaves_out(Filter filter, dns::Type type) {
  return (filter == Filter::A && type == dns::Type::A) ||
         (filter == Filter::Aaaa && type == dns::Type::AAAA);
}

constexpr bool yields(Yielding yielding, dns::Type type) {
  return (yielding == Yielding::A && type == dns::Type::A) ||
         (yielding == Yielding::Aaaa && type == dns::Type::AAAA);
}

// For whom an answer counts, as far as servers look at the network of a client (RFC 7871).
enum class Reach : uint16_t {
  NotSent,    // servers are told of no network
  Subnet,     // of a question: this network is sent; of a kept answer: it counts for all in it
  JustThis,   // of a kept answer: it counts for who has just this network sent
  Everybody,  // of a kept answer: all networks are told the same
};

// A plain value without padding, of which the cache keeps the bytes. By default: the servers of the
// closest stub zone, or the default ones. As the name is in every key, such answers need nothing
// else to be kept apart.
struct Route {
  uint32_t rules = 0;    // the generation of the rules that chose it; 0: none did
  uint32_t servers = 0;  // the set that a rule has chosen; kDefaultServers: by the name
  uint32_t least_ttl = 0;
  uint32_t most_ttl = UINT32_MAX;
  Filter filter = Filter::None;  // besides that of --filter
  Keeping keeping = Keeping::Kept;
  Yielding yielding = Yielding::None;
  Reach reach = Reach::NotSent;
  Network subnet{};  // of Reach::Subnet and JustThis

  bool operator==(const Route&) const = default;
  // Whether it is kByName, as most are: without a branch for each part.
  constexpr bool is_by_name() const {
    return (rules | servers | least_ttl | ~most_ttl | static_cast<uint32_t>(filter) |
            static_cast<uint32_t>(keeping) | static_cast<uint32_t>(yielding) |
            static_cast<uint32_t>(reach)) == 0;
  }
  // Null: none is sent.
  const Network* sent_subnet() const { return reach == Reach::Subnet ? &subnet : nullptr; }
  bool has_ttl() const { return least_ttl > 0 || most_ttl < UINT32_MAX; }
};
static_assert(std::has_unique_object_representations_v<Route>);

inline constexpr Route kByName;
static_assert(kByName.is_by_name());

// `seed`: see dns/hash.h.
inline uint64_t hash_of(const Route& route, uint64_t seed) {
  return dns::hash({reinterpret_cast<const uint8_t*>(&route), sizeof route}, seed);
}

Route without_subnet(Route route);
// A scope: the answer counts for nobody else than those who have the same network sent.
inline constexpr uint8_t kWholeSubnet = UINT8_MAX;
// What the answer to a question of this route is kept under. `scope`: as the server has set it; one
// that is longer than what was sent says that too little was sent to know more (RFC 7871 section
// 7.2.1): the answer is nothing to those who have more sent. What has been asked for without
// telling anything is for those alone who want that (RFC 7871 section 7.3.1).
Route kept_route(Route asked, uint8_t scope);
// Whether what is kept under a route counts for a question of the other one.
bool covers(const Route& kept, const Route& asked);

inline ServerSetNumber servers_of(const Zones& zones, const Route& route, dns::NameView name) {
  return route.servers == kDefaultServers ? zones.find(name)
                                          : zones.find_within(route.servers, name);
}

}  // namespace dnslet::policy

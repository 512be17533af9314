// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Stub zones: which server set a name belongs to, by the longest match on label boundaries. A set
// may have zones of its own in turn: those for which others know the servers.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "dns/name.h"
#include "policy/key_table.h"
#include "policy/search.h"

namespace dnslet::policy {

// Server sets are numbers: 0 is the default one, stub zones have the others.
using ServerSetNumber = std::size_t;
inline constexpr ServerSetNumber kDefaultServers = 0;

class Zones {
 public:
  // `seed`: see dns/hash.h.
  explicit Zones(uint64_t seed) : seed_(seed), own_(seed) {}

  // Names at or below `zone` belong to `set`, unless a longer zone has them. The first one stays
  // where a zone is added twice.
  void add(dns::NameView zone, ServerSetNumber set) { own_.add(zone, set); }
  // The same for those names alone that would belong to `outer` otherwise.
  void add_within(ServerSetNumber outer, dns::NameView zone, ServerSetNumber set) {
    within_.try_emplace(outer, seed_).first->second.add(zone, set);
  }
  ServerSetNumber find(dns::NameView name) const {
    return find_within(own_.find(name).value_or(kDefaultServers), name);
  }
  ServerSetNumber find_within(ServerSetNumber outer, dns::NameView name) const {
    if (within_.empty()) return outer;
    const auto zones = within_.find(outer);
    return zones == within_.end() ? outer : zones->second.find(name).value_or(outer);
  }
  // The zone that decides so; nullopt: none does. Valid until the next add().
  std::optional<dns::NameView> find_zone(dns::NameView name) const { return own_.find_zone(name); }

 private:
  class Names {
   public:
    explicit Names(uint64_t seed) : names_(seed) {}

    void add(dns::NameView zone, ServerSetNumber set) {
      if (names_.insert(zone.wire()) == sets_.size()) sets_.push_back(static_cast<uint32_t>(set));
    }
    std::optional<ServerSetNumber> find(dns::NameView name) const {
      const auto number = find_closest(names_, name);
      return number ? std::optional<ServerSetNumber>(sets_[*number]) : std::nullopt;
    }
    std::optional<dns::NameView> find_zone(dns::NameView name) const {
      const auto number = find_closest(names_, name);
      if (!number) return std::nullopt;
      return dns::NameView(names_.key(*number));
    }

   private:
    KeyTable names_;
    std::vector<uint32_t> sets_;  // by number in names_
  };

  uint64_t seed_;
  Names own_;
  std::map<ServerSetNumber, Names> within_;  // by the set that has them
};

// What a search has to know of the name asked.
inline InStubZone in_stub_zone(const Zones& zones, dns::NameView name) {
  return zones.find(name) != kDefaultServers ? InStubZone::Yes : InStubZone::No;
}

}  // namespace dnslet::policy

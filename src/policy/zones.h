// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Stub zones: which server set a name belongs to, by the longest match on label boundaries.

#include <cstdint>
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
  explicit Zones(uint64_t seed) : names_(seed) {}

  // Names at or below `zone` belong to `set`, unless a longer zone has them. The first one stays
  // where a zone is added twice.
  void add(dns::NameView zone, ServerSetNumber set) {
    if (names_.insert(zone.wire()) == sets_.size()) sets_.push_back(static_cast<uint32_t>(set));
  }
  ServerSetNumber find(dns::NameView name) const {
    const auto number = find_closest(names_, name);
    return number ? sets_[*number] : kDefaultServers;
  }
  // The zone that decides so; nullopt: none does. Valid until the next add().
  std::optional<dns::NameView> find_zone(dns::NameView name) const {
    const auto number = find_closest(names_, name);
    if (!number) return std::nullopt;
    return dns::NameView(names_.key(*number));
  }

 private:
  KeyTable names_;
  std::vector<uint32_t> sets_;  // by number in names_
};

// What a search has to know of the name asked.
inline InStubZone in_stub_zone(const Zones& zones, dns::NameView name) {
  return zones.find(name) != kDefaultServers ? InStubZone::Yes : InStubZone::No;
}

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Which servers a question goes to. It is a part of the question: what is kept and what is under
// way for one route is nothing to another.

#include <cassert>
#include <cstdint>
#include <limits>

#include "policy/zones.h"

namespace dnslet::policy {

// ByName: those of the closest stub zone, or the default ones. As the name is in every key, such
// answers need nothing else to be kept apart. Every other route is a set of servers that a rule has
// chosen by more than the name: route_to().
enum class Route : uint16_t { ByName = 0 };

// REQUIRES: one of the first 65,535 sets.
inline Route route_to(ServerSetNumber set) {
  assert(set < std::numeric_limits<uint16_t>::max());
  return static_cast<Route>(set + 1);
}

inline ServerSetNumber servers_of(const Zones& zones, Route route, dns::NameView name) {
  return route == Route::ByName ? zones.find(name) : static_cast<ServerSetNumber>(route) - 1;
}

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/route.h"

#include <algorithm>

namespace dnslet::policy {

Route without_subnet(Route route) {
  route.subnet = {};
  route.reach = Reach::NotSent;
  return route;
}

Route kept_route(Route asked, uint8_t scope) {
  if (asked.reach != Reach::Subnet || asked.subnet.prefix == 0) return asked;
  if (scope == 0) {
    asked.subnet = {};
    asked.reach = Reach::Everybody;
  } else {
    asked.subnet = Network::of(asked.subnet.address, std::min(asked.subnet.prefix, scope));
  }
  return asked;
}

bool covers(const Route& kept, const Route& asked) {
  if (without_subnet(kept) != without_subnet(asked)) return false;
  if (kept.reach != Reach::Subnet) return kept.reach == Reach::Everybody || kept == asked;
  return asked.reach == Reach::Subnet && kept.subnet.covers(asked.subnet) &&
         (kept.subnet.prefix > 0 || asked.subnet.prefix == 0);
}

}  // namespace dnslet::policy

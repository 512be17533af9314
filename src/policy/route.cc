// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/route.h"

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
  } else if (scope > asked.subnet.prefix) {
    asked.reach = Reach::JustThis;
  } else {
    asked.subnet = Network::of(asked.subnet.address, scope);
  }
  return asked;
}

bool covers(const Route& kept, const Route& asked) {
  if (without_subnet(kept) != without_subnet(asked)) return false;
  const bool has_subnet = asked.reach == Reach::Subnet || asked.reach == Reach::JustThis;
  switch (kept.reach) {
    case Reach::NotSent:
      return asked.reach == Reach::NotSent;
    case Reach::Everybody:
      return true;
    case Reach::JustThis:
      return has_subnet && kept.subnet == asked.subnet;
    case Reach::Subnet:
      break;
  }
  return has_subnet && kept.subnet.covers(asked.subnet) &&
         (kept.subnet.prefix > 0 || asked.subnet.prefix == 0);
}

}  // namespace dnslet::policy

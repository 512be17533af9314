// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/client_subnets.h"

#include <algorithm>

#include "base/mapped_address.h"
#include "policy/rebind.h"

namespace dnslet::policy {

void send_subnet(const SubnetChoice& choice, const IpAddress& client, const dns::ClientSubnet* said,
                 Route& route) {
  route.subnet = {};
  route.reach = Reach::NotSent;
  if (choice.kind == SubnetChoice::Kind::None) return;
  Network network = choice.fixed;
  if (choice.kind == SubnetChoice::Kind::Client) {
    constexpr uint8_t kWhole = 128;
    const auto& [address, length] = said ? said->network : Network{unmapped(client), kWhole};
    const bool is_mapped = unmapped(address) != address;
    if (length > 0 && (is_mapped || is_inner(address))) return;
    const uint8_t most = address.family == Family::V4 ? choice.most_v4 : choice.most_v6;
    network = Network::of(address, std::min(length, most));
  }
  route.subnet = network;
  route.reach = Reach::Subnet;
}

}  // namespace dnslet::policy

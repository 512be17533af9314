// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What servers are told of the network that a client asks from: --client-subnet, and `subnet:` of
// rules.

#include <cstdint>

#include "base/address.h"
#include "dns/client_subnet.h"
#include "policy/route.h"

namespace dnslet::policy {

struct SubnetChoice {
  enum class Kind : uint8_t {
    None,    // nothing
    Fixed,   // always the same
    Client,  // what the client says itself, or else its address, cut to these lengths
  };

  Kind kind = Kind::None;
  Network fixed{};
  uint8_t most_v4 = 24;
  uint8_t most_v6 = 56;
};

// Has the route say what is sent. `said`: by the client, where it did. Of clients of private
// networks nothing is sent: nobody outside knows them. Who says a network of length 0 wants no more
// to be told (RFC 7871 section 7.1.2), and that is passed on.
void send_subnet(const SubnetChoice& choice, const IpAddress& client, const dns::ClientSubnet* said,
                 Route& route);

}  // namespace dnslet::policy

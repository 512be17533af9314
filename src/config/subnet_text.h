// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The network of clients that servers are told, as --client-subnet and rules have it.

#include <string_view>

#include "base/result.h"
#include "policy/client_subnets.h"

namespace dnslet::config {

// A network, or an address of one (/24 or /56); "client/24/56" or "client": the client's own with
// at most so many bits of IPv4 and IPv6; "none". Fails with the end of a sentence.
Result<policy::SubnetChoice> parse_subnet(std::string_view text);

}  // namespace dnslet::config

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// IPv4 addresses inside IPv6 ones (RFC 4291 section 2.5.5.2), as a socket for both families shows
// them.

#include "base/address.h"

namespace dnslet {

inline constexpr unsigned kMappedBits = 96;  // in front of the IPv4 address

// Of an IPv4-mapped address the IPv4 one; any other as it is.
IpAddress unmapped(const IpAddress& address);

}  // namespace dnslet

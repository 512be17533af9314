// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/mapped_address.h"

#include <algorithm>
#include <array>

namespace dnslet {

IpAddress unmapped(const IpAddress& address) {
  constexpr std::array<uint8_t, kMappedBits / 8> kMapped = {0, 0, 0, 0, 0,    0,
                                                            0, 0, 0, 0, 0xff, 0xff};
  const auto& b = address.bytes;
  if (address.family == Family::V4 || !std::equal(kMapped.begin(), kMapped.end(), b.begin()))
    return address;
  return IpAddress::v4(b[12], b[13], b[14], b[15]);
}

}  // namespace dnslet

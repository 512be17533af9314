// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/address_set.h"

namespace dnslet {

std::string AddressSet::to_text() const {
  return kind == Kind::Nft ? "nft:" + family + '/' + table + '/' + name : "ipset:" + name;
}

}  // namespace dnslet

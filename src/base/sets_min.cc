// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/address_set.h"

namespace dnslet {

bool has_address_sets() { return false; }

}  // namespace dnslet

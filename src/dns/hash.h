// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The hash of every table whose keys come from outside: seeded with a secret, so that nobody can
// aim keys at one bucket. A hash only finds a bucket; whoever uses it compares whole keys.

#include <cstdint>

#include "dns/wire.h"

namespace dnslet::dns {

uint64_t hash(BytesView bytes, uint64_t seed);

}  // namespace dnslet::dns

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The hash of every table whose keys come from outside: seeded with a secret, so that nobody can
// aim keys at one bucket. A hash only finds a bucket; whoever uses it compares whole keys.

#include <cstdint>
#include <string_view>

#include "dns/wire.h"

namespace dnslet::dns {

uint64_t hash(BytesView bytes, uint64_t seed);
inline uint64_t hash(std::string_view text, uint64_t seed) {
  return hash(BytesView(reinterpret_cast<const uint8_t*>(text.data()), text.size()), seed);
}

// The two halves of the 128-bit product, folded together: the mixing step of wyhash.
inline uint64_t mix(uint64_t a, uint64_t b) {
#ifdef __SIZEOF_INT128__
  __extension__ typedef unsigned __int128 Wide;  // NOLINT(modernize-use-using)
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
#else
  const uint64_t low = (a & 0xffffffff) * (b & 0xffffffff);
  const uint64_t middle = (a >> 32) * (b & 0xffffffff) + (low >> 32);
  const uint64_t other = (a & 0xffffffff) * (b >> 32) + (middle & 0xffffffff);
  const uint64_t high = (a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32);
  return high ^ (other << 32 | (low & 0xffffffff));
#endif
}

}  // namespace dnslet::dns

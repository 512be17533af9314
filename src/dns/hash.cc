// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/hash.h"

#include <bit>
#include <cstring>

namespace dnslet::dns {
namespace {

// The two halves of the 128-bit product, folded together: the mixing step of wyhash.
uint64_t mix(uint64_t a, uint64_t b) {
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

uint64_t load(const uint8_t* from) {
  uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// As a number of which the first byte is the highest.
template <typename Word>
uint64_t load_big(const uint8_t* from) {
  Word word = 0;
  std::memcpy(&word, from, sizeof word);
  if constexpr (std::endian::native == std::endian::big) return word;
  return sizeof word == 4 ? __builtin_bswap32(static_cast<uint32_t>(word))
                          : __builtin_bswap16(static_cast<uint16_t>(word));
}

// The last bytes, at most eight. Of most keys some are read twice, because a load of a fixed size
// is one instruction; that adds nothing and takes nothing away.
uint64_t load_last(BytesView bytes) {
  const std::size_t size = bytes.size();
  const uint8_t* const from = bytes.data();
  if (size >= 8) return load(from + size - 8);
  if (size >= 4)
    return load_big<uint32_t>(from) << (8 * (size - 4)) | load_big<uint32_t>(from + size - 4);
  if (size >= 2)
    return load_big<uint16_t>(from) << (8 * (size - 2)) | load_big<uint16_t>(from + size - 2);
  return size == 1 ? *from : 0;
}

}  // namespace

uint64_t hash(BytesView bytes, uint64_t seed) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  const uint8_t* from = bytes.data();
  std::size_t left = bytes.size();
  uint64_t state = seed ^ mix(left ^ kOdd, seed | 1);
  for (; left > 8; left -= 8, from += 8) state = mix(state ^ load(from), kOdd ^ seed);
  return mix(state ^ load_last(bytes), kOdd ^ std::rotl(seed, 32));
}

}  // namespace dnslet::dns

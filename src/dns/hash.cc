// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/hash.h"

#include <bit>
#include <cstring>

namespace dnslet::dns {
namespace {

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

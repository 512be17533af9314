// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A set of short keys (names in wire form, addresses), each with the number it was given on entry:
// 0, 1, 2, … Whoever keeps something per key keeps it in a vector under that number. Grows, never
// shrinks; find() costs one probe and allocates nothing.

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dns/name.h"
#include "dns/wire.h"

namespace dnslet::policy {

// How far a table is followed for a key that will be asked for: one access to memory each.
enum class Depth { Slot, Entry, Bytes };

// Brings something short, which may lie in two cache lines, into the processor's cache.
inline void prefetch_short(const void* first, std::size_t size) {
  __builtin_prefetch(first);
  __builtin_prefetch(static_cast<const uint8_t*>(first) + size - 1);
}

class KeyTable {
 public:
  // `seed`: a secret of the process (see dns/hash.h).
  explicit KeyTable(uint64_t seed) : seed_(seed) {}

  std::size_t size() const { return ends_.size(); }
  bool empty() const { return ends_.empty(); }

  // The key's number; enters it if it is new. `key` is copied. REQUIRES: 1 to 255 bytes.
  uint32_t insert(dns::BytesView key);
  std::optional<uint32_t> find(dns::BytesView key) const;
  // Whether some key has this size. If not, find() need not be asked.
  bool has_size(std::size_t size) const { return size < sizes_.size() && sizes_[size]; }
  // For preload(): see there. The key's number, as far as a look at hashes tells.
  uint64_t hash_of(dns::BytesView key) const;
  std::optional<uint32_t> prefetch(uint64_t hash, Depth depth) const;
  // Valid until the next insert. REQUIRES: number < size().
  dns::BytesView key(uint32_t number) const;

 private:
  struct Slot {
    uint32_t tag = 0;     // upper bits of the hash: spares most looks at keys that differ
    uint32_t number = 0;  // of the key, plus one; 0: free
  };

  std::size_t slot_of(dns::BytesView key, uint64_t hash) const;
  void grow(std::size_t slots);

  uint64_t seed_;
  std::bitset<dns::kMaxName + 1> sizes_;  // of keys
  std::vector<uint8_t> bytes_;            // all keys, one behind the other
  std::vector<uint32_t> ends_;            // where each ends in bytes_
  std::vector<Slot> slots_;               // open addressing, a power of two, at most 3/4 full
};

// The number of `name` or else of its closest ancestor in the table: the longest match on label
// boundaries. The root matches everything.
std::optional<uint32_t> find_closest(const KeyTable& table, dns::NameView name);

}  // namespace dnslet::policy

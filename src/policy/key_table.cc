// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/key_table.h"

#include <algorithm>
#include <bit>

#include "dns/hash.h"

namespace dnslet::policy {

uint32_t KeyTable::insert(dns::BytesView key) {
  if ((ends_.size() + 1) * 4 > slots_.size() * 3)
    grow(std::max<std::size_t>(16, slots_.size() * 2));
  const uint64_t hash = dns::hash(key, seed_);
  Slot& slot = slots_[slot_of(key, hash)];
  if (slot.number != 0) return slot.number - 1;

  sizes_.set(key.size());
  bytes_.insert(bytes_.end(), key.begin(), key.end());
  ends_.push_back(static_cast<uint32_t>(bytes_.size()));
  slot = {static_cast<uint32_t>(hash >> 32), static_cast<uint32_t>(ends_.size())};
  return slot.number - 1;
}

std::optional<uint32_t> KeyTable::find(dns::BytesView key) const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[slot_of(key, dns::hash(key, seed_))];
  if (slot.number == 0) return std::nullopt;
  return slot.number - 1;
}

uint64_t KeyTable::hash_of(dns::BytesView key) const { return dns::hash(key, seed_); }

std::optional<uint32_t> KeyTable::prefetch(uint64_t hash, Depth depth) const {
  if (slots_.empty()) return std::nullopt;
  const std::size_t mask = slots_.size() - 1;
  std::size_t index = hash & mask;
  if (depth == Depth::Slot) {
    __builtin_prefetch(&slots_[index]);
    return std::nullopt;
  }
  while (slots_[index].number != 0 && slots_[index].tag != static_cast<uint32_t>(hash >> 32))
    index = (index + 1) & mask;
  if (slots_[index].number == 0) return std::nullopt;

  const uint32_t number = slots_[index].number - 1;
  if (depth == Depth::Entry) __builtin_prefetch(&ends_[number == 0 ? 0 : number - 1]);
  if (depth == Depth::Bytes) {
    const dns::BytesView key = this->key(number);
    prefetch_short(key.data(), key.size());
  }
  return number;
}

dns::BytesView KeyTable::key(uint32_t number) const {
  const std::size_t start = number == 0 ? 0 : ends_[number - 1];
  return dns::BytesView(bytes_).subspan(start, ends_[number] - start);
}

// The slot that holds the key, or the free one where it belongs. Ends: never all slots are taken.
std::size_t KeyTable::slot_of(dns::BytesView key, uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t index = hash & mask;
  for (; slots_[index].number != 0; index = (index + 1) & mask) {
    const bool same_tag = slots_[index].tag == static_cast<uint32_t>(hash >> 32);
    if (same_tag && dns::same_bytes(this->key(slots_[index].number - 1), key)) break;
  }
  return index;
}

void KeyTable::grow(std::size_t slots) {
  slots_.assign(slots, Slot());
  const std::size_t mask = slots - 1;
  for (uint32_t number = 0; number < ends_.size(); ++number) {
    const uint64_t hash = dns::hash(key(number), seed_);
    std::size_t index = hash & mask;  // keys differ: the first free slot will do
    while (slots_[index].number != 0) index = (index + 1) & mask;
    slots_[index] = {static_cast<uint32_t>(hash >> 32), number + 1};
  }
}

std::optional<uint32_t> find_closest(const KeyTable& table, dns::NameView name) {
  if (table.empty()) return std::nullopt;
  for (dns::NameView candidate = name;; candidate = candidate.parent()) {
    const bool may_be_there = table.has_size(candidate.wire().size());  // else it costs no hash
    const auto number = may_be_there ? table.find(candidate.wire()) : std::nullopt;
    if (number || candidate.is_root()) return number;
  }
}

}  // namespace dnslet::policy

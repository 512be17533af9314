// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/name_set.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <utility>

#include "policy/name_hash.h"

namespace dnslet::policy {
namespace {

constexpr unsigned kAllBits = 64;

// Fast where each is near its place, or where there are few.
void sort_by_insertion(std::span<uint64_t> hashes) {
  for (std::size_t i = 1; i < hashes.size(); ++i) {
    const uint64_t hash = hashes[i];
    std::size_t at = i;
    for (; at > 0 && hashes[at - 1] > hash; --at) hashes[at] = hashes[at - 1];
    hashes[at] = hash;
  }
}

// Puts the hashes in order of the `bits` of them behind the `known` first ones, which are the same
// in all, and tells where each part begins, and the end. In place.
template <unsigned bits>
std::array<uint32_t, (1U << bits) + 1> part(std::span<uint64_t> hashes, unsigned known) {
  constexpr std::size_t kParts = std::size_t{1} << bits;
  const auto part_of = [known](uint64_t hash) { return hash << known >> (kAllBits - bits); };
  std::array<uint32_t, kParts + 1> starts{};
  for (const uint64_t hash : hashes) ++starts[part_of(hash) + 1];
  for (std::size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];

  std::array<uint32_t, kParts> next;
  std::copy_n(starts.begin(), next.size(), next.begin());
  for (std::size_t i = 0; i < kParts; ++i) {
    while (next[i] < starts[i + 1]) {  // ends: each turn puts one where it belongs
      uint64_t& hash = hashes[next[i]];
      std::swap(hash, hashes[next[part_of(hash)]++]);
    }
  }
  return starts;
}

// They are spread evenly: parts of a part are small, or all the same, and the rest is near its
// place.
void sort(std::span<uint64_t> hashes, unsigned known = 0) {
  constexpr std::size_t kFew = 64;
  constexpr std::size_t kMany = 8192;
  constexpr unsigned kBitsOfMany = 8;
  constexpr unsigned kBits = 11;
  if (hashes.size() <= kFew || known + kBits > kAllBits) return sort_by_insertion(hashes);
  if (hashes.size() <= kMany) {
    (void)part<kBits>(hashes, known);
    return sort_by_insertion(hashes);
  }
  const auto starts = part<kBitsOfMany>(hashes, known);
  for (std::size_t i = 0; i + 1 < starts.size(); ++i)
    sort(hashes.subspan(starts[i], starts[i + 1] - starts[i]), known + kBitsOfMany);
}

}  // namespace

// The name as its labels and dots, with room behind it to load eight bytes from its last one. No
// list has a name with a dot inside a label: such a dot is made another byte.
NameHashes::NameHashes(dns::NameView name, uint64_t seed) {
  const dns::BytesView wire = name.wire();
  std::array<uint8_t, dns::kMaxName + 2 * NameHash::kWord> text;
  std::memcpy(text.data(), wire.data(), wire.size());
  std::memset(text.data() + wire.size(), 0, 2 * NameHash::kWord);
  for (std::size_t at = 0; at < wire.size(); at += NameHash::kWord) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    word |= EightLetters::dots(word);
    std::memcpy(text.data() + at, &word, sizeof word);
  }
  std::array<uint8_t, kMaxLabels> starts;
  for (std::size_t at = 0; wire[at] != 0; at += std::size_t{1} + wire[at]) {
    starts[count_++] = static_cast<uint8_t>(at + 1);
    text[at] = '.';
  }

  const std::size_t end = wire.size() - 1;
  NameHash hash(seed);
  std::size_t added = 0;  // bytes, from the end
  for (std::size_t i = 0; i < count_; ++i) {
    const std::size_t start = starts[count_ - 1 - i];
    const std::size_t size = end - start;
    for (; size - added >= NameHash::kWord; added += NameHash::kWord)
      hash.add(NameHash::load(text.data() + end - added - NameHash::kWord));
    const uint64_t first = NameHash::load(text.data() + start);
    hashes_[i] = hash.of(NameHash::first_of(first, size - added), size);
    bits_ |= bit_of(hashes_[i]);
  }
  if (count_ == 0) bits_ = ~uint64_t{0};  // the root: patterns may fit it
}

HashArray::~HashArray() { std::free(hashes_); }

HashArray::HashArray(HashArray&& other) noexcept { *this = std::move(other); }

HashArray& HashArray::operator=(HashArray&& other) noexcept {
  std::swap(hashes_, other.hashes_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  std::swap(index_bits_, other.index_bits_);
  std::swap(index_, other.index_);
  return *this;
}

std::size_t HashArray::memory() const {
  return capacity_ * sizeof(uint64_t) + index_.capacity() * sizeof(uint32_t);
}

void HashArray::resize(std::size_t capacity) {
  if (capacity > SIZE_MAX / sizeof(uint64_t)) std::terminate();
  void* const moved = std::realloc(hashes_, capacity * sizeof(uint64_t));
  if (moved == nullptr) std::terminate();
  hashes_ = static_cast<uint64_t*>(moved);
  capacity_ = capacity;
}

void HashArray::add(uint64_t hash) {
  constexpr std::size_t kFirst = 16;
  if (size_ == capacity_) resize(std::max(kFirst, capacity_ * 2));  // never written: not resident
  hashes_[size_++] = hash;
}

void HashArray::finish() {
  if (size_ == 0) return;
  sort({hashes_, size_});
  size_ = static_cast<std::size_t>(std::unique(hashes_, hashes_ + size_) - hashes_);
  resize(size_);
  build_index();
}

// For some 16 hashes each; at most 16 bits.
void HashArray::build_index() {
  constexpr unsigned kMaxBits = 16;
  constexpr unsigned kInOne = 4;  // bits
  const auto width = static_cast<unsigned>(std::bit_width(size_));
  index_bits_ = width <= kInOne ? 1 : std::min(width - kInOne, kMaxBits);
  index_.resize((std::size_t{1} << index_bits_) + 1);
  std::size_t at = 0;
  for (std::size_t top = 0; top < index_.size(); ++top) {
    while (at < size_ && hashes_[at] >> (64 - index_bits_) < top) ++at;
    index_[top] = static_cast<uint32_t>(at);
  }
}

bool HashArray::has(uint64_t hash) const {
  if (index_.empty()) return false;
  const std::size_t top = hash >> (64 - index_bits_);
  const std::size_t first = index_[top];
  const std::size_t last = index_[top + 1];
  // They are spread evenly: the bits behind the top ones tell about where it would be.
  const uint64_t share = hash << index_bits_ >> 32;
  std::size_t at = first + (share * (last - first) >> 32);
  while (at > first && hashes_[at - 1] >= hash) --at;
  while (at < last && hashes_[at] < hash) ++at;
  return at < last && hashes_[at] == hash;
}

void NameSet::Kind::add(uint64_t hash, std::size_t count) {
  hashes.add(hash);
  labels.set(count);
  bits |= NameHashes::bit_of(hash);
}

bool NameSet::Kind::has_any(std::span<const uint64_t> names) const {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (labels[i + 1] && hashes.has(names[i])) return true;
  return false;
}

bool NameSet::Kind::has_last(std::span<const uint64_t> names) const {
  return labels[names.size()] && hashes.has(names.back());
}

NameSet::Kind& NameSet::kind_of(Covers covers) {
  if (covers == Covers::Name) return names_;
  return covers == Covers::Below ? below_ : names_and_below_;
}

void NameSet::add(dns::NameView name, Covers covers, uint64_t seed) {
  assert(!name.is_root());
  const NameHashes hashes(name, seed);
  kind_of(covers).add(hashes.all().back(), hashes.all().size());
}

void NameSet::finish() {
  for (Kind* const kind : {&names_, &names_and_below_, &below_}) kind->hashes.finish();
}

std::size_t NameSet::size() const {
  return names_.hashes.size() + names_and_below_.hashes.size() + below_.hashes.size();
}

std::size_t NameSet::memory() const {
  return names_.hashes.memory() + names_and_below_.hashes.memory() + below_.hashes.memory();
}

bool NameSet::has(const NameHashes& name) const {
  const std::span<const uint64_t> hashes = name.all();
  if (hashes.empty()) return false;
  return names_and_below_.has_any(hashes) || names_.has_last(hashes) ||
         below_.has_any(hashes.first(hashes.size() - 1));
}

}  // namespace dnslet::policy

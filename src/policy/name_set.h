// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A set of very many names in very little memory: 8 bytes each, and an index.
//
// Of a name only a hash of 64 bits is kept, and nothing is compared but hashes: with a million
// names a question meets a wrong one with a chance of 2 in 10^13. The hashes are keyed with a
// secret of the process, so that nobody can look for such a name. Names are added, then finish() is
// called, then they are looked up; all of one key.

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dns/name.h"
#include "policy/plain_name.h"

namespace dnslet::policy {

// The hashes of a name and of all names above it, but for the root.
class NameHashes {
 public:
  // `seed`: see dns/hash.h.
  NameHashes(dns::NameView name, uint64_t seed);

  // By number of labels, from the top domain on; the last one is the name's own.
  std::span<const uint64_t> all() const { return {hashes_.data(), count_}; }
  // A bit for each of them, which several may share.
  uint64_t bits() const { return bits_; }
  static constexpr uint64_t bit_of(uint64_t hash) { return uint64_t{1} << (hash & 63U); }

 private:
  static constexpr std::size_t kMaxLabels = dns::kMaxName / 2;

  std::array<uint64_t, kMaxLabels> hashes_;  // the first count_ are set
  std::size_t count_ = 0;
  uint64_t bits_ = 0;
};

// Numbers of which each bit is random, sorted in place at the end. Adding takes no more memory than
// the numbers themselves: the array grows by realloc(), which moves pages and not bytes.
class HashArray {
 public:
  HashArray() = default;
  ~HashArray();
  HashArray(HashArray&& other) noexcept;
  HashArray& operator=(HashArray&& other) noexcept;
  HashArray(const HashArray&) = delete;
  HashArray& operator=(const HashArray&) = delete;

  std::size_t size() const { return size_; }
  std::size_t memory() const;  // bytes
  void add(uint64_t hash);
  // Sorts, drops what is there twice, gives back what adding needed. To be called once.
  void finish();
  // REQUIRES: finish() was called.
  bool has(uint64_t hash) const;

 private:
  void resize(std::size_t capacity);
  void build_index();

  uint64_t* hashes_ = nullptr;  // from malloc(); owned
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  unsigned index_bits_ = 0;
  std::vector<uint32_t> index_;  // where each value of the top bits begins, and the end
};

class NameSet {
 public:
  // REQUIRES: not the root. `seed`: the one of the NameHashes that are looked up.
  void add(dns::NameView name, Covers covers, uint64_t seed);
  void add(const PlainName& name) { kind_of(name.covers).add(name.hash, name.labels); }
  void finish();

  // Of names, each once for what it covers; before finish() those given twice count twice.
  std::size_t size() const;
  bool empty() const { return size() == 0; }
  std::size_t memory() const;  // bytes

  // Whether an entry takes the name. REQUIRES: finish() was called.
  bool has(const NameHashes& name) const;
  // Names without any of these bits are not taken.
  uint64_t bits() const { return names_.bits | names_and_below_.bits | below_.bits; }

 private:
  // The entries that cover the same. Most questions meet no name with as many labels as theirs.
  struct Kind {
    HashArray hashes;
    std::bitset<dns::kMaxName / 2 + 1> labels;  // which numbers of labels there are
    uint64_t bits = 0;

    void add(uint64_t hash, std::size_t count);
    // Whether it has one of these, the first of which is of a top domain; or only the last.
    bool has_any(std::span<const uint64_t> names) const;
    bool has_last(std::span<const uint64_t> names) const;
  };

  Kind& kind_of(Covers covers);

  Kind names_;
  Kind names_and_below_;
  Kind below_;
};

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Places of a table that never holds more than so many things: found by the hash of their key, and
// where all are taken, the one that was used longest ago is given to the next. What a place holds
// is kept by the caller, by number. Every step costs the same, however many there are. Used by one
// thread at a time.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace dnslet::policy {

class RecentPlaces {
 public:
  // `capacity`: how many there are, at least 1.
  explicit RecentPlaces(uint32_t capacity);

  // The place with this hash that `fits(place)` says is the right one; nullopt: there is none.
  template <typename Fits>
  std::optional<uint32_t> find(uint64_t hash, Fits fits) const {
    for (uint32_t node = heads_[bucket_of(hash)]; node != 0; node = nodes_[node].next)
      if (nodes_[node].hash == hash && fits(node - 1)) return node - 1;
    return std::nullopt;
  }
  // It is the one that was used last. REQUIRES: it is taken.
  void use(uint32_t place);
  // A place for what has this hash: 0, 1, 2, … as long as some are free, then the one that was used
  // longest ago, which is not found by its former hash any more. It is the one that was used last.
  uint32_t take(uint64_t hash);

  // Calls `visit(place)` for those that are taken, the one that was used longest ago first.
  template <typename Visit>
  void for_each_by_use(Visit visit) const {
    for (uint32_t node = nodes_[0].newer; node != 0; node = nodes_[node].newer) visit(node - 1);
  }
  // Those below this one are taken.
  uint32_t taken() const { return static_cast<uint32_t>(nodes_.size() - 1); }

 private:
  // A place's number is that of its node less one; node 0 is both ends of the list by use.
  struct Node {
    uint64_t hash = 0;
    uint32_t next = 0;  // of the bucket; 0: none
    uint32_t older = 0;
    uint32_t newer = 0;
  };

  std::size_t bucket_of(uint64_t hash) const { return hash & (heads_.size() - 1); }
  void link_newest(uint32_t node);
  void unlink(uint32_t node);
  void leave_bucket(uint32_t node);

  uint32_t capacity_;
  std::vector<uint32_t> heads_;  // of the buckets, a power of two; 0: none
  std::vector<Node> nodes_;
};

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Things to look at again after one fixed time, in the order in which that comes. A thing that is
// gone meanwhile stays listed until enough of them have gathered, so that leaving costs nothing;
// memory is bounded by twice what is there. Its memory is used again.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dnslet::policy {

class Dues {
 public:
  struct Due {
    std::chrono::milliseconds at;
    uint64_t thing;
  };

  // Times never go back. `is_there(thing)`: whether it is still of interest.
  template <typename IsThere>
  void add(const Due& due, IsThere is_there) {
    if (dues_.size() == dues_.capacity() && dues_.size() >= kKept) drop_gone(is_there);
    dues_.push_back(due);
  }

  // The next one that is there; null: none. Valid until the next call.
  template <typename IsThere>
  const Due* front(IsThere is_there) {
    while (first_ < dues_.size() && !is_there(dues_[first_].thing)) ++first_;
    if (first_ < dues_.size()) return &dues_[first_];
    clear();
    return nullptr;
  }
  // REQUIRES: front() gave one.
  void pop() { ++first_; }

 private:
  static constexpr std::size_t kKept = 64;

  void clear() {
    first_ = 0;
    dues_.clear();
  }

  // Called where the memory is full: it grows afterwards only if more than half are there.
  template <typename IsThere>
  void drop_gone(IsThere is_there) {
    std::size_t kept = 0;
    for (; first_ < dues_.size(); ++first_)
      if (is_there(dues_[first_].thing)) dues_[kept++] = dues_[first_];
    first_ = 0;
    dues_.resize(kept);
    if (kept > dues_.capacity() / 2) dues_.reserve(2 * dues_.capacity());
  }

  std::vector<Due> dues_;
  std::size_t first_ = 0;  // before it: done
};

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Names in the order in which they were added, packed: a Name has room for the longest one, and
// lists may be long.

#include <vector>

#include "dns/name.h"

namespace dnslet::dns {

class NameList {
 public:
  void add(NameView name) {
    wires_.insert(wires_.end(), name.wire().begin(), name.wire().end());
    ++size_;
  }
  bool operator==(const NameList&) const = default;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Calls `visit(NameView)` for each name; a view is valid until the next add().
  template <typename Visit>
  void for_each(Visit visit) const {
    for (std::size_t start = 0; start < wires_.size();) {
      std::size_t end = start;
      while (wires_[end] != 0) end += wires_[end] + std::size_t{1};  // ends: each is a whole name
      visit(NameView(BytesView(wires_).subspan(start, end + 1 - start)));
      start = end + 1;
    }
  }

 private:
  std::vector<uint8_t> wires_;  // folded, one behind the other
  std::size_t size_ = 0;
};

}  // namespace dnslet::dns

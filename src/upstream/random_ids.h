// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Random message IDs from the operating system, drawn in blocks.

#include <array>
#include <cstdint>

namespace dnslet::upstream {

class RandomIds {
 public:
  uint16_t next() {
    if (used_ == ids_.size()) draw();
    return ids_[used_++];
  }

 private:
  void draw();

  std::array<uint16_t, 128> ids_;
  std::size_t used_ = 128;
};

}  // namespace dnslet::upstream

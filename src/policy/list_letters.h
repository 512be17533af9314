// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The letters that names of lists are made of.

#include <array>
#include <cstdint>

#include "dns/name.h"

namespace dnslet::policy {

// Letters, digits, `-` and `_`.
constexpr bool is_of_label(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// Each of them in lower case, and the dot; 0: none of them.
inline constexpr std::array<uint8_t, 256> kFolded = [] {
  std::array<uint8_t, 256> table{};
  for (uint8_t i = 0; i < 128; ++i)
    if (is_of_label(static_cast<char>(i)) || i == '.') table[i] = dns::fold(i);
  return table;
}();

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

#include <algorithm>
#include <functional>

namespace dnslet {

// Sorts like std::ranges::sort(), in half the speed and a tenth of the code, of which each type
// would have 2 to 7 kB: for what is sorted now and then.
template <typename Range, typename Projection = std::identity>
void sort_now_and_then(Range& range, Projection projection = {}) {
  std::ranges::make_heap(range, {}, projection);
  std::ranges::sort_heap(range, {}, projection);
}

}  // namespace dnslet

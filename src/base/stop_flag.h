// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One thread sets it, long work in another looks at it now and then and ends early, without a
// result. Never taken back.

#include <atomic>

namespace dnslet {

using StopFlag = std::atomic<bool>;

inline bool is_set(const StopFlag& stop) { return stop.load(std::memory_order_relaxed); }
// For work that nobody stops.
inline const StopFlag kNeverStopped = false;

}  // namespace dnslet

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Brings what the answers to a batch of questions are made of into the processor's cache.
//
// The tables are larger than that, and a question finds its answer by three or four accesses to
// memory, each of which needs the one before. Done for one question after the other, the processor
// waits for each of them; here every step is taken for all questions of the batch before the next
// step. It is a hint: it changes nothing, decides nothing, and may be wrong.

#include <span>

#include "dns/wire.h"
#include "policy/lookup.h"

namespace dnslet::policy {

// `packets`: as they came, unchecked. Only the first kMaxPreloaded are looked at.
inline constexpr std::size_t kMaxPreloaded = 64;
void preload(const Tables& tables, std::span<const dns::BytesView> packets);

}  // namespace dnslet::policy

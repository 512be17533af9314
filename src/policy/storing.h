// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// How an answer is kept for later questions. All of them pass through here, whoever gave them, and
// nothing else writes into the cache.

#include <optional>

#include "policy/lookup.h"

namespace dnslet::policy {

// Of an answer: under which key it is kept, and what else decides about it.
struct Storing {
  CacheKey key;  // borrows the name
  Milliseconds now;
  std::chrono::seconds most = kNoLimit;    // kept no longer, as where it was made of a kept one
  Existence sibling = Existence::Unknown;  // what the other address family's question has shown
  // Without RD an answer says nothing about what recursion would find, and is not kept.
  bool is_for_recursion = true;
  bool is_of_servers = false;  // said by them, not made of what they have said
};

// Of an answer of upstream to this question, which must outlive it.
Storing storing_of(const UpstreamQuestion& question, Existence sibling, Milliseconds now);

// Keeps the answer as long as its records and the limits allow, a failure for a second among the
// failures, in this order:
//   guard    one that --rebind-guard keeps back is NODATA for as long as it would have lived
//   filter   hints of a family that is filtered are taken out (RFC 9460)
//   exists   a failure for a name that the other family has shown is NODATA, and is not kept
//   names    of a name of ours NXDOMAIN becomes NODATA, and all hints are taken out: who has our
//            address is not to lose it, nor to get another one by them
//   family   NXDOMAIN of a name that the other family has shown becomes NODATA (policy/family)
//   ttl      TTLs are made what the route wants
//   failure  what is none goes to the cache, and the other family's answer there is amended too
// Returns the answer to hand on where it is not the one given.
std::optional<Answer> store_answer(const Tables& tables, const Storing& storing,
                                   const Answer& answer);

// How long the answer is kept under these limits.
std::chrono::seconds time_to_keep(const Answer& answer, const CacheTtls& ttls);

// Whether answers to it may be shared with others.
bool is_shareable(const UpstreamQuestion& question);
// How long an answer of upstream lives in a cache that others share; 0: it is not for that.
std::chrono::seconds time_to_share(const Tables& tables, const UpstreamQuestion& question,
                                   const Answer& answer);

}  // namespace dnslet::policy

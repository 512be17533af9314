// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What a question gets before anybody is asked, and else whom it goes to: the first rung that has
// it, in the contract's order. The one place of that order; --explain prints it. A name of a search
// is decided like a question of a client.

#include <span>

#include "policy/route.h"
#include "policy/rungs.h"

namespace dnslet::policy {

struct Rung {
  // Null: of stub zones. By the name alone they decide whom to ask, when it comes to that, and no
  // kept answer depends on it: Route::ByName.
  MaybeFound (*answer)(const Turn&, const ClientQuestion&);
  Source source;      // of what it has
  const char* label;  // for people
  enum class Row { Always, WhereGiven, WhereItAnswers };
  Row row = Row::Always;  // of --explain
};

// All of them in their order. --allow, --block, --filter and --stubzones are rules of fixed place
// among them.
std::span<const Rung> ladder();

struct Decision {
  MaybeFound answer{};
  Route route = Route::ByName;  // where there is no answer: of the cache, and then of upstream
};

// `asked.route` does not count.
Decision decide(const Turn& turn, const ClientQuestion& asked);

}  // namespace dnslet::policy

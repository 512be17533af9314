// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What `prefer:` of a rule makes of a question for addresses: where the name has addresses of the
// preferred family, the other one gets NODATA. Both are asked for at the same time where that is
// not known (policy/outstanding holds the answer back for a moment).

#include <optional>

#include "policy/lookup.h"
#include "policy/rungs.h"

namespace dnslet::policy {

enum class Preference {
  None,     // the question is answered like any other
  Yields,   // with NODATA: the preferred family is there
  Unknown,  // that is to be found out
};

// By the cache, for the question as it stands under its route.
Preference preference(const Tables& tables, const ClientQuestion& asked, Milliseconds now);

// The same question for the family that it yields to; nullopt: it yields to none.
std::optional<UpstreamQuestion> preferred(const UpstreamQuestion& question);

}  // namespace dnslet::policy

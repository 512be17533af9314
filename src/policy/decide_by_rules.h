// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What the rules say of a question. For policy/decide only.

#include "policy/decide.h"

namespace dnslet::policy {

// REQUIRES: there are rules.
Decision decide_by_rules(const Turn& turn, const ClientQuestion& asked, RuleWalk& walk);

}  // namespace dnslet::policy

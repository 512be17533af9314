// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

#include <vector>

#include "base/result.h"
#include "policy/rule.h"

namespace dnslet::config {

// Fails where aliases lead back to a name that they came from, with a sentence that tells the rule
// and the name. Only what names alone decide is looked at: a rule with another condition, or about
// a list, may take a question out of the loop, and none behind it is looked at.
Status check_alias_loops(const std::vector<policy::Rule>& rules);

}  // namespace dnslet::config

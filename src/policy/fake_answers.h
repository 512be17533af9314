// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What fake addresses (policy/fake_addresses) answer. None of it is kept in a cache.

#include "policy/rule.h"
#include "policy/rungs.h"

namespace dnslet::policy {

inline constexpr uint32_t kFakeTtl = 1;  // seconds: the address may become another name's

// The rule's action `fake`: the name's address of the family asked for; NODATA for a family without
// a network or that the rule leaves out, and for all other types.
// REQUIRES: there are fake addresses.
MaybeFound answer_fake(const Turn& turn, const ClientQuestion& asked, const RuleOptions& options);

// The rung: of an address of the networks the name, or NXDOMAIN where nobody has it. Nobody else is
// asked for it. REQUIRES: there are fake addresses.
MaybeFound answer_fake_reverse(const Turn& turn, const ClientQuestion& asked);

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Values that conditions and actions of rules share. nullopt: the text is none.

#include <optional>
#include <string_view>

#include "dns/message.h"
#include "dns/name.h"

namespace dnslet::config {

// A domain as other options take it, or "." for the root.
std::optional<dns::Name> rule_name(std::string_view text);
// A code that fits a header: its name (RFC 6895 section 2.3) in any case, or RCODE0 to RCODE15.
std::optional<dns::Rcode> rule_rcode(std::string_view text);

}  // namespace dnslet::config

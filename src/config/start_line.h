// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The first line of the log: which program this is, and what is in force.

#include "config/options.h"
#include "io/log_line.h"
#include "policy/search.h"

namespace dnslet::config {

// "dnslet VERSION libraries=… cache=… search=… rules=…". `search`: as it is in force.
io::LogLine start_line(const Options& options, const policy::SearchRules& search);

}  // namespace dnslet::config

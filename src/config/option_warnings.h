// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What is no error and yet hardly meant: each finding becomes one sentence in a list of warnings.

#include <string>
#include <vector>

#include "config/options.h"

namespace dnslet::config {

// Variables that begin like ours and are none: a slip of the pen would be ignored in silence.
void warn_of_variables(const Environment& environment, std::vector<std::string>& warnings);

// Options that were given and do nothing because another one is missing, and a port that was taken
// for the seconds of -p. REQUIRES: all options are parsed.
void warn_of_effects(ParsedOptions& parsed);

}  // namespace dnslet::config

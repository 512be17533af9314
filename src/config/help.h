// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What --help, --help-all and --version print. All end with a newline.

#include <string>

namespace dnslet::config {

enum class HelpRows {
  UsedMost,  // what fits a screen: 50 lines at most
  All,
};

// Fits 80 columns. Each option has a line with its flag and, beside it, its variable; below it, or
// in the variable's place where it has none, stands what it does.
std::string help_text(HelpRows rows);

// "dnslet VERSION (LIBRARY VERSION, ...)": the libraries as they are loaded.
std::string version_text();

}  // namespace dnslet::config

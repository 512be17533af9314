// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What --help and --version print. Both end with a newline.

#include <string>

namespace dnslet::config {

// Fits 80 columns. Each option has a line with its flag and, beside it, its variable; below it, or
// in the variable's place where it has none, stands what it does.
std::string help_text();

// "dnslet VERSION (LIBRARY VERSION, ...)": the libraries as they are loaded.
std::string version_text();

}  // namespace dnslet::config

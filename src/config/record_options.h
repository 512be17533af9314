// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// --record: records written on the command line, in a variable and in files.

#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/options.h"

namespace dnslet::config {

// The parts of a value between ` ; ` and line ends, trimmed, without those that are empty. Nothing
// is parted inside of double quotes. They borrow from `text`.
std::vector<std::string_view> split_statements(std::string_view text);

// Adds what the value says to the options: records as dns/record_from_text reads them, and @PATH,
// a file of them. Fails like option_values.
Status add_records(std::string_view text, Options& options);

// A file's line without its comment: `#` at its start or behind a blank, outside of double quotes.
// Empty: it says nothing.
std::string_view record_line(std::string_view line);

}  // namespace dnslet::config

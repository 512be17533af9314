// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The options that say where and how the program tells what it does: from their text to a checked
// value, or to the end of a sentence as in option_values.

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/options.h"

namespace dnslet::config {

Result<io::Level> parse_log_level(std::string_view text);
// Whether it is JSON.
Result<bool> parse_log_format(std::string_view text);
// An address and a port, which must not be left out. Port 0 takes a free one.
Result<Endpoint> parse_metrics(std::string_view text);
Result<std::vector<std::string>> parse_metrics_host(std::string_view text);
// An address or a name, and a port other than 0.
Result<ServerAddress> parse_graphite_server(std::string_view text);
// Words of letters, digits, - and _ with dots between them.
Result<std::string> parse_graphite_prefix(std::string_view text);
Result<std::string> parse_stathat_user(std::string_view text);

Result<HttpUrl> parse_url(std::string_view text);

}  // namespace dnslet::config

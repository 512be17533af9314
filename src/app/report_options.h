// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The options that say where and how the program tells what it does: from their text to a checked
// field of Options, as the table of options wants it.

#include <string_view>

#include "app/options.h"
#include "base/result.h"

namespace dnslet::app {

Status parse_log_format(std::string_view text, Options& options);
// An address and a port, which must not be left out. Port 0 takes a free one.
Status parse_metrics(std::string_view text, Options& options);
Status parse_metrics_host(std::string_view text, Options& options);
// The same, but for port 0.
Status parse_graphite_server(std::string_view text, Options& options);
// Words of letters, digits, - and _ with dots between them.
Status parse_graphite_prefix(std::string_view text, Options& options);
Status parse_stathat_user(std::string_view text, Options& options);

Result<HttpUrl> parse_url(std::string_view text);

}  // namespace dnslet::app

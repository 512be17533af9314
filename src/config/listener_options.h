// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// --listen, for config/option_table.

#include <string_view>

#include "config/option_table.h"

namespace dnslet::config {

// "IP[:PORT]", "tls://IP[:PORT]", "https://IP[:PORT][/PATH]", "quic://IP[:PORT]", several between
// commas. Those over TLS and QUIC fail in a build without it.
Status store_listeners(std::string_view text, const NumberRange&, Options& options);
// Fails where two are the same, but for those that take any free port, and one over UDP beside one
// over TCP.
Status complete_listeners(Options& options);
// Fails where there is no certificate for those that need one.
Status check_certificate(const Options& options);

}  // namespace dnslet::config

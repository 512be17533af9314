// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The options of servers and listeners over TLS, for config/option_table. They fail in a variant
// without it.

#include <string_view>

#include "config/option_table.h"

namespace dnslet::config {

Status store_tls_ca(std::string_view text, const NumberRange&, Options& options);
// "NAME=BASE64": a key that the server with this name in its certificate may have.
Status store_tls_pin(std::string_view text, const NumberRange&, Options& options);

// Files in PEM form.
Status store_tls_cert(std::string_view text, const NumberRange&, Options& options);
Status store_tls_key(std::string_view text, const NumberRange&, Options& options);

}  // namespace dnslet::config

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The part of --healthcheck that asks over TLS and HTTPS.

#include <chrono>

#include "base/server_address.h"
#include "dns/wire.h"
#include "io/tls.h"

namespace dnslet::app {

// Whether a listener answers a query within this time. Its certificate has to have the key, and no
// name or end of it counts. REQUIRES: this variant has TLS.
bool answers_encrypted(const EncryptedListener& listener, const io::KeyHash& key,
                       dns::BytesView query, std::chrono::milliseconds patience);

// The first bytes of an answer to a query with this ID: same ID, QR set.
bool is_answer(dns::BytesView bytes, uint16_t id);

}  // namespace dnslet::app

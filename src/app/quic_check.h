// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The part of --healthcheck that asks over QUIC.

#include <chrono>

#include "base/server_address.h"
#include "dns/wire.h"
#include "io/tls.h"

namespace dnslet::app {

// As of answers_encrypted(). REQUIRES: this build has QUIC.
bool answers_over_quic(const EncryptedListener& listener, const io::KeyHash& key,
                       dns::BytesView query, std::chrono::milliseconds patience);

}  // namespace dnslet::app

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The line that --verbose writes for each question, as contract and man page show it.

#include <chrono>
#include <string>

#include "dns/wire.h"
#include "policy/lookup.h"

namespace dnslet::app {

// "query client=… proto=udp name=… type=A rcode=NOERROR answer=… source=hosts via=… ms=1.42".
// `message`: the answer as sent. `via`: the server that gave it, or empty.
std::string query_line(const policy::Lookup& lookup, const policy::Reply& reply,
                       dns::BytesView message, const std::string& via,
                       std::chrono::nanoseconds taken);

}  // namespace dnslet::app

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The line that --verbose writes for each question, as contract and man page show it.

#include <chrono>
#include <string_view>

#include "dns/wire.h"
#include "io/log_line.h"
#include "policy/lookup.h"

namespace dnslet::serve {

// An answer on its way out. Borrows everything.
struct Outgoing {
  const policy::Reply& reply;
  dns::BytesView message;  // as sent
  std::string_view via;    // the server that gave it, or empty
};

// "query client=… proto=udp name=… type=A rcode=NOERROR answer=… source=hosts via=… ms=1.42".
io::LogLine query_line(const policy::Lookup& lookup, const Outgoing& outgoing,
                       std::chrono::nanoseconds taken);

}  // namespace dnslet::serve

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// An answer found under one name, told under another: what a search list is for.
//
// Putting a question of another length in front moves every byte behind it, so the message is built
// anew, as dns/rewrite does it.

#include <cstdint>

#include "dns/message.h"
#include "dns/wire.h"

namespace dnslet::dns {

// The answer to `asked` when `found` (no OPT) answers the same type and class for another name: a
// CNAME from the one name to the other with the smallest TTL of the answer records, then those
// records. A negative answer keeps the SOA of the authority section, which says how long it holds,
// and its answer records only if it is for the name asked itself. No TTL is above `max_ttl`. AD is
// cleared: nobody has signed that CNAME. What goes beyond 64 KiB is left out, with TC set.
Bytes requalify(const Message& found, const Question& asked, uint32_t max_ttl);

// The answer to `asked` where its name is an alias of the one that `found` (no OPT) answers, which
// may be negative: a CNAME with this TTL, then what was found, its additional section left out
// (RFC 1034 section 3.6.2, RFC 2308 section 2). AD is cleared. What goes beyond 64 KiB is left out,
// with TC set.
Bytes put_alias(const Message& found, const Question& asked, uint32_t ttl);

}  // namespace dnslet::dns

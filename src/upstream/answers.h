// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What a transport has to know about a message: whether it answers a query, and whether it was cut.

#include "dns/wire.h"

namespace dnslet::upstream {

// Whether a packet answers the query: it is a response with the same ID and repeats the question,
// in whatever case of letters (RFC 5452 section 9.1), or is a bare header, as old servers refuse.
// REQUIRES: the query has one question and no compressed name.
bool answers(dns::BytesView packet, dns::BytesView query);

// TC (RFC 1035 section 4.1.1). REQUIRES: a whole header.
bool is_truncated(dns::BytesView packet);

// Name, type and class behind the header. REQUIRES: as for answers().
dns::BytesView question_of(dns::BytesView query);

}  // namespace dnslet::upstream

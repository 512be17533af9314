// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What is in a record, and how people write it: the text form of each type (RFC 1035 section 5.1
// and the RFCs of later types), as far as dns/rdata has its fields.

#include <optional>
#include <string>

#include "base/address.h"
#include "dns/message.h"

namespace dnslet::dns {

// The RDATA on one line: "192.0.2.1", "10 mail.example", "\"v=spf1 -all\"". Names are written out,
// without the final dot. A type that is not known, or RDATA that is not what its type makes it, has
// the generic form of RFC 3597 section 5, with names written out too where they are known. Safe to
// print.
std::string rdata_text(const Message& message, const Record& record);

}  // namespace dnslet::dns

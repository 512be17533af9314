// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What is in a record, and how people write it.

#include <optional>
#include <string>

#include "base/address.h"
#include "dns/message.h"

namespace dnslet::dns {

// The address in an A or AAAA record; nullopt: another type, or not as long as its type wants it.
std::optional<IpAddress> address_in(const dns::Message& message, const dns::Record& record);

// The RDATA of types that hold one address or one name: "192.0.2.1", "www.example". Safe to print.
// nullopt: another type, or not as long as its type wants it.
std::optional<std::string> rdata_text(const dns::Message& message, const dns::Record& record);

// The RDATA of any type: as above, or in the generic form of RFC 3597 section 5.
std::string generic_rdata_text(const dns::Message& message, const dns::Record& record);

}  // namespace dnslet::dns

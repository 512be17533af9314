// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The addresses that an answer leads its client to.

#include <functional>
#include <optional>

#include "base/address.h"
#include "dns/message.h"

namespace dnslet::dns {

// The address in an A or AAAA record; nullopt: another type, or not as long as its type wants it.
std::optional<IpAddress> address_in(const Message& message, const Record& record);

// Whether one of these fits: the addresses of A and AAAA records and the hints of HTTPS and SVCB
// records (RFC 9460 section 7.3), in the answer section and in the additional one.
bool any_address(const Message& message, const std::function<bool(const IpAddress&)>& fits);

}  // namespace dnslet::dns

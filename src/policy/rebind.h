// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// --rebind-guard: a name of the Internet that has an address of an inner network lets a web page of
// a stranger reach what stands there (DNS rebinding). This says which addresses these are, and
// whose names may have them.

#include <optional>

#include "base/address.h"
#include "dns/message.h"
#include "dns/name.h"
#include "policy/key_table.h"

namespace dnslet::policy {

// The names that may have inner addresses, whoever says so.
class RebindGuard {
 public:
  // `seed`: see dns/hash.h.
  explicit RebindGuard(uint64_t seed) : allowed_(seed) {}

  // This domain and all names below it.
  void allow(dns::NameView domain) { allowed_.insert(domain.wire()); }
  bool allows(dns::NameView name) const { return find_closest(allowed_, name).has_value(); }

 private:
  KeyTable allowed_;
};

// Private (RFC 1918, RFC 4193), shared (RFC 6598), loopback, link-local and unspecified addresses,
// also where an IPv6 address stands for such an IPv4 address.
bool is_inner(const IpAddress& address);

// The first such address among the A and AAAA records of the answer and the additional section, and
// among the hints of HTTPS and SVCB records there.
std::optional<IpAddress> find_inner_address(const dns::Message& message);

}  // namespace dnslet::policy

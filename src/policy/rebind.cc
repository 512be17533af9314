// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/rebind.h"

#include <vector>

#include "dns/addresses.h"

namespace dnslet::policy {
namespace {

// All of 0.0.0.0/8 is "this network" (RFC 1122 section 3.2.1.3), as dnsmasq has it.
std::vector<Network> inner_networks() {
  std::vector<Network> networks = private_networks();
  for (const char* text : {"0.0.0.0/8", "::"}) networks.push_back(*Network::from_text(text));
  return networks;
}

// The IPv4 address that an IPv6 address leads to, but for mapped ones, into which Network looks.
// dnsmasq looks into mapped ones only, unbound and dnsdist into none by themselves. The other forms
// that lead to a host of IPv4 are looked into here, as no name loses by it: NAT64's prefix must not
// hold a private address (RFC 6052 section 3.1), nor 6to4's (RFC 3056 section 2), and compatible
// addresses are given up (RFC 4291 section 2.5.5.1). A NAT64 prefix of a network's own looks like
// any other address.
std::optional<IpAddress> v4_inside(const IpAddress& address) {
  static const Network kCompatible = *Network::from_text("::/96");
  static const Network kNat64 = *Network::from_text("64:ff9b::/96");
  static const Network k6to4 = *Network::from_text("2002::/16");
  const auto& b = address.bytes;
  if (kCompatible.contains(address) || kNat64.contains(address))
    return IpAddress::v4(b[12], b[13], b[14], b[15]);
  if (k6to4.contains(address)) return IpAddress::v4(b[2], b[3], b[4], b[5]);
  return std::nullopt;
}

}  // namespace

bool is_inner(const IpAddress& address) {
  static const std::vector<Network> kInner = inner_networks();
  const auto v4 = v4_inside(address);
  return any_contains(kInner, address) || (v4 && any_contains(kInner, *v4));
}

std::optional<IpAddress> find_inner_address(const dns::Message& message) {
  std::optional<IpAddress> inner;
  (void)dns::any_address(message, [&inner](const IpAddress& address) {
    if (is_inner(address)) inner = address;
    return inner.has_value();
  });
  return inner;
}

}  // namespace dnslet::policy

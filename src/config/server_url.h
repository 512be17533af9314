// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// How a server is written: an address or a name, with or without a port, behind a scheme that says
// how it is reached.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/server_address.h"

namespace dnslet::config {

inline constexpr uint16_t kSocksPort = 1080;  // RFC 1928 section 3

// "10.0.0.1", "10.0.0.1:5353", "fd00::1", "[fd00::1]:53", "fe80::1%eth0", "[fe80::1%eth0]:53",
// "unbound", "dns.test:53", and each of them behind "udp://" or "tcp://", where an IPv6 address may
// do without its brackets only if it has no port; behind "tls://" also with "#dns.test" at the end,
// the name of its certificate; and "https://dns.test/dns-query", likewise, with a path as it is
// sent (RFC 3986 section 3.3) and perhaps "{?dns}" behind it, which says nothing where questions
// are posted (RFC 8484 section 4.1). One of the last three ways may stand behind a proxy, as
// "socks5://USER:PASSWORD@10.0.0.9:1080/tls://dns.test", whose user may be left out and is
// percent-encoded. Schemes are read in any case. A port that is left out is 53, or 853 for TLS, 443
// for HTTPS, 1080 for a proxy. "dhcp:eth0" and "resolved" are no servers but sources of some. Fails
// with the end of a sentence, "'x' is not ...", that names the piece and what would be right.
Result<ServerAddress> parse_server(std::string_view text);

// "HOST[:PORT]" alone, an address or a name. Fails likewise.
Result<ServerAddress> parse_place(std::string_view text, uint16_t usual_port);

// A name as certificates have it, in lower case, or an address; empty: the text is neither.
std::string name_of_certificate(std::string_view text);

// "... which the variant dnslet-min does not have; dnslet has it". `asked`: what was asked for.
Error only_in_full(const std::string& asked);

// Whether the text can only be meant as a server, and as no domain: it has a scheme, a port,
// brackets, or it is an address.
bool looks_like_server(std::string_view text);

}  // namespace dnslet::config

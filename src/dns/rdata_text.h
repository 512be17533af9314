// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The text forms of single fields of RDATA. Pure functions; what they write is safe to print.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dns/wire.h"

namespace dnslet::dns {

// RFC 1035 section 5.1: in double quotes, with \" \\ and \DDD inside; or without quotes, where
// blanks are \DDD too.
std::string quoted(BytesView bytes);
std::string escaped(BytesView bytes);

std::string hex(BytesView bytes);        // "00FF"
std::string hex_pairs(BytesView bytes);  // "00-ff" (RFC 7043)
std::string base64(BytesView bytes);     // RFC 4648 section 4
std::string base32hex(BytesView bytes);  // RFC 4648 section 7, without padding

// "20260101000000" (RFC 4034 section 3.2).
std::string time_text(uint32_t seconds);
// "A NS TYPE65280" (RFC 4034 section 4.1.2). nullopt: malformed.
std::optional<std::string> type_set_text(BytesView bitmap);
// The keys of parameters with a form of their own (RFC 9460 section 14.3.2, RFC 9461 section 5).
enum class SvcKey : uint16_t {
  Mandatory,
  Alpn,
  NoDefaultAlpn,
  Port,
  Ipv4Hint,
  Ech,
  Ipv6Hint,
  DohPath
};
// "alpn", "key667", and the way back.
std::string svc_key_text(uint16_t key);
std::optional<uint16_t> svc_key_from_text(std::string_view text);
// "alpn=\"h2,h3\" port=443" (RFC 9460 section 2.1). nullopt: malformed.
std::optional<std::string> svc_params_text(BytesView params);

}  // namespace dnslet::dns

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The way back from the text forms of dns/rdata_text: words of a line, and from the text of a
// single field to its bytes. Pure functions; text may be anything. nullopt: it is no such text.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "dns/wire.h"

namespace dnslet::dns {

// Takes the next word off the front of a line; empty: there is none. Blanks inside of double quotes
// and behind a backslash are part of a word (RFC 1035 section 5.1).
std::string_view next_word(std::string_view& line);

// The bytes that a word stands for: \DDD and \X resolved, the double quotes around it gone. Without
// quotes around it, one inside is a letter.
std::optional<Bytes> bytes_of_word(std::string_view word);

std::optional<Bytes> bytes_of_hex(std::string_view text);        // "00FF", in any case
std::optional<Bytes> bytes_of_hex_pairs(std::string_view text);  // "00-ff"
std::optional<Bytes> bytes_of_base64(std::string_view text);     // padding at the end
std::optional<Bytes> bytes_of_base32hex(std::string_view text);  // without padding, in any case

// Decimal digits.
std::optional<uint32_t> number_of(std::string_view text, uint32_t most = UINT32_MAX);
// "20260101000000", or the seconds themselves (RFC 4034 section 3.2).
std::optional<uint32_t> seconds_of_time(std::string_view text);
// The bitmap of these types: "A NS TYPE65280".
std::optional<Bytes> type_set_of(const std::vector<std::string_view>& words);

}  // namespace dnslet::dns

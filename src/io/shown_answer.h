// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What c-ares gets to see of an answer.
//
// c-ares matches ID and question and goes on to TCP where TC is set; it needs no more than header
// and question for that, so no more is shown to it. What it would otherwise do differs by version:
// 1.34 re-encodes every message, fails on RDATA that it does not like and then drops all that is
// under way; 1.18 hands everything on. The bytes that count stay with us, untouched.

#include <cstdint>

#include "dns/wire.h"

namespace dnslet::io {

inline constexpr std::size_t kMaxShown = 12 + 255 + 4;

enum class Show {
  Question,    // c-ares has something to look at
  BareHeader,  // nothing but a header: c-ares would look for the question in vain
  Nothing,     // it is no response, or broken
};

// Writes what c-ares is to see of the packet into `shown` (at least kMaxShown bytes): ID, flags
// with rcode 0, the question.
Show show(dns::BytesView packet, dns::Writer& shown);

}  // namespace dnslet::io

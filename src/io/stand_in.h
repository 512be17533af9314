// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What c-ares deals in, in place of questions and answers.
//
// c-ares knows a question by its ID, and goes on to TCP where TC is set. Whatever else it would see
// in a message it treats differently from version to version: from 1.28 on it writes host names
// only, from 1.34 on it re-encodes every message, fails on RDATA that it does not like and then
// drops all that is under way. So it gets the same small message for every question and every
// answer; what travels are our own bytes, and whether an answer belongs to its question is told
// here.

#include <array>
#include <cstdint>

#include "dns/wire.h"

namespace dnslet::io {

inline constexpr std::size_t kStandInSize = dns::kHeaderSize + 1 + 4;  // a question for the root
using StandIn = std::array<uint8_t, kStandInSize>;

StandIn question_stand_in(uint16_t id);
// With or without TC.
StandIn answer_stand_in(uint16_t id, bool is_truncated);

// Whether a packet with the query's ID answers it: it is a response and repeats the question, in
// whatever case of letters (RFC 5452 section 9.1), or is a bare header, as old servers refuse.
// REQUIRES: the query has one question and no compressed name.
bool answers(dns::BytesView packet, dns::BytesView query);

// TC (RFC 1035 section 4.1.1). REQUIRES: a whole header.
bool is_truncated(dns::BytesView packet);

}  // namespace dnslet::io

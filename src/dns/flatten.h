// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Answers for clients that take 512 bytes and have no TCP, as musl before 1.2.4.
//
// What follows the answer section goes first. If that is not enough, a chain of aliases is left out
// and the addresses that it leads to are told of the name asked itself: addresses are what such a
// client looks for, and the chain may take the room of a dozen of them.

#include "dns/message.h"
#include "dns/wire.h"

namespace dnslet::dns {

// Shortens the message to `limit` bytes like cut() in dns/patch, but for this: where the answer is
// a chain of aliases, in order, and addresses at its end, only addresses stay, as many as fit, with
// the smallest TTL on the way; TC tells that some were left out. AD goes, because nobody has signed
// these records. Such a chain and the addresses behind it are looked for among the first kMaxLooked
// records, and names that are far to look up are nobody's. Allocates nothing. REQUIRES: as for
// cut().
inline constexpr std::size_t kMaxLooked = 128;
std::size_t flatten(MutableBytesView message, std::size_t limit, const Query& query);

}  // namespace dnslet::dns

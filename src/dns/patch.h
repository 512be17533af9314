// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Edits of a message in place that move no offset, so that compression pointers stay true: id,
// flags, the question's spelling, TTLs, and cutting whole records off the end.
//
// REQUIRES everywhere: `message` was accepted by dns::Message::parse and carries no OPT. The bytes
// are the caller's; nothing is kept.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dns/message.h"
#include "dns/wire.h"

namespace dnslet::dns {

// Makes a message the answer to `query`: its id, its RD and CD, its spelling of the name; QR and RA
// set; AA set for what we own, cleared for what upstream said; AD kept only for a client that
// understands it (RFC 6840 section 5.7). REQUIRES: the message's question is query.question.
void address_to(MutableBytesView message, const Query& query,
                Authority authority = Authority::None);

// Writes the folded name over the spelling of the question.
void fold_question(MutableBytesView message, NameView name);

// Puts the offsets of all TTL fields into `offsets`, in place of what it holds.
void find_ttls(const Message& message, std::vector<uint16_t>& offsets);

// Copies the message with the TTLs at `offsets` (as from find_ttls) lowered by `age` seconds, never
// below zero. REQUIRES: `copy` has the same size and is elsewhere.
void copy_counted_down(BytesView message, MutableBytesView copy, std::span<const uint16_t> offsets,
                       uint32_t age);

// Lowers the TTLs at `offsets` by `age` seconds, never below zero.
void count_ttls_down(MutableBytesView message, std::span<const uint16_t> offsets, uint32_t age);

// Sets the TTLs at `offsets` to `ttl`.
void set_ttls(MutableBytesView message, std::span<const uint16_t> offsets, uint32_t ttl);

// Rotates the addresses of each set of A or AAAA records of one owner by `turn` places: the bytes
// of the addresses change places, nothing else moves. `message` may be the front of one, for a
// client that gets a part of it: then the records there change places, and no more than `most`.
// Ends where names are too far to look up.
void rotate(MutableBytesView message, uint32_t turn, std::size_t most = SIZE_MAX);

// Turns NXDOMAIN into NODATA; AD goes, because nobody has validated that.
void make_no_data(MutableBytesView message);

// How much of a message at its front cut() and flatten() look at, where they cut it down to fewer.
inline constexpr std::size_t kFront = 4096;
// The size of that front. REQUIRES: the message is larger than the limit.
constexpr std::size_t front_size(std::size_t message, std::size_t limit) {
  return std::min(message, std::max(limit + 1, kFront));
}

// Shortens the message to `limit` bytes: the additional section goes first, then the authority
// section, then whole answer records from the end. TC tells that something went which the client
// needs: an answer record, or an authority section that is the proof of a negative or validated
// answer (RFC 2181 section 9, RFC 4035 section 3.1.1). Returns the new size, at most `limit`.
// Reads no further than that: a larger message may be given by its front, of more than `limit`
// bytes. REQUIRES: header and question fit into `limit`.
std::size_t cut(MutableBytesView message, std::size_t limit, const Query& query);

}  // namespace dnslet::dns

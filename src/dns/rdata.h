// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What the RDATA of each type is made of: one table for whoever checks, copies, prints or reads it.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dns/message.h"

namespace dnslet::dns {

// A field of RDATA. Those that take the rest come last. A table row is a string of their letters.
enum class Field : char {
  U8 = '1',
  U16 = '2',
  U32 = '4',
  Time = 'T',        // 32 bits, as RRSIG has them (RFC 4034 section 3.2)
  TypeNumber = 't',  // 16 bits, written as a mnemonic
  Ipv4 = 'a',
  Ipv6 = 'A',
  Name = 'N',       // may be compressed (RFC 3597 section 4: the types of RFC 1035)
  LaterName = 'n',  // may arrive compressed, and is never written so (the same section)
  PlainName = 'w',  // is never compressed
  String = 's',     // behind a length byte, written in quotes
  Word = 'k',       // the same without quotes
  Salt = 'x',       // behind a length byte, in hex digits, or "-" for none
  Hash = 'r',       // behind a length byte, in base32hex without padding
  Strings = 'S',    // the rest, at least one
  Text = 'q',       // the rest, without a length, in quotes
  Hex = 'X',        // the rest
  Base64 = '6',     // the rest
  Eui = 'E',        // the rest, in pairs of hex digits with dashes
  TypeSet = 'B',    // the rest: a type bitmap (RFC 4034 section 4.1.2)
  SvcParams = 'P',  // the rest (RFC 9460 section 2.2)
  Opaque = '?',     // the rest: has no text form here
};

// The fields of a type in their order, each letter a Field. Empty: a type that is not known.
std::string_view fields_of(Type type);

// The bytes of a field that always has as many; 0: of all others.
std::size_t fixed_size(Field field);

// Whether all of RDATA is what its type makes it, names included, and nothing more. Of A and AAAA
// in class IN, of NS, CNAME, SOA, PTR, MX, SRV and DNAME; all other RDATA is sound, whatever it
// holds. REQUIRES: the record lies in `message`.
bool is_sound_rdata(BytesView message, const Record& record, JumpBudget& jumps);

}  // namespace dnslet::dns

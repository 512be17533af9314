// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// An answer of the cache as bytes that leave this process: into --shared-cache, and into
// --cache-file, where what it is kept under stands in front. Times are those of the wall clock, so
// that another process, and another machine, can tell how old it is.
//
// What comes back is judged like an answer from upstream: any byte of it may be anybody's.

#include <chrono>
#include <cstdint>
#include <optional>

#include "dns/answer.h"
#include "dns/wire.h"
#include "policy/cache.h"

namespace dnslet::policy {

// Since the beginning of 1970, UTC.
using WallTime = std::chrono::milliseconds;

// How far ahead of the own clock another one may be.
inline constexpr std::chrono::seconds kClocksDiffer{5};

// An answer as it is kept. Borrows.
struct StoredAnswer {
  dns::BytesView message;
  dns::BytesView error;  // empty: none
  uint64_t age_ms = 0;
  uint32_t lifetime = 0;  // s, from the beginning
};
void append_stored(const StoredAnswer& answer, WallTime now, dns::Bytes& out);
struct Wanted {
  const dns::Question& question;
  WallTime now;
  CacheTtls limits;  // of its life, besides its own
};
// The answer that is wanted, if the bytes are one: TTLs counted down, its life limited to what is
// left. False: they are none, or it has ended.
bool read_stored(dns::BytesView bytes, const Wanted& wanted, dns::Answer& out);

// Puts an entry of the cache behind `out`: what it is kept under, and the answer. `rules`: the
// generation of the rules in force. False: it has ended, or other rules have made it.
bool append_entry(const CacheTable::Entry& entry, WallTime now, uint32_t rules, dns::Bytes& out);

// An entry that was read back. A plain value, to be used again.
struct StoredEntry {
  dns::Answer answer;            // TTLs counted down
  std::chrono::seconds left{0};  // of its life
  bool dnssec_ok = false;
  bool checking_disabled = false;
  Scope scope = Scope::AsItStands;
  Route route;
  dns::Question question;

  CacheKey key() const {
    return {question.name, question.type, question.qclass, dnssec_ok, checking_disabled,
            scope,         route};
  }
};
// Takes the next entry off `bytes`. False: there is none; with `bytes` not empty then, they are no
// entries. One that has ended, or whose answer is none to keep, has nothing `left`.
bool read_entry(dns::BytesView& bytes, WallTime now, uint32_t rules, StoredEntry& out);

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The rungs of the ladder: each is a function that has the answer to a question, or leaves it to
// the next. policy/decide has the order of those that need nobody else; policy/lookup goes on from
// there. What the client is like (transport, EDNS, spelling) is no concern of theirs.

#include <optional>

#include "dns/message.h"
#include "dns/reply.h"
#include "policy/tables.h"

namespace dnslet::policy {

// A question that a client asks, or a search for its sake, and all that an answer depends on.
// Borrows.
struct ClientQuestion {
  dns::QuestionView question;
  dns::UpstreamFlags flags;
  const Client& client;
  Route route = kByName;                      // as decided
  const dns::ClientSubnet* subnet = nullptr;  // as the client says it; null: it does not
};

// How the servers of a question are asked, where a rule wants it other than usual. Nobody else's
// answer depends on it.
struct Asking {
  std::optional<Milliseconds> retry{};  // in place of --upstream-retry
  uint32_t race = 1;                    // servers that are asked at once
  bool asks_sibling = false;            // the other address family is asked for at the same time
  bool skips_shared = false;            // --shared-cache is not asked: it has nothing newer

  bool operator==(const Asking&) const = default;
};

// The key under which the question's answer is kept.
inline CacheKey key_of(const ClientQuestion& asked, Scope scope) {
  const dns::QuestionView& question = asked.question;
  return {question.name,
          question.type,
          question.qclass,
          asked.flags.dnssec_ok,
          asked.flags.checking_disabled,
          scope,
          asked.route};
}

// An answer as a rung has it: for nobody in particular, without OPT. The message lies at the front
// of the buffer that the rung was given; where that is too small, in Tables::scratch, and then it
// may be the front of what is cut for the client. Borrows the error, as a rule
// Tables::scratch_error: so it is small enough to be handed on.
struct Found {
  Found(dns::MutableBytesView from, Source of, dns::Authority by = dns::Authority::None)
      : message(from), source(of), authority(by) {}

  dns::MutableBytesView message;
  Source source;
  dns::Authority authority;
  const dns::ExtendedError* error = nullptr;    // null: none
  std::optional<uint32_t> turn = std::nullopt;  // whose addresses take turns: whose turn it is
  // Of a kept answer:
  Scope scope = Scope::AsItStands;
  uint8_t subnet_scope = 0;              // see dns::Answer
  std::chrono::seconds left = kNoLimit;  // of its life
  bool is_ending = false;                // see CacheHit
  bool wants_refresh = false;            // see CacheHit
};

using MaybeFound = std::optional<Found>;

// All of these: what is written to `turn.out` is of no use where nothing is found. `turn.out` has
// room for a header and a question.

// A kept answer that has not ended.
MaybeFound answer_fresh(const Turn& turn, const ClientQuestion& asked, Scope scope);
// The same, or a failure that is remembered; before that an answer that has ended, where such go
// out first or upstream has failed within the last second.
MaybeFound answer_kept(const Turn& turn, const ClientQuestion& asked, Scope scope);
// The same; of a family that yields (policy/preference) NODATA where the name is known to have the
// preferred one, and nothing where that is not known.
MaybeFound answer_cached(const Turn& turn, const ClientQuestion& asked, Scope scope);
MaybeFound answer_stale(const Turn& turn, const ClientQuestion& asked, Scope scope, Ended which);

// The last ones before somebody is asked: `*` among our names, and that nobody may be asked.
MaybeFound answer_any(const Turn& turn, const ClientQuestion& asked);
MaybeFound refuse_forwarding(const Turn& turn, const ClientQuestion& asked);

// An answer without records; there always is one. It is of our authority if it tells something of
// the name.
MaybeFound empty_answer(const Turn& turn, const ClientQuestion& asked, dns::Rcode rcode,
                        Source source);
// No such name, but where it has a record of ours: then it has nothing of this type.
MaybeFound answer_gone(const Turn& turn, const ClientQuestion& asked, Source source);
// What upstream has said, or as much of it as is looked at for the client.
Found copy_of(const Turn& turn, const Answer& answer, Source source);

}  // namespace dnslet::policy

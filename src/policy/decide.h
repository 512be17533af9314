// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What a question gets before anybody is asked, and else whom it goes to: the first rung that has
// it, in the contract's order. The one place of that order; --explain prints it. A name of a search
// is decided like a question of a client.

#include <span>

#include "policy/route.h"
#include "policy/rule_set.h"
#include "policy/rungs.h"

namespace dnslet::policy {

struct Rung {
  // Null: not what answers, but who is asked. Of rules; of stub zones, which decide by the name
  // alone, so that no kept answer depends on it: kByName.
  MaybeFound (*answer)(const Turn&, const ClientQuestion&);
  Source source;      // of what it has
  const char* label;  // for people
  enum class Row { Always, WhereGiven, WhereItAnswers };
  Row row = Row::Always;  // of --explain
};

// All of them in their order. --allow, --block, --filter and --stubzones are rules of fixed place
// among them, and in the midst of them are those of --rule.
std::span<const Rung> ladder();

// At most one of these; none: cache and servers have the answer.
struct Decision {
  MaybeFound answer{};
  bool is_dropped = false;  // nobody gets an answer
  // The name is an alias of this one. Borrows from the rule, or from the records.
  std::optional<dns::NameView> alias_for{};
  uint32_t alias_ttl = 0;
  // Of the cache, and then of upstream.
  Route route = kByName;
  Asking asking{};
};

// `asked.route` does not count. `walk`: as made for a new question; else the rules behind those
// that it has followed decide, and nothing before them. Where walk->judge is set afterwards, that
// rule has to accept what the servers say: see judge(). Null where there are no rules.
Decision decide(const Turn& turn, const ClientQuestion& asked, RuleWalk* walk);

// What the rule that chose the servers makes of what they said.
enum class Verdict {
  Rejected,  // it does not hold: the walk goes on
  Accepted,
  Swapped,  // it holds, and has addresses to put in place of those of the answer: see swapped()
};
// REQUIRES: walk.judge is set.
Verdict judge(const Tables& tables, const ClientQuestion& asked, RuleWalk& walk,
              dns::BytesView answer);

// The answer with these addresses in place of its own and its TTL: of A and AAAA, NODATA where
// there is none of the family; of HTTPS and SVCB without hints; any other as it is.
Answer swapped(const dns::QuestionView& question, dns::BytesView answer,
               std::span<const IpAddress> addresses);

// The servers that would be asked first, as far as rules and zones tell; nullopt: a rule needs
// none.
std::optional<ServerSetNumber> servers_for(const Tables& tables, const ClientQuestion& asked);

}  // namespace dnslet::policy

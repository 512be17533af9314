// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What a Lookup remembers of the names of a search list that it has tried, and how it rotates. For
// the files of policy/lookup only.

#include <algorithm>
#include <vector>

#include "dns/patch.h"
#include "policy/lookup.h"

namespace dnslet::policy {

struct Lookup::Search {
  std::vector<dns::Name> names;
  std::size_t next = 0;     // in names; each is asked for once, so the list is the limit
  uint64_t generation = 0;  // of the tables when it began
  SearchVerdict verdict;
  std::vector<ServerSetNumber> unreachable;   // sets that no name is asked of any more
  Source source = Source::Cache;              // the furthest any step had to go
  bool is_keepable = true;                    // every step's answer is upstream's, and still holds
  bool is_alias = false;                      // the name tried last
  std::chrono::seconds lifetime = kNoLimit;   // the shortest of the steps
  std::chrono::seconds data_left = kNoLimit;  // of data that the cache had
  // The first answer of each outcome, and that of the name as it stands.
  std::optional<Answer> data, no_data, no_name, failure, as_it_stands;

  bool is_unreachable(ServerSetNumber set) const {
    return std::ranges::find(unreachable, set) != unreachable.end();
  }
  // REQUIRES: a name has been tried.
  const dns::Name& tried() const { return names[next - 1]; }
  std::optional<Answer>& first_of(StepOutcome outcome) {
    std::optional<Answer>* const places[] = {&data, &no_data, &no_name, &failure, &failure};
    return *places[static_cast<std::size_t>(outcome)];
  }
};

// What the rule behind the one that judges asks, and what has come of it.
struct Lookup::Ahead {
  Ask ask;
  bool is_taken = false;
  std::optional<Answer> answer{};  // nullopt: none yet, or a failure
  Existence sibling = Existence::Unknown;
};

// What comes of a name by the rungs that need nobody else; nothing: servers have to be asked.
struct Lookup::Settled {
  MaybeFound found{};
  bool is_dropped = false;
};

// Rotates the addresses in a message, or in the front of one that is cut for a slot: there half as
// many again take turns as may fit, so that the cost follows what is sent.
inline void rotate(dns::MutableBytesView message, uint32_t turn, std::size_t slot) {
  constexpr std::size_t kSmallestRecord = 16;
  const bool is_whole = message.size() <= slot;
  dns::rotate(message, turn, is_whole ? SIZE_MAX : 3 * slot / (2 * kSmallestRecord));
}

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The questions under way: found by number and by what is asked. For the files of
// policy/outstanding only. Memory of those that are over serves the next ones.

#include <cstdint>
#include <memory>
#include <vector>

#include "base/number_map.h"
#include "base/slots.h"
#include "policy/attempt.h"
#include "policy/lookup.h"

namespace dnslet::policy {

// An answer that is kept back, and the server that gave it.
struct KeptBack {
  Answer answer;
  ServerNumber via = kNoServer;
};

struct OpenQuestion {
  // Where its way has come to: Asking → (Undecided →) Held or Lost. It may end in each of them.
  enum class State {
    Asking,     // servers are being asked
    Undecided,  // over, if the other address family's question does not turn up in this turn
    Held,       // `held` waits for the other family's answer
    Lost,       // no server is left; it waits likewise
  };

  UpstreamQuestion question;
  uint64_t number = 0;
  uint64_t hash = 0;  // of what is asked
  Milliseconds started{0};
  Milliseconds retry{0};  // silence after which the next server is asked too
  Servers::ListNumber list = 0;
  State state = State::Asking;
  Attempt attempt;
  std::vector<uint64_t> lookups;  // that wait for it
  uint64_t sent = 0;              // the last query that is under way for it; 0: none

  // The refusal of the most preferred server that gave one, by its place in the set.
  std::size_t refused_place = SIZE_MAX;
  std::unique_ptr<KeptBack> refusal;
  std::unique_ptr<KeptBack> cut;   // said with TC: better than nothing
  std::unique_ptr<KeptBack> held;  // what ends it

  bool was_heard = false;   // some server could be reached
  bool was_silent = false;  // some server has said nothing in time
  bool was_asked = false;
  bool came_back = false;   // asked once more while it is under way
  bool is_silent = false;   // those that wait have been told
  bool is_sharing = false;  // the shared cache is asked, and no server yet
  uint32_t race = 1;        // servers that are asked at once
  uint32_t repeats = 0;     // of queries, to servers that were silent
  bool yields = false;      // what has records waits for the family that its route prefers
  Existence sibling = Existence::Unknown;  // what the other address family has shown, and when
  Milliseconds sibling_shown{0};
  Milliseconds waits_until{0};  // of Lost
};

class OpenQuestions {
 public:
  // Memory of questions that are over which is kept: of so many, and no list of more lookups.
  static constexpr std::size_t kSpare = 256;
  static constexpr std::size_t kSpareLookups = 16;

  // `seed`: see dns/hash.h.
  explicit OpenQuestions(uint64_t seed) : seed_(seed) {}

  std::size_t size() const { return questions_.size(); }
  // Null: it is over.
  OpenQuestion* find(uint64_t number);
  OpenQuestion* find(const UpstreamQuestion& question, uint64_t hash);
  // The oldest has the first deadline: all get the same time. Null: there is none.
  OpenQuestion* oldest() { return find(questions_.oldest()); }
  // The one for the other address family; null: none is under way, or there is no such question.
  OpenQuestion* find_sibling(const OpenQuestion& question);

  // The hashes of a name's A and AAAA differ in one bit.
  uint64_t hash_of(const UpstreamQuestion& question) const;
  static constexpr uint64_t sibling_hash(uint64_t hash) { return hash ^ 1; }

  // As made, but for its question, hash and number. It keeps its address until it is recycled.
  OpenQuestion& add(const UpstreamQuestion& question, uint64_t hash);
  // Is not found any more from now on. REQUIRES: it is there.
  std::unique_ptr<OpenQuestion> take(OpenQuestion& question);
  void recycle(std::unique_ptr<OpenQuestion> question);

  // The answer is taken over from `answer`, which is of no use then.
  std::unique_ptr<KeptBack> make_kept(Answer& answer, ServerNumber via);

 private:
  void recycle(std::unique_ptr<KeptBack>& kept);

  uint64_t seed_;
  Slots<std::unique_ptr<OpenQuestion>> questions_;
  // Numbers. The hash is one that nobody else can foresee. Of two questions with the same one,
  // which never comes to pass, the later is not found by what it asks.
  NumberMap by_hash_;
  std::vector<std::unique_ptr<OpenQuestion>> spare_questions_;
  std::vector<std::unique_ptr<KeptBack>> spare_kept_;
};

}  // namespace dnslet::policy

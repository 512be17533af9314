// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The questions that are open at each set of servers, in order of age, so that one set can't use up
// the room of all others. Questions are known by their numbers in a table of base/slots; every step
// costs the same, however many there are.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/slots.h"
#include "policy/servers.h"

namespace dnslet::policy {

class SetQueues {
 public:
  using ListNumber = Servers::ListNumber;

  // Queries of one set beyond the first one to each server of a question: enough where some are
  // lost. A set that says nothing to anybody would have five for each question, with a socket each.
  static constexpr std::size_t kMaxRepeats = 256;

  void add(ListNumber list, uint64_t question) {
    if (list >= queues_.size()) queues_.resize(list + 1);
    Queue& queue = queues_[list];
    link(question) = {.older = queue.newest, .newer = 0};
    if (queue.newest != 0) link(queue.newest).newer = question;
    if (queue.oldest == 0) queue.oldest = question;
    queue.newest = question;
    if (++queue.open > queues_[busiest_].open) busiest_ = list;
  }
  // A question at servers that are all asked already is about to be asked again. False: too many
  // of the set are.
  [[nodiscard]] bool add_repeat(ListNumber list) {
    if (queues_[list].repeats == kMaxRepeats) return false;
    ++queues_[list].repeats;
    return true;
  }
  // `repeats`: those of the question that were added. REQUIRES: it is there.
  void remove(ListNumber list, uint64_t question, std::size_t repeats) {
    Queue& queue = queues_[list];
    const Link gone = link(question);
    (gone.older != 0 ? link(gone.older).newer : queue.oldest) = gone.newer;
    (gone.newer != 0 ? link(gone.newer).older : queue.newest) = gone.older;
    --queue.open;
    queue.repeats -= repeats;
  }

  std::size_t open(ListNumber list) const { return list < queues_.size() ? queues_[list].open : 0; }
  // The one that has most, where one has more than half; else one of those that have many.
  // REQUIRES: a question has been added.
  ListNumber busiest() const { return busiest_; }
  // 0: none.
  uint64_t oldest(ListNumber list) const { return queues_[list].oldest; }

 private:
  struct Queue {
    uint64_t oldest = 0;
    uint64_t newest = 0;
    std::size_t open = 0;
    std::size_t repeats = 0;
  };
  struct Link {
    uint64_t older = 0;
    uint64_t newer = 0;
  };

  Link& link(uint64_t question) {
    const std::size_t place = Slots<int>::place_of(question);
    if (place >= links_.size()) links_.resize(place + 1);
    return links_[place];
  }

  std::vector<Queue> queues_;  // by number of the list
  std::vector<Link> links_;    // by place of the question
  ListNumber busiest_ = 0;
};

}  // namespace dnslet::policy

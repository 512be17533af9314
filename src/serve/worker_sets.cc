// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of a Worker that has answers wait until their addresses are in sets of the packet
// filter: rules with nft: and ipset:.

#include <utility>

#include "serve/filter_sets.h"
#include "serve/worker.h"

namespace dnslet::serve {
namespace {

// 5 ms are promised: time is told in whole ones.
constexpr io::Milliseconds kPatience{4};
constexpr std::size_t kMostHeld = 1024;  // answers; another one does not wait

}  // namespace

struct Worker::Sets {
  // A reply to a client that waits. Its bytes are its own.
  struct Held {
    policy::Lookup lookup;
    Return back;
    policy::Reply reply;
    dns::Bytes message;
    std::string via;
    uint64_t started_ns;
    uint64_t batch;
    io::Milliseconds deadline;
  };

  explicit Sets(Worker& worker)
      : owner(worker),
        filter(worker.loop_, worker.shared_.log, *worker.shared_.recent_puts,
               [this](uint64_t batch) { on_written(batch); }),
        timer(worker.loop_, [this] { on_time(); }),
        before_waiting(worker.loop_, [this] { filter.flush(); }) {}

  void on_written(uint64_t batch) {
    while (const uint64_t id = held.oldest()) {
      if (held.find(id)->batch > batch) return;
      release(id);
    }
  }

  void on_time() {
    const io::Milliseconds now = owner.loop_.now();
    while (const uint64_t id = held.oldest()) {
      const io::Milliseconds deadline = held.find(id)->deadline;
      if (deadline > now) return timer.start_once(deadline - now);
      filter.on_late();
      release(id);
    }
  }

  void release(uint64_t id) {
    const Held& answer = *held.find(id);
    dns::copy_bytes(answer.message, owner.late_slot_.view());
    owner.note(answer.lookup, {answer.reply, answer.message, answer.via}, answer.started_ns);
    owner.send(answer.back, answer.reply);
    if (answer.reply.refresh) owner.refresh(answer.lookup, answer.reply);
    held.remove(id);
  }

  Worker& owner;
  Slots<Held> held;  // the oldest has the first deadline, and the first batch
  FilterSets filter;
  io::Timer timer;
  io::BeforeWaiting before_waiting;
};

bool Worker::hold(policy::Lookup& lookup, const Outgoing& outgoing, const Return& back,
                  uint64_t started_ns) {
  if (!sets_) sets_ = {new Sets(*this), [](Sets* sets) { delete sets; }};
  const policy::Reply& reply = outgoing.reply;
  const uint64_t batch = sets_->filter.put(policy::addresses_for(*reply.sets, outgoing.message));
  if (batch == 0 || sets_->held.size() >= kMostHeld) return false;
  const dns::BytesView message = outgoing.message;
  sets_->held.add({std::move(lookup),
                   back,
                   reply,
                   {message.begin(), message.end()},
                   std::string(outgoing.via),
                   started_ns,
                   batch,
                   loop_.now() + kPatience});
  if (!sets_->timer.is_active()) sets_->timer.start_once(kPatience);
  return true;
}

bool Worker::end_sets() {
  constexpr io::Milliseconds kMoment{5};  // of each worker: all have 200 ms to end
  return !sets_ || sets_->filter.end(kMoment);
}

}  // namespace dnslet::serve

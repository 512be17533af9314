// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/upstream.h"

#include <algorithm>
#include <utility>

#include "io/ares_memory.h"

namespace dnslet::io {
namespace {

// What c-ares may hold of questions that are over before a fresh channel takes its place.
constexpr std::size_t kMaxOrphans = 4096;
constexpr std::size_t kMaxRetired = 16;

}  // namespace

bool prepare_upstream() {
  const int status = AresMemory::kHelps
                         ? ares_library_init_mem(ARES_LIB_INIT_ALL, AresMemory::allocate,
                                                 AresMemory::free, AresMemory::reallocate)
                         : ares_library_init(ARES_LIB_INIT_ALL);
  return status == ARES_SUCCESS;
}

Upstream::Upstream(Loop& loop, const Endpoint& server, const UpstreamSettings& settings,
                   OnReply on_reply)
    : loop_(loop),
      server_(server),
      name_(server.to_text()),
      settings_(settings),
      on_reply_(std::move(on_reply)),
      deadline_timer_(loop, [this] { on_deadline(); }),
      turn_timer_(loop, [this] { on_turn(); }),
      before_waiting_(loop, [this] { send_datagrams(); }) {
  renew_channel();
}

Upstream::~Upstream() = default;

void Upstream::renew_channel() {
  if (current_) {
    send_datagrams();
    retired_.push_back(std::move(current_));
  }
  current_ = std::make_unique<AresChannel>(loop_, server_, settings_.transport);
  current_->set_on_outcomes([this, channel = current_.get()] { tell(*channel); });
  renewed_ = loop_.now();
}

void Upstream::ask(uint64_t token, const dns::QueryBytes& query) {
  if (!current_->is_usable() && retired_.size() < kMaxRetired) renew_channel();
  const uint64_t number = pending_.add(
      {.token = token, .deadline = loop_.now() + settings_.timeout, .asked_ns = uv_hrtime()});
  if (!deadline_timer_.is_active()) deadline_timer_.start_once(settings_.timeout);

  if (current_->is_usable()) {
    Pending& pending = *pending_.find(number);
    pending.channel = current_.get();
    pending.asked = current_->send(number, query);
  } else {
    unsent_.push_back(number);
  }
  tell_soon();
}

void Upstream::send_datagrams() {
  current_->send_datagrams();
  tell_soon();
}

// What was known at once is told in the next turn of the loop.
void Upstream::tell_soon() {
  const bool has_news = current_->has_outcomes() || !unsent_.empty();
  if (has_news && !turn_timer_.is_active()) turn_timer_.start_once(Milliseconds(0));
}

void Upstream::on_turn() {
  std::size_t told = 0;
  while (told < retired_.size()) tell(*retired_[told++]);  // whoever is told may add some
  tell(*current_);
  for (const uint64_t number : std::exchange(unsent_, {}))
    on_reply(number, {.result = UpstreamResult::NoResources});
}

void Upstream::tell(AresChannel& channel) {
  std::vector<AresChannel::Outcome> outcomes = std::move(outcomes_);
  channel.take_outcomes(outcomes);
  const uint64_t now_ns = uv_hrtime();
  for (const AresChannel::Outcome& outcome : outcomes)
    on_reply(outcome.token, {.result = outcome.result, .packet = channel.packet(outcome)}, now_ns);
  outcomes.clear();
  outcomes_ = std::move(outcomes);
}

// `came_ns`: when, for an Answer.
void Upstream::on_reply(uint64_t number, UpstreamReply reply, uint64_t came_ns) {
  Pending* const pending = pending_.find(number);
  if (!pending) return;  // its time was over
  const uint64_t token = pending->token;
  reply.was_cut = pending->was_cut;
  if (reply.result == UpstreamResult::Truncated) {
    pending->was_cut = true;
    on_reply_(token, reply);
    return;
  }
  if (reply.result == UpstreamResult::Answer)
    reply.taken = std::chrono::nanoseconds(came_ns - pending->asked_ns);
  pending_.remove(number);
  on_reply_(token, reply);
}

// Forgets questions whose time is over. A channel in which c-ares still holds some is retired: new
// questions go to a fresh one, and it ends when its last question has had its time.
void Upstream::on_deadline() {
  const Milliseconds now = loop_.now();
  while (const uint64_t oldest = pending_.oldest()) {
    const Pending& pending = *pending_.find(oldest);
    if (pending.deadline > now) break;
    if (pending.channel) pending.channel->forget(pending.asked);
    on_reply(oldest, {.result = UpstreamResult::Silent});
  }

  const bool is_due = current_->orphans() > 0 && now - renewed_ >= settings_.timeout;
  if (is_due || current_->orphans() >= kMaxOrphans) {
    AresChannel& before = *current_;
    renew_channel();
    tell(before);
  }
  std::erase_if(retired_, [](const auto& channel) { return channel->is_idle(); });
  if (now - ports_checked_ >= settings_.timeout) {
    has_ports_ = current_->close_unneeded_ports();
    ports_checked_ = now;
  }
  if (const uint64_t oldest = pending_.oldest()) {
    deadline_timer_.start_once(pending_.find(oldest)->deadline - now);
  } else if (has_ports_ || !retired_.empty()) {
    deadline_timer_.start_once(settings_.timeout);
  }
}

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/upstream.h"

#include <algorithm>
#include <utility>

namespace dnslet::io {
namespace {

// What c-ares may hold of questions that are over before a fresh channel takes its place.
constexpr std::size_t kMaxOrphans = 4096;
constexpr std::size_t kMaxRetired = 16;

}  // namespace

bool prepare_upstream() { return ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS; }

Upstream::Upstream(Loop& loop, const Endpoint& server, const UpstreamSettings& settings,
                   OnReply on_reply)
    : loop_(loop),
      server_(server),
      settings_(settings),
      on_reply_(std::move(on_reply)),
      deadline_timer_(loop, [this] { on_deadline(); }),
      turn_timer_(loop, [this] { on_turn(); }) {
  renew_channel();
}

Upstream::~Upstream() = default;

void Upstream::renew_channel() {
  if (current_) retired_.push_back(std::move(current_));
  current_ = std::make_unique<AresChannel>(loop_, server_, settings_.transport);
  current_->set_on_outcomes([this, channel = current_.get()] { tell(*channel); });
  renewed_ = loop_.now();
}

void Upstream::ask(uint64_t token, dns::BytesView query) {
  if (!current_->is_usable() && retired_.size() < kMaxRetired) renew_channel();
  const uint64_t sequence = next_sequence_++;
  pending_.emplace(sequence, Pending{token, current_.get()});
  deadlines_.push_back({loop_.now() + settings_.timeout, sequence});
  if (!deadline_timer_.is_active()) deadline_timer_.start_once(settings_.timeout);

  if (current_->is_usable()) {
    current_->send(sequence, query);
  } else {
    unsent_.push_back(sequence);
  }
  const bool has_news = current_->has_outcomes() || !unsent_.empty();
  if (has_news && !turn_timer_.is_active()) turn_timer_.start_once(Milliseconds(0));
}

// What was known at once is told in the next turn of the loop.
void Upstream::on_turn() {
  std::size_t told = 0;
  while (told < retired_.size()) tell(*retired_[told++]);  // whoever is told may add some
  tell(*current_);
  for (const uint64_t sequence : std::exchange(unsent_, {}))
    on_reply(sequence, {UpstreamResult::Unreachable, {}});
}

void Upstream::tell(AresChannel& channel) {
  for (const auto& [sequence, result, packet] : channel.take_outcomes())
    on_reply(sequence, {result, packet});
}

void Upstream::on_reply(uint64_t sequence, const UpstreamReply& reply) {
  const auto found = pending_.find(sequence);
  if (found == pending_.end()) return;  // its time was over
  const uint64_t token = found->second.token;
  pending_.erase(found);
  on_reply_(token, reply);
}

// Forgets questions whose time is over. A channel in which c-ares still holds some is retired: new
// questions go to a fresh one, and it ends when its last question has had its time.
void Upstream::on_deadline() {
  const Milliseconds now = loop_.now();
  while (!deadlines_.empty() && deadlines_.front().at <= now) {
    const auto found = pending_.find(deadlines_.front().sequence);
    deadlines_.pop_front();
    if (found == pending_.end()) continue;
    found->second.channel->forget(found->first);
    pending_.erase(found);
  }

  std::erase_if(retired_, [](const auto& channel) { return channel->is_idle(); });
  const bool is_due = current_->orphans() > 0 && now - renewed_ >= settings_.timeout;
  if (is_due || current_->orphans() >= kMaxOrphans) {
    AresChannel& before = *current_;
    renew_channel();
    tell(before);
  }
  if (!deadlines_.empty()) deadline_timer_.start_once(deadlines_.front().at - now);
}

}  // namespace dnslet::io

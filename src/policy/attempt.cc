// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/attempt.h"

#include <algorithm>

namespace dnslet::policy {

void Attempt::start(const Servers::Plan& plan, Milliseconds retry) {
  candidates_.clear();
  for (const ServerNumber server : plan.order) candidates_.push_back({.server = server});
  at_once_ = plan.at_once;
  asked_ = 0;
  retry_ = retry;
  last_asked_ = Milliseconds(0);
}

Attempt::Next Attempt::next(Milliseconds now) {
  const std::size_t candidate = find(State::Unasked);
  if (candidates_.empty()) return Next::Lost;
  if (at_once_ == 0 || candidate == candidates_.size()) return Next::Wait;
  --at_once_;
  return ask(candidate, now);
}

Attempt::Next Attempt::on_result(ServerNumber server, ServerResult result, Milliseconds now) {
  if (result == ServerResult::Answered) return Next::Won;
  if (Candidate* const candidate = find_pending(server)) {
    if (result == ServerResult::NoEdns && !candidate->without_edns) {
      candidate->without_edns = true;
      return ask(static_cast<std::size_t>(candidate - candidates_.data()), now);
    }
    candidate->state = result == ServerResult::NetworkError ? State::Broken : State::Refused;
  }
  const std::size_t unasked = find(State::Unasked);
  if (unasked < candidates_.size()) return ask(unasked, now);
  return find(State::Pending) < candidates_.size() ? Next::Wait : Next::Lost;
}

void Attempt::on_sign_of_life(ServerNumber server, Milliseconds now) {
  Candidate* const candidate = find_pending(server);
  if (!candidate) return;
  candidate->is_heard = true;
  last_asked_ = now;
}

void Attempt::leave_out_edns(ServerNumber server) {
  if (Candidate* const candidate = find_pending(server)) candidate->without_edns = true;
}

bool Attempt::has_unasked() const { return find(State::Unasked) < candidates_.size(); }

bool Attempt::were_all_silent() const {
  return std::ranges::all_of(candidates_, [](const Candidate& candidate) {
    return candidate.state != State::Unasked &&
           (candidate.state != State::Pending || candidate.was_silent);
  });
}

Attempt::Next Attempt::on_silence(Milliseconds now) {
  const std::size_t unasked = find(State::Unasked);
  if (unasked < candidates_.size()) return ask(unasked, now);
  std::size_t longest = candidates_.size();
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (candidates_[i].state != State::Pending) continue;
    if (longest == candidates_.size() || candidates_[i].asked < candidates_[longest].asked)
      longest = i;
  }
  return longest < candidates_.size() ? ask(longest, now) : Next::Lost;
}

// The first one in this state; their number: none is.
std::size_t Attempt::find(State state) const {
  const auto found = std::ranges::find(candidates_, state, &Candidate::state);
  return static_cast<std::size_t>(found - candidates_.begin());
}

Attempt::Candidate* Attempt::find_pending(ServerNumber server) {
  const auto found = std::ranges::find(candidates_, server, &Candidate::server);
  const bool is_pending = found != candidates_.end() && found->state == State::Pending;
  return is_pending ? &*found : nullptr;
}

Attempt::Next Attempt::ask(std::size_t candidate, Milliseconds now) {
  candidates_[candidate].state = State::Pending;
  candidates_[candidate].asked = now;
  last_asked_ = now;
  asked_ = candidate;
  return Next::Ask;
}

}  // namespace dnslet::policy

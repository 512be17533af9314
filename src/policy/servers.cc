// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/servers.h"

#include <algorithm>

namespace dnslet::policy {

bool is_refusal(dns::Rcode rcode) {
  switch (rcode) {
    case dns::Rcode::ServFail:
    case dns::Rcode::Refused:
    case dns::Rcode::NotImp:
    case dns::Rcode::FormErr:
      return true;
    default:
      // Codes above 15 need the OPT of this hop (RFC 6891 section 9): of no use to a client.
      return static_cast<unsigned>(rcode) > 15;
  }
}

const ServerSet::Plan& ServerSet::make_plan(Milliseconds now) {
  Plan& plan = plan_;
  plan.order.clear();
  plan.at_once = 1;
  const auto is_healthy = [&](std::size_t server) { return health_[server].pause.count() == 0; };
  for (std::size_t server = 0; server < size(); ++server)
    if (is_healthy(server)) plan.order.push_back(server);
  const bool some_healthy = !plan.order.empty();

  std::vector<std::size_t> paused;
  for (std::size_t server = 0; server < size(); ++server) {
    if (is_healthy(server)) continue;
    Health& health = health_[server];
    if (!some_healthy || now < health.try_at) {
      paused.push_back(server);
      continue;
    }
    health.pause = std::min(health.pause * 2, kLongestPause);
    health.try_at = now + health.pause;
    plan.order.insert(plan.order.begin() + static_cast<std::ptrdiff_t>(plan.at_once), server);
    ++plan.at_once;
  }
  plan.order.insert(plan.order.end(), paused.begin(), paused.end());
  return plan;
}

bool ServerSet::on_failure(std::size_t server, Milliseconds now) {
  Health& health = health_[server];
  // A failure during a pause says nothing new: many questions may have been under way.
  if (health.pause.count() != 0) return false;
  health = {kFirstPause, now + kFirstPause};
  return true;
}

Attempt::Attempt(const ServerSet::Plan& plan, Milliseconds retry)
    : at_once_(plan.at_once), retry_(retry) {
  candidates_.reserve(plan.order.size());
  for (const std::size_t server : plan.order) candidates_.push_back({.server = server});
}

Attempt::Next Attempt::next(Milliseconds now) {
  Candidate* const candidate = find(State::Unasked);
  if (at_once_ == 0 || !candidate) return Next::Wait;
  --at_once_;
  return ask(*candidate, now);
}

Attempt::Next Attempt::on_result(std::size_t server, ServerResult result, Milliseconds now) {
  if (result == ServerResult::Answered) return Next::Won;
  if (Candidate* const candidate = find_pending(server)) {
    if (result == ServerResult::NoEdns && !candidate->without_edns) {
      candidate->without_edns = true;
      return ask(*candidate, now);
    }
    candidate->state = result == ServerResult::NetworkError ? State::Broken : State::Refused;
  }
  if (Candidate* const unasked = find(State::Unasked)) return ask(*unasked, now);
  return find(State::Pending) ? Next::Wait : Next::Lost;
}

void Attempt::on_sign_of_life(std::size_t server) {
  if (Candidate* const candidate = find_pending(server)) candidate->is_heard = true;
}

std::vector<std::size_t> Attempt::silent(Milliseconds now) const {
  std::vector<std::size_t> servers;
  for (const Candidate& candidate : candidates_)
    if (candidate.state == State::Pending && !candidate.is_heard && now - candidate.asked >= retry_)
      servers.push_back(candidate.server);
  return servers;
}

Attempt::Next Attempt::on_silence(Milliseconds now) {
  if (Candidate* const unasked = find(State::Unasked)) return ask(*unasked, now);
  Candidate* longest = nullptr;
  for (Candidate& candidate : candidates_) {
    if (candidate.state != State::Pending) continue;
    if (!longest || candidate.asked < longest->asked) longest = &candidate;
  }
  return longest ? ask(*longest, now) : Next::Lost;
}

// The most preferred one in this state; null: none.
Attempt::Candidate* Attempt::find(State state) {
  const auto found = std::ranges::find(candidates_, state, &Candidate::state);
  return found == candidates_.end() ? nullptr : &*found;
}

Attempt::Candidate* Attempt::find_pending(std::size_t server) {
  const auto found = std::ranges::find(candidates_, server, &Candidate::server);
  const bool is_pending = found != candidates_.end() && found->state == State::Pending;
  return is_pending ? &*found : nullptr;
}

Attempt::Next Attempt::ask(Candidate& candidate, Milliseconds now) {
  candidate.state = State::Pending;
  candidate.asked = now;
  last_asked_ = now;
  asked_server_ = candidate.server;
  without_edns_ = candidate.without_edns;
  return Next::Ask;
}

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/flights.h"

#include <algorithm>
#include <utility>

namespace dnslet::app {
namespace {

using policy::Attempt;
using policy::ServerResult;

// Equal keys: equal questions. The name's bytes come last, so no two keys run into each other.
std::string key_of(const policy::UpstreamQuestion& question) {
  const auto type = static_cast<unsigned>(question.question.type);
  const unsigned flags = (question.flags.recursion_desired ? 1U : 0U) |
                         (question.flags.checking_disabled ? 2U : 0U) |
                         (question.flags.dnssec_ok ? 4U : 0U);
  const dns::BytesView name = question.question.name.view().wire();
  std::string key = {static_cast<char>(type >> 8), static_cast<char>(type & 0xff),
                     static_cast<char>(flags)};
  key.append(name.begin(), name.end());
  return key;
}

}  // namespace

Flights::Flights(io::Loop& loop, io::Log& log, const FlightSettings& settings, OnLanding on_landing)
    : loop_(loop),
      log_(log),
      settings_(settings),
      on_landing_(std::move(on_landing)),
      timer_(loop, [this] { on_time(); }) {}

Flights::~Flights() = default;

void Flights::set_servers(policy::ServerSetNumber set, const std::vector<Endpoint>& servers,
                          io::UpstreamTransport transport) {
  auto group = std::make_unique<Group>(Group{policy::ServerSet(servers.size()), {}, 0});
  Group& target = *group;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    target.servers.push_back(std::make_unique<io::Upstream>(
        loop_, servers[i], io::UpstreamSettings{settings_.timeout, transport},
        [this, &target, i](uint64_t token, const io::UpstreamReply& reply) {
          on_reply(target, i, token, reply);
        }));
  }
  if (set >= groups_.size()) groups_.resize(set + 1);
  if (groups_[set] && groups_[set]->flights > 0) retired_.push_back(std::move(groups_[set]));
  groups_[set] = std::move(group);
}

bool Flights::board(uint64_t lookup, const policy::Ask& ask_for) {
  const policy::UpstreamQuestion& question = ask_for.question;
  std::string key = key_of(question);
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    flights_.at(known->second).lookups.push_back(lookup);
    return true;
  }
  if (flights_.size() >= settings_.max_open) return false;

  const io::Milliseconds now = loop_.now();
  const uint64_t id = next_id_++;
  Group& group = *groups_[ask_for.servers];
  by_key_.emplace(key, id);
  Flight boarding{.question = question,
                  .key = std::move(key),
                  .group = &group,
                  .attempt = Attempt(group.set.make_plan(now), settings_.retry),
                  .lookups = {lookup}};
  Flight& flight = flights_.emplace(id, std::move(boarding)).first->second;
  ++flight.group->flights;
  deadlines_.push_back({now + settings_.timeout, id});
  while (flight.attempt.next(now) == Attempt::Next::Ask) ask(id, flight);
  arm();
  return true;
}

void Flights::ask(uint64_t id, Flight& flight) {
  const auto edns =
      flight.attempt.without_edns() ? dns::QueryEdns::WithoutEdns : dns::QueryEdns::WithEdns;
  const dns::Bytes query =
      dns::build_upstream_query(flight.question.question, flight.question.flags, edns);
  flight.group->servers[flight.attempt.server()]->ask(id, query);
  silences_.push_back({flight.attempt.silent_at(), id});
}

void Flights::on_reply(Group& group, std::size_t server, uint64_t token,
                       const io::UpstreamReply& reply) {
  if (reply.result == io::UpstreamResult::Answer) group.set.on_answer(server);  // a late one too
  if (reply.result == io::UpstreamResult::Unreachable) note_failure(group, server, "unreachable");

  const auto found = flights_.find(token);
  if (found == flights_.end()) return;
  found->second.was_heard =
      found->second.was_heard || reply.result != io::UpstreamResult::Unreachable;
  if (reply.result == io::UpstreamResult::Answer) {
    on_packet(token, server, reply.packet);
    return;
  }
  const bool is_unreachable = reply.result == io::UpstreamResult::Unreachable;
  const auto result = is_unreachable ? ServerResult::NetworkError : ServerResult::Refused;
  act(token, found->second.attempt.on_result(server, result, loop_.now()));
}

void Flights::on_packet(uint64_t id, std::size_t server, dns::BytesView packet) {
  Flight& flight = flights_.at(id);
  auto read = policy::read_answer(packet, flight.question);
  if (read && !policy::is_refusal(read->rcode)) {
    land(id, read->answer, policy::Source::Upstream,
         flight.group->servers[server]->server().to_text());
    return;
  }

  ServerResult result = ServerResult::Refused;
  if (read) {
    if (read->rcode == dns::Rcode::FormErr && !read->has_edns) result = ServerResult::NoEdns;
    if (server < flight.refused_by) {
      flight.refused_by = server;
      flight.refusal = std::move(read->answer);
    }
  }
  act(id, flight.attempt.on_result(server, result, loop_.now()));
}

void Flights::act(uint64_t id, Attempt::Next next) {
  switch (next) {
    case Attempt::Next::Ask:
      ask(id, flights_.at(id));
      arm();
      return;
    case Attempt::Next::Lost:
      land_failed(id);
      return;
    case Attempt::Next::Wait:
    case Attempt::Next::Won:
      return;
  }
}

void Flights::land_failed(uint64_t id) {
  const Flight& flight = flights_.at(id);
  const bool has_code = flight.refused_by != SIZE_MAX;
  const std::string via =
      has_code ? flight.group->servers[flight.refused_by]->server().to_text() : "";
  const policy::Answer answer =
      has_code
          ? flight.refusal
          : policy::Answer{dns::build_failure(flight.question.question, dns::Rcode::ServFail), {}};
  land(id, answer, flight.was_heard ? policy::Source::Upstream : policy::Source::Error, via);
}

void Flights::land(uint64_t id, const policy::Answer& answer, policy::Source source,
                   const std::string& via) {
  const auto node = flights_.extract(id);  // whoever is told may board again
  const Flight& flight = node.mapped();
  by_key_.erase(flight.key);
  --flight.group->flights;
  on_landing_({flight.question, answer, source, via, flight.lookups});
}

void Flights::note_failure(Group& group, std::size_t server, const char* reason) {
  if (!group.set.on_failure(server, loop_.now())) return;
  const std::string name = group.servers[server]->server().to_text();
  log_.write_limited(
      io::Level::Warning, "upstream " + name,
      "upstream server failed, put behind the others server=" + name + " reason=" + reason,
      loop_.now());
}

void Flights::on_time() {
  const io::Milliseconds now = loop_.now();
  while (!silences_.empty() && silences_.front().at <= now) {
    const uint64_t id = silences_.front().flight;
    silences_.pop_front();
    on_silence(id);
  }
  while (!deadlines_.empty() && deadlines_.front().at <= now) {
    const uint64_t id = deadlines_.front().flight;
    deadlines_.pop_front();
    if (flights_.contains(id)) land_failed(id);
  }
  std::erase_if(retired_, [](const auto& group) { return group->flights == 0; });
  arm();
}

void Flights::on_silence(uint64_t id) {
  const auto found = flights_.find(id);
  const io::Milliseconds now = loop_.now();
  if (found == flights_.end()) return;
  Flight& flight = found->second;
  for (const std::size_t server : flight.attempt.silent(now))
    note_failure(*flight.group, server, "silent");
  if (now < flight.attempt.silent_at()) return;  // somebody was asked meanwhile
  act(id, flight.attempt.on_silence(now));
}

void Flights::arm() {
  io::Milliseconds next = io::Milliseconds::max();
  if (!silences_.empty()) next = std::min(next, silences_.front().at);
  if (!deadlines_.empty()) next = std::min(next, deadlines_.front().at);
  if (next == io::Milliseconds::max()) return;
  if (timer_.is_active() && armed_for_ <= next) return;
  armed_for_ = next;
  timer_.start_once(std::max(io::Milliseconds(0), next - loop_.now()));
}

}  // namespace dnslet::app

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/flights.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "dns/hash.h"

namespace dnslet::app {
namespace {

using policy::Attempt;
using policy::ServerResult;

// The code in the header; what an OPT adds to it is not worth a walk through the message.
std::size_t place_of_rcode(dns::BytesView packet) {
  dns::Reader reader(packet);
  reader.skip(2);
  return place_of(static_cast<dns::Rcode>(reader.u16() & dns::flag::kRcode));
}

// From the hash of a question for one address family that of the other.
constexpr uint64_t sibling_hash(uint64_t hash) { return hash ^ 1; }

// One of those, empty; a new one where there is none.
std::vector<uint64_t> take_list(std::vector<std::vector<uint64_t>>& spare) {
  if (spare.empty()) return {};
  std::vector<uint64_t> list = std::move(spare.back());
  spare.pop_back();
  return list;
}

}  // namespace

Flights::Flights(io::Loop& loop, io::Log& log, const FlightSettings& settings, Callbacks callbacks)
    : loop_(loop),
      log_(log),
      settings_(settings),
      callbacks_(std::move(callbacks)),
      timer_(loop, [this] { on_time(); }) {}

Flights::~Flights() = default;

void Flights::set_servers(policy::ServerSetNumber set, const std::vector<Endpoint>& servers,
                          io::UpstreamTransport transport) {
  auto group = std::make_unique<Group>(Group{policy::ServerSet(servers.size()), {}, {}, 0});
  Group& target = *group;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    target.servers.push_back(std::make_unique<io::Upstream>(
        loop_, servers[i], io::UpstreamSettings{settings_.timeout, transport},
        [this, &target, i](uint64_t token, const io::UpstreamReply& reply) {
          on_reply(target, i, token, reply);
        }));
    target.counted.push_back(&counters_[target.servers.back()->name()]);
  }
  if (set >= groups_.size()) groups_.resize(set + 1);
  if (groups_[set] && groups_[set]->flights > 0) retired_.push_back(std::move(groups_[set]));
  groups_[set] = std::move(group);
  drop_unused_counters();
}

// Names of servers come from files that others write: those that are gone must not pile up.
void Flights::drop_unused_counters() {
  const auto has = [](const auto& groups, const ServerCounters* counted) {
    return std::ranges::any_of(groups, [counted](const auto& group) {
      return group && std::ranges::find(group->counted, counted) != group->counted.end();
    });
  };
  std::erase_if(counters_, [&](const auto& entry) {
    return !has(groups_, &entry.second) && !has(retired_, &entry.second);
  });
}

void Flights::count(ServerCounters& counted, const io::UpstreamReply& reply) {
  switch (reply.result) {
    case io::UpstreamResult::Answer:
      ++counted.answers[place_of_rcode(reply.packet)];
      counted.latency.add(reply.taken);
      heard_ = loop_.now();
      return;
    case io::UpstreamResult::Truncated:
      heard_ = loop_.now();
      return;
    case io::UpstreamResult::Unreachable:
    case io::UpstreamResult::NoResources:
      ++counted.errors;
      return;
    case io::UpstreamResult::Silent:
      ++counted.timeouts;
      return;
  }
}

// The hashes of a name's A and AAAA differ in one bit (see sibling_hash).
uint64_t Flights::hash_of(const policy::UpstreamQuestion& question) const {
  const dns::Type type = question.question.type;
  const uint64_t seed = settings_.seed ^ static_cast<uint64_t>(dns::one_family(type));
  const uint64_t hash = dns::hash(question.question.name.view().wire(), seed);
  return type == dns::Type::AAAA ? sibling_hash(hash) : hash;
}

// 0: none.
uint64_t Flights::find_flight(const Key& key) const {
  const auto known = by_question_.find(key);
  return known == by_question_.end() ? 0 : known->second;
}

bool Flights::board(uint64_t lookup, const policy::Ask& ask_for) {
  const uint64_t hash = hash_of(ask_for.question);
  if (const uint64_t known = find_flight({&ask_for.question, hash})) {
    flights_.find(known)->lookups.push_back(lookup);
    return true;
  }
  if (flights_.size() >= settings_.max_open) return false;

  const io::Milliseconds now = loop_.now();
  Group& group = *groups_[ask_for.servers];
  const uint64_t id = flights_.add({.question = ask_for.question,
                                    .hash = hash,
                                    .deadline = now + settings_.timeout,
                                    .group = &group,
                                    .attempt = Attempt(group.set.make_plan(now), settings_.retry),
                                    .lookups = take_list(spare_lists_)});
  Flight& flight = *flights_.find(id);
  flight.lookups.push_back(lookup);
  const Key key = {&flight.question, hash};
  flight.sibling = recently_shown(key);
  enter(key, id);
  ++group.flights;
  while (flight.attempt.next(now) == Attempt::Next::Ask) ask(id, flight);
  arm();
  return true;
}

void Flights::enter(const Key& key, uint64_t id) {
  if (spare_nodes_.empty()) {
    by_question_.emplace(key, id);
    return;
  }
  auto node = std::move(spare_nodes_.back());
  spare_nodes_.pop_back();
  node.key() = key;
  node.mapped() = id;
  by_question_.insert(std::move(node));
}

void Flights::leave(const Key& key) {
  auto node = by_question_.extract(key);
  assert(!node.empty());
  if (spare_nodes_.size() < kSpare) spare_nodes_.push_back(std::move(node));
}

void Flights::tell(Exchange::What what, const Flight& flight, std::size_t server,
                   dns::Rcode rcode) const {
  if (on_exchange_)
    on_exchange_({what, flight.question, flight.group->servers[server]->name(), rcode});
}

bool Flights::is_late(const Flight& flight) const {
  return loop_.now() >= flight.deadline - settings_.timeout + settings_.retry;
}

bool Flights::is_silent(const policy::UpstreamQuestion& question) {
  const Flight* const flight = flights_.find(find_flight({&question, hash_of(question)}));
  return flight != nullptr && is_late(*flight);
}

void Flights::ask(uint64_t id, Flight& flight) {
  ServerCounters& counted = *flight.group->counted[flight.attempt.server()];
  ++counted.questions;
  if (std::exchange(flight.was_asked, true)) ++counted.retries;
  const auto edns =
      flight.attempt.without_edns() ? dns::QueryEdns::WithoutEdns : dns::QueryEdns::WithEdns;
  flight.group->servers[flight.attempt.server()]->ask(
      id, dns::build_upstream_query(flight.question.question, flight.question.flags, edns));
  silences_.push_back({flight.attempt.silent_at(), id});
  tell(flight.attempt.without_edns() ? Exchange::What::AskedWithoutEdns : Exchange::What::Asked,
       flight, flight.attempt.server());
}

void Flights::on_reply(Group& group, std::size_t server, uint64_t token,
                       const io::UpstreamReply& reply) {
  using Result = io::UpstreamResult;
  count(*group.counted[server], reply);
  if (reply.result == Result::Silent) return;  // the flight has a clock of its own
  const bool is_heard = reply.result == Result::Answer || reply.result == Result::Truncated;
  if (is_heard) group.set.on_answer(server);  // a late one too
  if (reply.result == Result::NoResources) warn_of_resources();

  // Where it was cut, the server lacks TCP and does answer.
  if (reply.result == Result::Unreachable && !reply.was_cut)
    note_failure(group, server, "unreachable");
  Flight* const flight = flights_.find(token);
  if (!flight || flight->held) return;
  flight->was_heard = flight->was_heard || is_heard;
  if (reply.result == Result::Truncated) {
    flight->attempt.on_sign_of_life(server);
    keep_cut(*flight, server, reply.packet);
    return;
  }
  if (reply.result == Result::Answer) {
    on_packet(token, server, reply.packet);
    return;
  }
  ++flight->unreachable;
  tell(reply.result == Result::Unreachable ? Exchange::What::Unreachable
                                           : Exchange::What::NoResources,
       *flight, server);
  act(token, flight->attempt.on_result(server, ServerResult::NetworkError, loop_.now()));
}

void Flights::on_packet(uint64_t id, std::size_t server, dns::BytesView packet) {
  Flight& flight = *flights_.find(id);
  const bool is_read = policy::read_answer(packet, flight.question, read_);
  tell(is_read ? Exchange::What::Answered : Exchange::What::Unusable, flight, server,
       is_read ? read_.rcode : dns::Rcode::NoError);
  if (is_read && !policy::is_refusal(read_.rcode)) {
    const std::string& via = flight.group->servers[server]->name();
    if (!hold(id, read_.answer, via)) land(id, read_.answer, policy::Source::Upstream, via);
    return;
  }

  ServerResult result = ServerResult::Refused;
  if (is_read) {
    const bool may_mean_opt =
        read_.rcode == dns::Rcode::FormErr || read_.rcode == dns::Rcode::NotImp;
    if (may_mean_opt && !read_.has_edns) result = ServerResult::NoEdns;
    if (server < flight.refused_by) {
      flight.refused_by = server;
      flight.refusal = std::make_unique<policy::Answer>(std::move(read_.answer));
    }
  }
  act(id, flight.attempt.on_result(server, result, loop_.now()));
}

void Flights::keep_cut(Flight& flight, std::size_t server, dns::BytesView packet) {
  const bool is_of_use =
      policy::read_answer(packet, flight.question, read_) && read_.answer.has_records();
  if (!is_of_use) return;
  const std::string& via = flight.group->servers[server]->name();
  flight.cut = std::make_unique<Held>(Held{std::move(read_.answer), via});
}

void Flights::act(uint64_t id, Attempt::Next next) {
  switch (next) {
    case Attempt::Next::Ask:
      ask(id, *flights_.find(id));
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

// Keeps the answer back if another one that is under way may change what it means.
bool Flights::hold(uint64_t id, const policy::Answer& answer, const std::string& via) {
  Flight& flight = *flights_.find(id);
  if (settings_.sibling_wait.count() == 0 || flight.sibling != policy::Existence::Unknown ||
      !policy::depends_on_sibling(answer, settings_.searching))
    return false;
  Flight* const sibling = flights_.find(find_sibling(flight));
  if (!sibling || sibling->held) return false;
  flight.held = std::make_unique<Held>(Held{answer, via});
  held_.push_back({loop_.now() + settings_.sibling_wait, id});
  arm();
  return true;
}

// 0: none is under way.
uint64_t Flights::find_sibling(const Flight& flight) const {
  const auto sibling = policy::sibling_of(flight.question);
  return sibling ? find_flight({&*sibling, sibling_hash(flight.hash)}) : 0;
}

// Tells the other family's question what this answer shows. Returns its flight if it has waited.
uint64_t Flights::tell_sibling(const Flight& flight, const policy::Answer& answer) {
  if (settings_.sibling_wait.count() == 0) return 0;
  const auto sibling = policy::sibling_of(flight.question);
  if (!sibling) return 0;
  const policy::Existence shown = policy::shown_by(answer);
  const Key key = {&*sibling, sibling_hash(flight.hash)};
  const uint64_t id = find_flight(key);
  if (id == 0) {
    if (shown != policy::Existence::Unknown) note_recent(key, shown);
    return 0;
  }
  Flight& other = *flights_.find(id);
  other.sibling = shown;
  return other.held ? id : 0;
}

void Flights::note_recent(const Key& sibling, policy::Existence shown) {
  if (recent_.empty()) recent_.resize(kRecent);
  recent_[sibling.hash % kRecent] = {sibling.hash, shown, loop_.now() + kRecentTime,
                                     *sibling.question};
}

policy::Existence Flights::recently_shown(const Key& key) const {
  if (recent_.empty()) return policy::Existence::Unknown;
  const Recent& recent = recent_[key.hash % kRecent];
  const bool is_known =
      recent.hash == key.hash && loop_.now() < recent.until && recent.question == *key.question;
  return is_known ? recent.shown : policy::Existence::Unknown;
}

void Flights::land_held(uint64_t id) {
  Flight* const flight = flights_.find(id);
  if (!flight || !flight->held) return;
  const Held held = std::move(*flight->held);
  land(id, held.answer, policy::Source::Upstream, held.via);
}

void Flights::land_failed(uint64_t id) {
  Flight& flight = *flights_.find(id);
  if (!flight.held) flight.held = std::move(flight.cut);
  if (flight.held) {
    land_held(id);
    return;
  }
  const policy::Source source = flight.was_heard ? policy::Source::Upstream : policy::Source::Error;
  if (flight.refusal) {
    const policy::Answer refusal = std::move(*flight.refusal);
    land(id, refusal, source, flight.group->servers[flight.refused_by]->name());
    return;
  }
  land(id, policy::Answer::failure(flight.question.question, dns::Rcode::ServFail), source, "");
}

void Flights::land(uint64_t id, const policy::Answer& answer, policy::Source source,
                   const std::string& via) {
  Flight& landing = *flights_.find(id);
  leave({&landing.question, landing.hash});
  Flight flight = std::move(landing);  // whoever is told may board again
  flights_.remove(id);
  drop_landed(silences_);
  drop_landed(held_);
  --flight.group->flights;
  const uint64_t sibling = tell_sibling(flight, answer);
  callbacks_.on_landing({flight.question, answer, source, via, flight.lookups, flight.sibling});
  if (spare_lists_.size() < kSpare && flight.lookups.capacity() <= kSpareLookups) {
    flight.lookups.clear();
    spare_lists_.push_back(std::move(flight.lookups));
  }
  land_held(sibling);
}

void Flights::drop_landed(std::deque<Due>& dues) {
  while (!dues.empty() && !flights_.find(dues.front().flight)) dues.pop_front();
}

void Flights::note_failure(Group& group, std::size_t server, const char* reason) {
  if (!group.set.on_failure(server, loop_.now())) return;
  ++group.counted[server]->penalties;
  const std::string& name = group.servers[server]->name();
  log_.write_limited(io::Level::Warning, "upstream " + name,
                     io::LogLine("upstream server failed, put behind the others")
                         .with("server", name)
                         .with("reason", reason),
                     loop_.now());
}

// The server keeps its place: it has not been asked.
void Flights::warn_of_resources() {
  log_.write_limited(io::Level::Warning, "resources",
                     "no descriptor or memory left for questions to upstream; raise the limit of "
                     "open files",
                     loop_.now());
}

void Flights::on_time() {
  const io::Milliseconds now = loop_.now();
  while (!silences_.empty() && silences_.front().at <= now) {
    const uint64_t id = silences_.front().flight;
    silences_.pop_front();
    on_silence(id);
  }
  while (!held_.empty() && held_.front().at <= now) {
    const uint64_t id = held_.front().flight;
    held_.pop_front();
    land_held(id);
  }
  while (!flights_.empty() && flights_.find(flights_.oldest())->deadline <= now)
    land_failed(flights_.oldest());
  if (std::erase_if(retired_, [](const auto& group) { return group->flights == 0; }) > 0)
    drop_unused_counters();
  arm();
}

void Flights::on_silence(uint64_t id) {
  Flight* const flight = flights_.find(id);
  const io::Milliseconds now = loop_.now();
  if (!flight || flight->held) return;
  if (!flight->is_silent && is_late(*flight)) {
    flight->is_silent = true;
    callbacks_.on_silence(flight->lookups);
  }
  const std::vector<std::size_t> silent = flight->attempt.silent(now);
  for (const std::size_t server : silent) {
    note_failure(*flight->group, server, "silent");
    tell(Exchange::What::Silent, *flight, server);
  }
  const bool is_unreachable =
      !flight->was_heard && silent.size() + flight->unreachable >= flight->group->set.size();
  if (now < flight->attempt.silent_at()) return;  // somebody was asked meanwhile
  const std::vector<uint64_t> lookups = is_unreachable ? flight->lookups : std::vector<uint64_t>();
  act(id, flight->attempt.on_silence(now));
  if (!lookups.empty()) callbacks_.on_unreachable(lookups);
}

void Flights::arm() {
  io::Milliseconds next = io::Milliseconds::max();
  if (!silences_.empty()) next = std::min(next, silences_.front().at);
  if (!held_.empty()) next = std::min(next, held_.front().at);
  if (!flights_.empty()) next = std::min(next, flights_.find(flights_.oldest())->deadline);
  if (next == io::Milliseconds::max()) return;
  if (timer_.is_active() && armed_for_ <= next) return;
  armed_for_ = next;
  timer_.start_once(std::max(io::Milliseconds(0), next - loop_.now()));
}

}  // namespace dnslet::app

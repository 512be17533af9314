// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/outstanding.h"

#include <algorithm>
#include <utility>

#include "policy/preference.h"

namespace dnslet::policy {

Outstanding::Outstanding(const OutstandingSettings& settings)
    : settings_(settings), questions_(settings.seed) {}

Outstanding::~Outstanding() = default;

void Outstanding::set_servers(ServerSetNumber set, const std::vector<ServerAddress>& servers) {
  servers_.assign(set, servers);
  drop_servers();
}

bool Outstanding::ask(uint64_t lookup, const Ask& ask_for, Milliseconds now) {
  now_ = now;
  if (!open_question(lookup, ask_for)) return false;
  if (ask_for.asking.asks_sibling) ask_preferred(ask_for);
  return true;
}

// The family that the question yields to. Where there is no room for it, it yields to nobody.
void Outstanding::ask_preferred(const Ask& ask_for) {
  auto other = preferred(ask_for.question);
  if (!other) return;
  Ask ask{*std::move(other), ask_for.servers, ask_for.asking};
  ask.asking.asks_sibling = false;
  (void)open_question(std::nullopt, ask);
}

// `lookup`: nullopt: nobody waits for it, and one that is open already will do.
bool Outstanding::open_question(std::optional<uint64_t> lookup, const Ask& ask_for) {
  const Milliseconds now = now_;
  const uint64_t hash = questions_.hash_of(ask_for.question);
  if (OpenQuestion* const known = questions_.find(ask_for.question, hash)) {
    known->yields = known->yields || ask_for.asking.asks_sibling;
    if (!lookup) return true;
    known->came_back = known->came_back || !known->lookups.empty();
    known->lookups.push_back(*lookup);
    return true;
  }
  const Servers::ListNumber list = servers_.list_of(ask_for.servers);
  if (questions_.size() >= settings_.max_open && !make_room(list)) return false;

  OpenQuestion& open = questions_.add(ask_for.question, hash);
  open.started = now;
  (void)due_after(settings_.timeout);
  open.retry = ask_for.asking.retry.value_or(settings_.retry);
  open.list = list;
  if (lookup) open.lookups.push_back(*lookup);
  open.yields = ask_for.asking.asks_sibling;
  const auto recent = recent_.find(open.question, hash, now);
  open.sibling = recent.existence;
  open.sibling_shown = recent.at;
  servers_.hold(list);
  queues_.add(list, open.number);
  open.race = ask_for.asking.race;
  if (!ask_shared(open, ask_for.asking)) begin(open);
  return true;
}

// Asks the servers.
void Outstanding::begin(OpenQuestion& open) {
  open.is_sharing = false;
  open.attempt.start(servers_.make_plan(open.list, now_, open.race), open.retry);
  Attempt::Next next = open.attempt.next(now_);
  for (; next == Attempt::Next::Ask; next = open.attempt.next(now_)) follow(open, next);
  follow(open, next);
}

// The set that has more than its share gives way to another one.
bool Outstanding::make_room(Servers::ListNumber list) {
  if (questions_.size() == 0) return false;
  const Servers::ListNumber busiest = queues_.busiest();
  if (queues_.open(busiest) <= queues_.open(list)) return false;
  finish_failed(*questions_.find(queues_.oldest(busiest)));
  return true;
}

void Outstanding::follow(OpenQuestion& open, Attempt::Next next) {
  switch (next) {
    case Attempt::Next::Ask: {
      const ServerNumber server = open.attempt.server();
      if (servers_.edns(server).asks_without(now_)) open.attempt.leave_out_edns(server);
      const auto edns =
          open.attempt.without_edns() ? dns::QueryEdns::WithoutEdns : dns::QueryEdns::WithEdns;
      send(open, {.server = server, .way = servers_.address(server).way, .edns = edns},
           open.was_asked ? Send::Purpose::Again : Send::Purpose::First);
      return;
    }
    case Attempt::Next::Lost:
      lose(open);
      return;
    case Attempt::Next::Wait:
    case Attempt::Next::Won:
      return;
  }
}

void Outstanding::send(OpenQuestion& open, Query query, Send::Purpose purpose) {
  query.question = open.number;
  query.next = open.sent;
  query.sent = now_;
  const uint64_t token = queries_.add(Query(query));
  open.sent = token;
  open.was_asked = true;
  actions_.emplace_back(Send{token, query.server, query.way, query.edns, purpose, &open.question});
  look_again(open);
  if (purpose == Send::Purpose::Continued) return;
  tell(query.edns == dns::QueryEdns::WithEdns ? Exchange::What::Asked
                                              : Exchange::What::AskedWithoutEdns,
       open, query.server);
}

void Outstanding::tell(Exchange::What what, const OpenQuestion& open, ServerNumber server,
                       dns::Rcode rcode) {
  if (watched_ == Watched::Yes)
    actions_.emplace_back(
        Exchange{what, &open.question, server, rcode, read_.answer.subnet_scope()});
}

// No server is left. What the other address family shows may still make something of it.
void Outstanding::lose(OpenQuestion& open) {
  if (open.cut || !may_depend_on_sibling(open)) {
    finish_failed(open);
    return;
  }
  wait_for_sibling(open);
}

// With what is there: an answer that waits, one that was cut, the code of the most preferred server
// that gave one.
void Outstanding::finish_failed(OpenQuestion& open) {
  if (!open.held) open.held = std::move(open.cut);
  if (!open.held) open.held = std::move(open.refusal);
  if (!open.held) {
    dns::ExtendedError error;
    if (!open.was_heard)
      error = open.was_silent ? dns::ExtendedError::no_reachable_authority()
                              : dns::ExtendedError::network_error();
    Answer failure = Answer::failure(open.question.question, dns::Rcode::ServFail, error);
    open.held = questions_.make_kept(failure, kNoServer);
  }
  finish_kept(open);
}

void Outstanding::finish_kept(OpenQuestion& open) {
  if (!open.held) {
    finish_failed(open);
    return;
  }
  finish(open, open.held->answer, open.held->via);
}

void Outstanding::finish(OpenQuestion& open, const Answer& answer, ServerNumber via) {
  forget_queries(open);
  const bool is_shared = via == kSharedCache;
  const Source source = is_shared        ? Source::Shared
                        : open.was_heard ? Source::Upstream
                                         : Source::Error;
  actions_.emplace_back(Finish{&open.question, &answer, source, is_shared ? kNoServer : via,
                               &open.lookups, open.sibling});
  queues_.remove(open.list, open.number, open.repeats);
  servers_.release(open.list);
  finished_.push_back(questions_.take(open));
  if (OpenQuestion* const sibling = tell_sibling(open, answer)) finish_kept(*sibling);
}

std::optional<Action> Outstanding::take() {
  if (telling_) questions_.recycle(std::move(telling_));
  if (next_action_ == actions_.size()) {
    actions_.clear();
    next_action_ = 0;
    finished_.clear();
    next_finished_ = 0;
    return std::nullopt;
  }
  const Action& action = actions_[next_action_++];
  if (std::holds_alternative<Finish>(action)) telling_ = std::move(finished_[next_finished_++]);
  return action;
}

}  // namespace dnslet::policy

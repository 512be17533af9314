// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of a Lookup that deals with the end of answers: one that is in use is asked for again
// before it ends; and one that has ended is better than none, when upstream fails (RFC 8767).
// Upstream was asked before, or is asked behind where such answers go out first, and its answer
// takes the place of the old one whenever it comes.

#include <utility>

#include "dns/patch.h"
#include "policy/lookup_steps.h"
#include "policy/storing.h"

namespace dnslet::policy {

// Whether upstream is to be asked again for what is found, and by nobody else.
bool Lookup::claims_refresh(const Turn& turn, const Found& found) const {
  const Tables& tables = turn.tables;
  const bool may_refresh = found.source == Source::Stale || tables.settings.refreshes;
  if (!may_refresh || !query_.has(dns::flag::kRd)) return false;
  const ClientQuestion question = (ended_step_ ? *ended_step_ : *this).asked(tables, found.scope);
  return tables.cache.claim_refresh(policy::key_of(question, found.scope), turn.now);
}

Lookup Lookup::make_refresh() const {
  if (ended_step_) return ended_step_->make_refresh();
  Lookup refresh(client_);
  refresh.client_.protocol = Protocol::Tcp;
  refresh.query_ = query_;
  refresh.is_refresh_ = true;
  refresh.route_ = route_;
  refresh.asking_ = asking_;
  if (aliases_) refresh.aliases_ = std::make_unique<Aliases>(*aliases_);
  return refresh;
}

Step Lookup::start_refresh(const Turn& turn, Scope scope) {
  refreshed_ = scope;
  if (scope == Scope::AsItStands) return ask_for(turn);
  std::vector<dns::Name> names = names_now(turn.tables);
  if (names.empty()) return Drop();  // kept by a worker that has not heard of the new rules yet
  return start_search(turn, std::move(names));
}

void Lookup::end_refresh(const Turn& turn) const {
  turn.tables.cache.end_refresh(policy::key_of(asked(turn.tables, refreshed_), refreshed_),
                                turn.now);
}

// A search keeps its answer under a scope of its own, but for a first name that had data.
std::optional<Found> Lookup::find_ended(const Turn& room) const {
  if (walk_) return std::nullopt;  // nobody has accepted it
  if (!search_) return answer_stale(room, current(), Scope::AsItStands, Ended::Any);
  const ClientQuestion question = asked(room.tables, Scope::Searched);
  if (is_asked(search_->names.front()) && room.tables.rules == nullptr) {
    ClientQuestion first = question;
    first.route = route_;
    auto found = answer_stale(room, first, Scope::AsItStands, Ended::Any);
    if (found && dns::has_records(dns::kind_by_header(found->message))) return found;
  }
  return answer_stale(room, question, Scope::Searched, Ended::Any);
}

std::optional<Reply> Lookup::on_silence(const Turn& turn) const {
  if (is_refresh_) return std::nullopt;
  if (const auto found = find_ended(room_in(turn))) return shape(turn, told(turn, *found));
  return std::nullopt;
}

Step Lookup::on_deadline(const Turn& turn) {
  return fail(turn, dns::ExtendedError::no_reachable_authority());
}

// The old answer or SERVFAIL, which is remembered.
Reply Lookup::fail(const Turn& turn, const dns::ExtendedError& error) {
  const Scope scope = search_ ? Scope::Searched : Scope::AsItStands;
  const dns::QuestionView question = asked(turn.tables, scope).question;
  const Answer failure = Answer::failure({dns::Name(question.name), question.type, question.qclass},
                                         dns::Rcode::ServFail, error);
  (void)store_answer(turn.tables, storing_under(turn, scope), failure);
  if (const auto reply = on_silence(turn)) return *reply;
  return shape(turn, told(turn, copy_of(room_in(turn), failure, Source::Error)));
}

Step Lookup::give_up(const Turn& turn) {
  if (const auto reply = on_silence(turn)) return *reply;
  const ClientQuestion question = asked(turn.tables, Scope::Searched);
  return shape(turn, *empty_answer(room_in(turn), question, dns::Rcode::ServFail, Source::Error));
}

}  // namespace dnslet::policy

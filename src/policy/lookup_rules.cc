// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of a Lookup that follows the rules for one name: from a rule whose servers said what it
// does not accept to the next one, and from an alias to the name that it stands for.

#include <utility>

#include "dns/requalify.h"
#include "policy/lookup_steps.h"

namespace dnslet::policy {

Decision Lookup::decide_now(const Turn& turn, RuleWalk& walk) {
  walk.counted = is_refresh_ ? nullptr : &counted_;
  return decide(turn, current(), &walk);
}

// Ends: each turn comes behind another rule, or to the next of a few names.
Lookup::Settled Lookup::settle(const Turn& here, Decision decision, RuleWalk walk) {
  for (;; decision = decide_now(here, walk)) {
    if (decision.is_dropped) return {.is_dropped = true};
    if (decision.answer) return {decision.answer};
    if (decision.alias_for) {
      if (!begin_alias(decision))
        return {empty_answer(here, current(), dns::Rcode::ServFail, Source::Error)};
      walk = RuleWalk();
      continue;
    }
    route_ = decision.route;
    asking_ = decision.asking;
    MaybeFound found = answer_cached(here, current(), Scope::AsItStands);
    if (found && found->is_ending && is_refresh_) found.reset();
    if (!walk.judge) return {found};
    const bool is_askable = !search_ || !search_->is_unreachable(current_servers(here.tables));
    if (!found && is_askable) {
      walk_ = std::make_unique<RuleWalk>(walk);
      walk_->counted = nullptr;
      return {};
    }
    walk.has_failed = walk.has_failed || !found;
    if (found && judge(here.tables, current(), walk, found->message)) {
      if (!leaves_out(route_.filter, query_.question.type)) return {found};
      return {empty_answer(here, current(), dns::Rcode::NoError, Source::Rule)};
    }
    walk.judge.reset();
  }
}

// The same for the client's own name, as it stands.
Step Lookup::follow(const Turn& turn, const Decision& decision, const RuleWalk& walk) {
  const Settled settled = settle(in_scratch(turn), decision, walk);
  if (settled.is_dropped) return Drop{true};
  if (settled.found) return shape(turn, told(turn, *settled.found));
  return forward(turn, room_in(turn));
}

// Whether the rule that chose the servers accepts what they said. Rules that have been replaced
// meanwhile accept nothing.
bool Lookup::is_accepted(const Turn& turn, const Answer& answer) {
  const RuleSet* const rules = turn.tables.rules;
  return rules != nullptr && rules->generation() == walk_->generation &&
         judge(turn.tables, current(), *walk_, answer.message());
}

// Goes on behind the rule that did not hold; from the first one, where others are in force now.
Step Lookup::next_rule(const Turn& turn, bool has_failed) {
  RuleWalk walk = *std::exchange(walk_, nullptr);
  const RuleSet* const rules = turn.tables.rules;
  if (rules == nullptr || rules->generation() != walk.generation) {
    walk = RuleWalk();
  } else {
    walk.judge.reset();
    walk.has_failed = walk.has_failed || has_failed;
  }
  const Turn here = in_scratch(turn);
  const Decision decision = decide_now(here, walk);
  if (!search_) return follow(turn, decision, walk);
  if (auto step = take_settled(turn, settle(here, decision, walk))) return *std::move(step);
  return next_name(turn);
}

// The rule holds, and leaves the type out.
Step Lookup::take_empty(const Turn& turn) {
  const Turn here = in_scratch(turn);
  const auto found = empty_answer(here, current(), dns::Rcode::NoError, Source::Rule);
  if (!search_) return shape(turn, told(turn, *found));
  take_found(turn, *found);
  return next_name(turn);
}

// False: too many aliases, one behind the other.
bool Lookup::begin_alias(const Decision& decision) {
  constexpr std::size_t kMostAliases = 8;
  if (!aliases_) aliases_ = std::make_unique<Aliases>();
  if (aliases_->size() == kMostAliases) return false;
  aliases_->push_back({dns::Name(*decision.alias_for), decision.alias_ttl});
  return true;
}

// The answer for the name looked up, as one for the name that it is an alias for in the end.
Answer Lookup::under_aliases(const Answer& answer) const {
  if (!aliases_) return answer;
  Answer told = answer;
  for (std::size_t i = aliases_->size(); i > 0; --i) {
    dns::Question question = query_.question;
    if (i > 1)
      question.name = (*aliases_)[i - 2].target;
    else if (search_)
      question.name = search_->tried();
    const auto found = dns::Message::parse(told.message());
    const bool has_failed = !found || told.kind() == dns::AnswerKind::Failure;
    told = has_failed
               ? Answer::failure(question, told.rcode(), told.error())
               : Answer(dns::put_alias(*found, question, (*aliases_)[i - 1].ttl), told.error());
  }
  return told;
}

// The same for the client, where no search goes on. What is told may lie in Tables::scratch.
Found Lookup::told(const Turn& turn, const Found& found) const {
  if (!aliases_ || search_) return found;
  const Answer answer =
      under_aliases(Answer(dns::Bytes(found.message.begin(), found.message.end())));
  Found told = copy_of(room_in(turn), answer, found.source);
  told.authority = found.authority;
  told.error = found.error;
  told.turn = found.turn;
  told.scope = found.scope;
  told.wants_refresh = found.wants_refresh;
  return told;
}

}  // namespace dnslet::policy

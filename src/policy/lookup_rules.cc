// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of a Lookup that follows the rules for one name: from a rule whose servers said what it
// does not accept to the next one, and from an alias to the name that it stands for.

#include <utility>

#include "dns/requalify.h"
#include "policy/decide.h"
#include "policy/lookup_steps.h"
#include "policy/preference.h"

namespace dnslet::policy {

Decision Lookup::decide_now(const Turn& turn, RuleWalk& walk) {
  walk.counted = is_refresh_ ? nullptr : &counted_;
  return decide(turn, current(), &walk);
}

// Ends: each turn comes behind another rule, or to the next of a few names.
Lookup::Settled Lookup::settle(const Turn& here, Decision decision, RuleWalk walk) {
  for (;; decision = decide_now(here, walk)) {
    choose_sets(walk);
    if (decision.is_dropped) return {.is_dropped = true};
    if (decision.answer) return {decision.answer};
    if (decision.alias_for) {
      if (sets_) sets_->of_aliases = sets_->sets.size();
      if (!begin_alias(decision))
        return {empty_answer(here, current(), dns::Rcode::ServFail, Source::Error)};
      walk = RuleWalk();
      continue;
    }
    route_ = decision.route;
    asking_ = decision.asking;
    is_of_several_ = is_of_several_ || walk.judge;
    const MaybeFound found = find_known(here, walk);
    if (!walk.judge) return {found};
    const bool is_askable = !search_ || !search_->is_unreachable(current_servers(here.tables));
    if (!found && is_askable) {
      walk_ = std::make_unique<RuleWalk>(walk);
      walk_->counted = nullptr;
      look_ahead(here, *walk_);
      return {};
    }
    walk.has_failed = walk.has_failed || !found;
    if (found)
      if (const MaybeFound accepted = take_judged(here, walk, *found)) return {accepted};
    walk.judge.reset();
  }
}

// The sets of the rules that have decided now, in place of those of a rule that did not hold.
void Lookup::choose_sets(const RuleWalk& walk) {
  const RuleOptions& options = walk.options;
  if (!has_address_sets()) return;
  if (!sets_ && options.nft_sets == nullptr && options.ip_sets == nullptr) return;
  if (!sets_) sets_ = std::make_unique<ChosenSets>();
  AddressSets& sets = sets_->sets;
  sets.resize(sets_->of_aliases);
  for (const AddressSets* const more : {options.nft_sets, options.ip_sets})
    if (more != nullptr) sets.insert(sets.end(), more->begin(), more->end());
  if (sets.empty()) sets_.reset();
}

// What the cache has, or the servers that were asked ahead have said. Where a rule is to judge it
// no preference has been put in its place, and what has ended has to be accepted: else the servers
// have a new answer.
MaybeFound Lookup::find_known(const Turn& here, const RuleWalk& walk) const {
  const auto find = walk.judge ? answer_kept : answer_cached;
  MaybeFound found = find(here, current(), Scope::AsItStands);
  const bool is_unknown =
      walk.judge && preference(here.tables, current(), here.now) == Preference::Unknown;
  const bool is_old = found && found->is_ending &&
                      (is_refresh_ || (walk.judge && found->source == Source::Stale &&
                                       is_rejected(here, walk, *found)));
  if (is_old || is_unknown) found.reset();
  if (found) return found;
  found = answer_ahead(here);
  if (!found || walk.judge || !has_to_yield(here, *ahead_->answer, ahead_->sibling)) return found;
  return empty_answer(here, current(), dns::Rcode::NoError, Source::Rule);
}

// Whether the rule would not hold for this answer. Nobody is told. REQUIRES: walk.judge.
bool Lookup::is_rejected(const Turn& here, RuleWalk walk, const Found& found) const {
  Tables quiet = here.tables;
  quiet.on_rule = nullptr;
  return judge(quiet, current(), walk, found.message) == Verdict::Rejected;
}

// What the rule makes of an answer that is there; nothing: it does not hold. REQUIRES: walk.judge.
MaybeFound Lookup::take_judged(const Turn& here, RuleWalk& walk, const Found& found) const {
  const Rule& rule = (*here.tables.rules)[*walk.judge];
  const Verdict verdict = judge(here.tables, current(), walk, found.message);
  if (verdict == Verdict::Rejected) return std::nullopt;
  if (leaves_out(route_.filter, query_.question.type) ||
      preference(here.tables, current(), here.now) == Preference::Yields)
    return empty_answer(here, current(), dns::Rcode::NoError, Source::Rule);
  if (verdict == Verdict::Accepted) return found;
  const Answer answer = swapped(current().question, found.message, rule.swap);
  MaybeFound told = copy_of(here, answer, found.source);
  told->left = found.left;
  told->error = found.error;
  told->wants_refresh = found.wants_refresh;
  return told;
}

// What the rules would ask if the one that judges did not hold. Nobody is told of it yet, and it
// counts for no limit.
void Lookup::look_ahead(const Turn& here, const RuleWalk& walk) {
  ahead_.reset();
  if (!(*here.tables.rules)[*walk.judge].asks_ahead) return;
  RuleWalk next = walk;
  next.judge.reset();
  Tables quiet = here.tables;
  quiet.on_rule = nullptr;
  const Turn turn{quiet, here.now, here.out};
  ClientQuestion question = current();
  const Decision decision = decide(turn, question, &next);
  if (decision.answer || decision.is_dropped || decision.alias_for) return;
  question.route = decision.route;
  const Ask ask = ask_by(turn, decision.route, decision.asking);
  const bool is_known = waits_for(ask.question) || is_left_to_any(quiet, question) ||
                        answer_kept(turn, question, Scope::AsItStands);
  if (is_known || (search_ && search_->is_unreachable(ask.servers))) return;
  ahead_ = std::make_unique<Ahead>(Ahead{ask});
}

std::optional<Ask> Lookup::take_ahead() {
  if (!ahead_ || std::exchange(ahead_->is_taken, true)) return std::nullopt;
  return ahead_->ask;
}

void Lookup::keep_ahead(const UpstreamQuestion& question, const Landed& landed) {
  const bool is_wanted = ahead_ && ahead_->ask.question == question;
  if (!is_wanted || landed.answer.kind() == dns::AnswerKind::Failure) return;
  ahead_->answer = landed.answer;
  ahead_->sibling = landed.sibling;
}

MaybeFound Lookup::answer_ahead(const Turn& here) const {
  if (!ahead_ || !ahead_->answer || !waits_for(ahead_->ask.question)) return std::nullopt;
  return copy_of(here, *ahead_->answer, Source::Upstream);
}

// The same for the client's own name, as it stands.
Step Lookup::follow(const Turn& turn, const Decision& decision, const RuleWalk& walk) {
  const Settled settled = settle(in_scratch(turn), decision, walk);
  if (settled.is_dropped) return Drop{true};
  if (settled.found) return shape(turn, told(turn, *settled.found));
  return forward(turn, room_in(turn));
}

// The rule whose servers are asked and that is to judge what they say; null: there is none, or the
// rules have been replaced meanwhile, and nothing holds.
const Rule* Lookup::judging_rule(const Tables& tables) const {
  const RuleSet* const rules = tables.rules;
  if (!walk_ || rules == nullptr || rules->generation() != walk_->generation) return nullptr;
  return &(*rules)[*walk_->judge];
}

// What the servers have said, as the rule that chose them judges it. REQUIRES: walk_.
Step Lookup::take_judged(const Turn& turn, const Landed& landed) {
  const bool has_failed = landed.answer.kind() == dns::AnswerKind::Failure;
  const Rule* const rule = judging_rule(turn.tables);
  if (rule == nullptr) return next_rule(turn, has_failed);
  const Verdict verdict = judge(turn.tables, current(), *walk_, landed.answer.message());
  if (verdict == Verdict::Rejected) return next_rule(turn, has_failed);
  walk_.reset();
  if (leaves_out(route_.filter, query_.question.type)) return take_empty(turn);
  if (verdict == Verdict::Accepted || has_to_yield(turn, landed.answer, landed.sibling))
    return take_landed(turn, landed);
  const Answer answer = swapped(current().question, landed.answer.message(), rule->swap);
  if (!search_) return shape(turn, told(turn, copy_of(room_in(turn), answer, landed.source)));
  take_step(turn, {under_aliases(answer), landed.source, landed.sibling});
  return next_name(turn);
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

// The rule leaves the type out, or the name has addresses of the family that it prefers.
Step Lookup::take_empty(const Turn& turn) {
  const Turn here = in_scratch(turn);
  const auto found = empty_answer(here, current(), dns::Rcode::NoError, Source::Rule);
  if (!search_) return shape(turn, told(turn, *found));
  take_found(turn, *found);
  if (yields(route_.yielding, query_.question.type)) search_->verdict.end_with_no_data();
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
  told.subnet_scope = found.subnet_scope;
  told.wants_refresh = found.wants_refresh;
  return told;
}

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of a Lookup that walks through a search list. States, one after the other:
//   here      the next name in static records, special names and the cache
//   upstream  Ask: the driver brings on_answer(), or an end: on_silence(), on_deadline(), give_up()
//   end       the verdict's answer under the name asked, kept for the next one who asks

#include <algorithm>
#include <span>
#include <utility>

#include "dns/requalify.h"
#include "policy/decide.h"
#include "policy/family.h"
#include "policy/lookup_steps.h"
#include "policy/own_names.h"
#include "policy/storing.h"

namespace dnslet::policy {
Lookup::Lookup(const Client& client) : client_(client) {}
Lookup::~Lookup() = default;
Lookup::Lookup(Lookup&& other) noexcept = default;
Lookup& Lookup::operator=(Lookup&& other) noexcept = default;

Step Lookup::start_search(const Turn& turn, std::vector<dns::Name> names) {
  is_of_several_ = true;
  search_ = std::make_unique<Search>();
  search_->names = std::move(names);
  search_->generation = turn.tables.generation;
  return next_name(turn);
}

Step Lookup::next_name(const Turn& turn) {
  const Tables& tables = turn.tables;
  const Turn here = in_scratch(turn);
  Search& search = *search_;
  while (!search.verdict.is_over() && search.next < search.names.size()) {
    ++search.next;
    aliases_.reset();
    sets_.reset();
    walk_.reset();
    ahead_.reset();
    RuleWalk walk;
    const Decision decision = decide_now(here, walk);
    if (auto step = take_settled(turn, settle(here, decision, walk))) return *std::move(step);
  }
  aliases_.reset();
  if (!search.verdict.is_over()) {
    sets_.reset();
    const ClientQuestion question = asked(tables, Scope::Searched);
    if (const auto found = answer_any(room_in(turn), question)) return shape(turn, *found);
  }
  return end_search(turn);
}

// What has come of the name tried. A step: there is something to wait for, or it ends all.
std::optional<Step> Lookup::take_settled(const Turn& turn, const Settled& settled) {
  if (settled.is_dropped) return Drop{true};
  if (settled.found) {
    take_found(turn, *settled.found);
    return std::nullopt;
  }
  if (is_left_to_any(turn.tables, current())) return std::nullopt;
  if (!search_->is_unreachable(current_servers(turn.tables))) return ask_for(turn);
  pass_over(turn);
  return std::nullopt;
}

// `*` has such a name if nothing else does: in a search the name asked, when all others are tried.
bool Lookup::is_left_to_any(const Tables& tables, const ClientQuestion& question) {
  return dns::is_address_type(question.question.type) &&
         question.route.servers == kDefaultServers &&
         any_table_of(tables, question.question.name) != nullptr;
}

// The name just tried has no server that can be reached.
void Lookup::pass_over(const Turn& turn) {
  if (take_stale(turn)) return;
  dns::Question question = query_.question;
  question.name = search_->tried();
  take_step(turn, {Answer::failure(question, dns::Rcode::ServFail), Source::Error});
}

std::optional<Step> Lookup::on_unreachable(const Turn& turn) {
  if (search_) search_->unreachable.push_back(current_servers(turn.tables));
  const Rule* const rule = judging_rule(turn.tables);
  if (walk_ && (rule == nullptr || rule->swap.empty())) return next_rule(turn, true);
  if (!search_) return std::nullopt;
  if (!goes_on_elsewhere(turn.tables)) {
    search_->unreachable.pop_back();
    return std::nullopt;
  }
  pass_over(turn);
  return next_name(turn);
}

// Whether others than servers that can't be reached may have a name that is left, or `*` has it.
bool Lookup::goes_on_elsewhere(const Tables& tables) const {
  const Search& search = *search_;
  ClientQuestion question = asked(tables, Scope::Searched);
  return is_left_to_any(tables, question) ||
         std::ranges::any_of(std::span(search.names).subspan(search.next),
                             [&](const dns::Name& name) {
                               question.question.name = name;
                               const auto servers = servers_for(tables, question);
                               return !servers || !search.is_unreachable(*servers);
                             });
}

bool Lookup::waits_for(const UpstreamQuestion& question) const {
  return question.question.name == current_name() && question.route == route_;
}

// The answer that the name tried had, in place of upstream's failure.
bool Lookup::take_stale(const Turn& turn) {
  const Turn here = in_scratch(turn);
  const auto found = answer_stale(here, current(), Scope::AsItStands, Ended::Any);
  if (found) take_found(turn, *found);
  return found.has_value();
}

void Lookup::take_found(const Turn& turn, const Found& found) {
  if (found.wants_refresh && found.source == Source::Stale && !ended_step_) {
    ended_step_ = std::make_unique<Lookup>(make_refresh());
    ended_step_->query_.question.name = search_->tried();
  }
  const Answer answer(dns::Bytes(found.message.begin(), found.message.end()),
                      found.error ? *found.error : dns::ExtendedError());
  // An owner of addresses that has none of this family has some of the other.
  const bool is_owner = found.source == Source::Address || found.source == Source::Hosts ||
                        found.source == Source::Record || found.source == Source::Fake;
  take_step(
      turn,
      {under_aliases(answer), found.source, is_owner ? Existence::HasRecords : Existence::Unknown},
      found.left);
}

// `left`: of the answer's life, where the cache had it.
void Lookup::take_step(const Turn& turn, const Landed& landed, std::chrono::seconds left) {
  const Tables& tables = turn.tables;
  const Answer& answer = landed.answer;
  const Source source = landed.source;
  Search& search = *search_;
  const bool is_as_it_stands = is_asked(search.tried());
  const StepOutcome outcome =
      source == Source::Error ? StepOutcome::NoServer : outcome_of(answer.kind());
  search.verdict.report(
      outcome, is_as_it_stands ? SearchVerdict::Name::AsItStands : SearchVerdict::Name::Qualified);
  const bool is_static = !is_of_servers(source);
  if (source != Source::Cache && search.source != Source::Stale)
    search.source = source == Source::Error ? Source::Upstream : source;
  if (source == Source::Stale) search.is_keepable = false;
  if (is_static) search.is_keepable = search.is_keepable && outcome != StepOutcome::Data;
  const bool is_of_rule = aliases_ || route_.has_ttl() || route_.keeping == Keeping::NotKept;
  if (is_of_rule) search.is_keepable = false;  // it has a time of its own
  search.is_alias = aliases_ != nullptr;

  const auto kept = time_to_keep(answer, tables.settings.ttls);
  search.lifetime =
      std::min({search.lifetime, is_static ? std::chrono::seconds(kStaticTtl) : kept, left});
  if (outcome == StepOutcome::Data) search.data_left = std::min(left, answer.lifetime());
  if (is_as_it_stands) search.as_it_stands = answer;
  std::optional<Answer>& place = search.first_of(outcome);
  if (!place) place = answer;

  // Both families come from the same name, as they do for a client that searches itself; so do the
  // other types of a name of ours.
  if (outcome == StepOutcome::NoData &&
      (other_family_has_records(turn, landed) || is_found_by_address(tables))) {
    place = answer;
    search.verdict.end_with_no_data();
  }
  if (outcome == StepOutcome::NoServer && !goes_on_elsewhere(tables))
    search.verdict.end_without_server();
  if (tables.on_tried)
    (*tables.on_tried)({search.tried(), answer, source, search.verdict.is_over()});
}

// The name just tried has a record of ours, and another type is asked for.
bool Lookup::is_found_by_address(const Tables& tables) const {
  return !dns::is_address_type(query_.question.type) && has_entry(tables, search_->tried());
}

bool Lookup::other_family_has_records(const Turn& turn, const Landed& landed) const {
  const Tables& tables = turn.tables;
  const auto sibling = sibling_of(key_of(current(), Scope::AsItStands));
  if (!tables.settings.families_agree || !sibling) return false;
  return landed.sibling >= Existence::HasRecords ||
         shown_by_cache(tables, *sibling, turn.now) >= Existence::HasRecords;
}

// The names that a search tries by the rules of now. A name of ours has been found.
std::vector<dns::Name> Lookup::names_now(const Tables& tables) const {
  const dns::Name& asked = query_.question.name;
  std::vector<dns::Name> names =
      names_to_try(query_.question, tables.settings.search, in_stub_zone(tables.zones, asked));
  if (has_entry(tables, asked))
    std::erase_if(names, [&](const dns::Name& name) { return name != asked; });
  return names;
}

// Tells the verdict under the name asked.
Step Lookup::end_search(const Turn& turn) {
  const Tables& tables = turn.tables;
  const std::unique_ptr<Search> search = std::move(search_);
  const StepOutcome outcome = search->verdict.result();
  const bool is_own = search->as_it_stands && outcome != StepOutcome::Data &&
                      outcome != StepOutcome::NoData && outcome != StepOutcome::NoServer;
  const std::optional<Answer>& chosen = is_own ? search->as_it_stands : search->first_of(outcome);
  const auto found = dns::Message::parse(chosen->message());
  if (!found) return give_up(turn);

  const bool is_positive = outcome == StepOutcome::Data;
  const bool is_failure = outcome == StepOutcome::Failure || outcome == StepOutcome::NoServer;
  const auto limit =
      is_positive || is_failure ? std::chrono::seconds(UINT32_MAX) : search->lifetime;
  Answer answer = *chosen;
  if (found->question() != query_.question || !is_positive)
    answer = Answer(dns::requalify(*found, query_.question, static_cast<uint32_t>(limit.count())),
                    chosen->error());
  // The first name's own answer is in the cache already, where every search begins.
  const bool is_known =
      is_positive && search->next == 1 && found->question() == query_.question && !search->is_alias;
  // What was decided by tables that have been replaced meanwhile is for this client alone.
  const bool is_current =
      search->generation == tables.generation && search->names == names_now(tables);
  const bool is_keepable = search->is_keepable && !is_known && is_current;
  if (is_keepable) {
    Storing storing = storing_under(turn, Scope::Searched);
    storing.most = search->data_left;
    if (auto amended = store_answer(tables, storing, answer)) answer = std::move(*amended);
  }

  const Source source = outcome == StepOutcome::NoServer ? Source::Error : search->source;
  const Scope scope = is_known ? Scope::AsItStands : Scope::Searched;
  return finish_landed(turn, {answer, source}, scope);
}

}  // namespace dnslet::policy

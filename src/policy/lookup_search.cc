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
#include "policy/family.h"
#include "policy/lookup_steps.h"
#include "policy/own_names.h"
#include "policy/storing.h"

namespace dnslet::policy {
namespace {

Answer copy_of(const CacheHit& hit) {
  return Answer(dns::Bytes(hit.message.begin(), hit.message.end()), hit.error);
}

}  // namespace

Lookup::Lookup(const Client& client) : client_(client) {}
Lookup::~Lookup() = default;
Lookup::Lookup(Lookup&& other) noexcept = default;
Lookup& Lookup::operator=(Lookup&& other) noexcept = default;

Step Lookup::start_search(const Tables& tables, std::vector<dns::Name> names, Milliseconds now,
                          dns::MutableBytesView out) {
  search_ = std::make_unique<Search>();
  search_->names = std::move(names);
  return next_name(tables, now, out);
}

Step Lookup::next_name(const Tables& tables, Milliseconds now, dns::MutableBytesView out) {
  Search& search = *search_;
  while (!search.verdict.is_over() && search.next < search.names.size()) {
    dns::Question question = query_.question;
    question.name = search.names[search.next++];
    if (search.is_unreachable(tables.zones.find(question.name)))
      pass_over(tables, now);
    else if (!look_here(tables, question, now) && !is_left_to_any(tables, question))
      return ask_for(tables, question);
  }
  if (!search.verdict.is_over())
    if (const auto reply = answer_any(tables, out)) return *reply;
  return end_search(tables, now, out);
}

// `*` has such a name if nothing else does: in a search the name asked, when all others are tried.
bool Lookup::is_left_to_any(const Tables& tables, const dns::Question& question) const {
  return dns::is_address_type(question.type) && any_table_of(tables, question.name) != nullptr;
}

// The name just tried has no server that can be reached.
void Lookup::pass_over(const Tables& tables, Milliseconds now) {
  dns::Question question = query_.question;
  question.name = search_->tried();
  if (take_stale(tables, question, now, Ended::Any)) return;
  take_step(tables, {Answer::failure(question, dns::Rcode::ServFail), Source::Error}, now);
}

std::optional<Step> Lookup::on_unreachable(const Tables& tables, Milliseconds now,
                                           dns::MutableBytesView out) {
  if (!search_) return std::nullopt;
  Search& search = *search_;
  const ServerSetNumber set = tables.zones.find(search.tried());
  search.unreachable.push_back(set);
  if (!goes_on_elsewhere(tables)) {
    search.unreachable.pop_back();
    return std::nullopt;
  }
  pass_over(tables, now);
  return next_name(tables, now, out);
}

// Whether others than servers that can't be reached may have a name that is left, or `*` has it.
bool Lookup::goes_on_elsewhere(const Tables& tables) const {
  const Search& search = *search_;
  return is_left_to_any(tables, query_.question) ||
         std::ranges::any_of(std::span(search.names).subspan(search.next),
                             [&](const dns::Name& name) {
                               return !search.is_unreachable(tables.zones.find(name));
                             });
}

bool Lookup::waits_for(const UpstreamQuestion& question) const {
  return question.question.name == (search_ ? search_->tried() : query_.question.name);
}

// The rungs that need nobody else. True: one of them had the answer, and it has been taken.
bool Lookup::look_here(const Tables& tables, const dns::Question& question, Milliseconds now) {
  Lookup step({client_.address, Transport::Tcp});  // the answer is cut when all is known
  step.query_ = query_;
  step.query_.question = question;
  step.query_.spelling = dns::Spelling(question.name.view().wire());
  step.query_.edns.reset();

  MaybeReply reply = step.answer_static(tables, tables.scratch);
  if (!reply) reply = step.answer_special(tables, tables.scratch);
  if (reply) {
    const dns::BytesView message = tables.scratch.first(reply->size);
    const Answer answer(dns::Bytes(message.begin(), message.end()));
    // An owner of addresses that has none of this family has some of the other.
    const bool has_records = reply->source == Source::Address || reply->source == Source::Hosts;
    take_step(tables,
              {answer, reply->source, has_records ? Existence::HasRecords : Existence::Unknown},
              now);
    return true;
  }
  const CacheKey key = key_of(question, Scope::AsItStands);
  auto hit = tables.cache.find(key, now, tables.scratch, {});
  if (hit && is_refresh_ && hit->is_ending) return false;
  if (!hit) {
    const bool has_failed = tables.failures.find(key, now, tables.scratch, {}).has_value();
    if (take_stale(tables, question, now, has_failed ? Ended::Any : Ended::JustTried)) return true;
    hit = tables.failures.find(key, now, tables.scratch, {});
  }
  if (!hit) return false;
  take_step(tables, {copy_of(*hit), Source::Cache}, now, hit->left);
  return true;
}

// The answer that this name had, in place of upstream's failure.
bool Lookup::take_stale(const Tables& tables, const dns::Question& question, Milliseconds now,
                        Ended which) {
  const CacheKey key = key_of(question, Scope::AsItStands);
  const auto hit = tables.cache.find_stale(key, now, {tables.scratch, {}}, which);
  if (hit) take_step(tables, {copy_of(*hit), Source::Stale}, now);
  return hit.has_value();
}

// `left`: of the answer's life, where the cache had it.
void Lookup::take_step(const Tables& tables, const Landed& landed, Milliseconds now,
                       std::chrono::seconds left) {
  const Answer& answer = landed.answer;
  const Source source = landed.source;
  Search& search = *search_;
  const bool is_as_it_stands = is_asked(search.tried());
  const StepOutcome outcome =
      source == Source::Error ? StepOutcome::NoServer : outcome_of(answer.kind());
  search.verdict.report(
      outcome, is_as_it_stands ? SearchVerdict::Name::AsItStands : SearchVerdict::Name::Qualified);
  const bool is_static =
      source != Source::Cache && source != Source::Upstream && source != Source::Stale;
  if (source != Source::Cache && search.source != Source::Stale)
    search.source = source == Source::Error ? Source::Upstream : source;
  if (source == Source::Stale) search.is_keepable = false;
  if (is_static) search.is_keepable = search.is_keepable && outcome != StepOutcome::Data;

  const auto kept = time_to_keep(answer, tables.settings.ttls);
  search.lifetime =
      std::min({search.lifetime, is_static ? std::chrono::seconds(kStaticTtl) : kept, left});
  if (outcome == StepOutcome::Data) search.data_left = left;
  if (is_as_it_stands) search.as_it_stands = answer;
  std::optional<Answer>& place = search.first_of(outcome);
  if (!place) place = answer;

  // Both families come from the same name, as they do for a client that searches itself; so do the
  // other types of a name of ours.
  if (outcome == StepOutcome::NoData &&
      (other_family_has_records(tables, landed, now) || is_found_by_address(tables))) {
    place = answer;
    search.verdict.end_with_no_data();
  }
  if (outcome == StepOutcome::NoServer && !goes_on_elsewhere(tables))
    search.verdict.end_without_server();
  if (tables.on_tried)
    (*tables.on_tried)({search.tried(), answer, source, search.verdict.is_over()});
}

// The name just tried has an address of ours, and another type is asked for.
bool Lookup::is_found_by_address(const Tables& tables) const {
  return !dns::is_address_type(query_.question.type) &&
         table_of(tables, search_->tried()) != nullptr;
}

bool Lookup::other_family_has_records(const Tables& tables, const Landed& landed,
                                      Milliseconds now) const {
  UpstreamQuestion tried = ask_for(tables, query_.question).question;
  tried.question.name = search_->tried();
  const auto sibling = sibling_of(tried);
  if (!tables.settings.families_agree || !sibling) return false;
  return landed.sibling == Existence::HasRecords ||
         tables.cache.existence(policy::key_of(*sibling), now) == Existence::HasRecords;
}

// The names that a search tries by the rules of now. A name of ours has been found.
std::vector<dns::Name> Lookup::names_now(const Tables& tables) const {
  const dns::Name& asked = query_.question.name;
  std::vector<dns::Name> names =
      names_to_try(query_.question, tables.settings.search, in_stub_zone(tables.zones, asked));
  if (table_of(tables, asked) != nullptr)
    std::erase_if(names, [&](const dns::Name& name) { return name != asked; });
  return names;
}

// Tells the verdict under the name asked.
Step Lookup::end_search(const Tables& tables, Milliseconds now, dns::MutableBytesView out) {
  const std::unique_ptr<Search> search = std::move(search_);
  const StepOutcome outcome = search->verdict.result();
  const bool is_own = search->as_it_stands && outcome != StepOutcome::Data &&
                      outcome != StepOutcome::NoData && outcome != StepOutcome::NoServer;
  const std::optional<Answer>& chosen = is_own ? search->as_it_stands : search->first_of(outcome);
  const auto found = dns::Message::parse(chosen->message());
  if (!found) return give_up(tables, now, out);

  const bool is_positive = outcome == StepOutcome::Data;
  const bool is_failure = outcome == StepOutcome::Failure || outcome == StepOutcome::NoServer;
  const auto limit =
      is_positive || is_failure ? std::chrono::seconds(UINT32_MAX) : search->lifetime;
  Answer answer = *chosen;
  if (found->question() != query_.question || !is_positive)
    answer = Answer(dns::requalify(*found, query_.question, static_cast<uint32_t>(limit.count())),
                    chosen->error());
  // The first name's own answer is in the cache already, where every search begins.
  const bool is_known = is_positive && search->next == 1 && found->question() == query_.question;
  const bool is_keepable = search->is_keepable && !is_known && search->names == names_now(tables);
  if (is_keepable) {
    Storing storing = storing_under(Scope::Searched, now);
    storing.most = search->data_left;
    if (auto amended = store_answer(tables, storing, answer)) answer = std::move(*amended);
  }

  const Source source = outcome == StepOutcome::NoServer ? Source::Error : search->source;
  const Scope scope = is_known ? Scope::AsItStands : Scope::Searched;
  return finish_landed(tables, {answer, source}, {scope, now}, out);
}

}  // namespace dnslet::policy

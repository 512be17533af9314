// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of a Lookup that walks through a search list. States, one after the other:
//   here      the next name in static records, special names and the cache
//   upstream  Ask: the driver brings on_answer() or give_up()
//   end       the verdict's answer under the name asked, kept for the next one who asks

#include <algorithm>
#include <utility>

#include "dns/patch.h"
#include "dns/requalify.h"
#include "policy/lookup.h"

namespace dnslet::policy {
namespace {

constexpr std::chrono::seconds kFailureTime{1};

}  // namespace

struct Lookup::Search {
  std::vector<dns::Name> names;
  std::size_t next = 0;   // in names
  std::size_t asked = 0;  // questions that went upstream
  SearchVerdict verdict;
  Source source = Source::Cache;  // the furthest any step had to go
  bool is_keepable = true;        // no step's answer came from static records
  std::chrono::seconds lifetime = std::chrono::seconds::max();  // the shortest of the steps
  // The first answer of each outcome, and that of the name as it stands.
  std::optional<Answer> data, no_data, no_name, failure, as_it_stands;

  std::optional<Answer>& first_of(StepOutcome outcome) {
    std::optional<Answer>* const places[] = {&data, &no_data, &no_name, &failure, &failure};
    return *places[static_cast<std::size_t>(outcome)];
  }
};

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
    if (look_here(tables, question, now)) continue;
    if (search.asked == kMaxAsked) return on_deadline(tables, now, out);
    ++search.asked;
    return ask_for(tables, question);
  }
  return end_search(tables, now, out);
}

// The rungs that need nobody else. True: one of them had the answer, and it has been taken.
bool Lookup::look_here(const Tables& tables, const dns::Question& question, Milliseconds now) {
  Lookup step({client_.address, Transport::Tcp});  // the answer is cut when all is known
  step.query_ = query_;
  step.query_.question = question;
  step.query_.spelling = dns::Spelling(question.name.view().wire());
  step.query_.edns.reset();

  MaybeReply reply = step.answer_static(tables, tables.scratch);
  if (!reply) reply = step.answer_special(tables.scratch);
  if (reply) {
    const dns::BytesView message = tables.scratch.first(reply->size);
    take_step(tables, {dns::Bytes(message.begin(), message.end()), {}}, reply->source);
    return true;
  }
  for (Cache* cache : {&tables.cache, &tables.failures}) {
    const auto hit = cache->find(key_of(question, Scope::AsItStands), now, tables.scratch, {});
    if (!hit) continue;
    take_step(tables, {dns::Bytes(hit->message.begin(), hit->message.end()), hit->error},
              Source::Cache);
    return true;
  }
  return false;
}

void Lookup::take_step(const Tables& tables, const Answer& answer, Source source) {
  Search& search = *search_;
  const bool is_as_it_stands = is_asked(search.names[search.next - 1]);
  const StepOutcome outcome =
      source == Source::Error ? StepOutcome::NoServer : outcome_of(answer.message);
  search.verdict.report(
      outcome, is_as_it_stands ? SearchVerdict::Name::AsItStands : SearchVerdict::Name::Qualified);
  const bool is_static = source != Source::Cache && source != Source::Upstream;
  if (source != Source::Cache) search.source = source;
  if (is_static) search.is_keepable = search.is_keepable && outcome != StepOutcome::Data;

  const auto message = dns::Message::parse(answer.message);
  const auto kept = message ? time_to_keep(*message, tables.settings.ttls) : kFailureTime;
  search.lifetime = std::min(search.lifetime, is_static ? std::chrono::seconds(kStaticTtl) : kept);
  if (is_as_it_stands) search.as_it_stands = answer;
  std::optional<Answer>& place = search.first_of(outcome);
  if (!place) place = answer;
}

// Tells the verdict under the name asked.
Step Lookup::end_search(const Tables& tables, Milliseconds now, dns::MutableBytesView out) {
  const std::unique_ptr<Search> search = std::move(search_);
  const StepOutcome outcome = search->verdict.result();
  const bool is_own = search->as_it_stands && outcome != StepOutcome::Data &&
                      outcome != StepOutcome::NoData && outcome != StepOutcome::NoServer;
  const std::optional<Answer>& chosen = is_own ? search->as_it_stands : search->first_of(outcome);
  const auto found = dns::Message::parse(chosen->message);
  if (!found) return give_up(out);

  const bool is_positive = outcome == StepOutcome::Data;
  const bool is_failure = outcome == StepOutcome::Failure || outcome == StepOutcome::NoServer;
  const auto limit =
      is_positive || is_failure ? std::chrono::seconds(UINT32_MAX) : search->lifetime;
  Answer answer = *chosen;
  if (found->question() != query_.question || !is_positive)
    answer.message = dns::requalify(*found, query_.question, static_cast<uint32_t>(limit.count()));
  // The first name's own answer is in the cache already, where every search begins.
  const bool is_known = is_positive && search->next == 1 && found->question() == query_.question;
  if (query_.has(dns::flag::kRd) && search->is_keepable && !is_known)
    keep(tables, key_of(query_.question, Scope::Searched), answer, now);

  const Source source = outcome == StepOutcome::NoServer ? Source::Error : search->source;
  const Scope scope = is_known ? Scope::AsItStands : Scope::Searched;
  return finish_landed(tables, {answer, source}, {scope, now}, out);
}

Step Lookup::on_deadline(const Tables& tables, Milliseconds now, dns::MutableBytesView out) {
  const Scope scope = search_ ? Scope::Searched : Scope::AsItStands;
  const Answer failure = {dns::build_failure(query_.question, dns::Rcode::ServFail), {}};
  if (query_.has(dns::flag::kRd)) keep(tables, key_of(query_.question, scope), failure, now);
  return give_up(out);
}

void keep(const Tables& tables, const CacheKey& key, const Answer& answer, Milliseconds now) {
  const auto message = dns::Message::parse(answer.message);
  if (!message) return;
  const dns::Rcode rcode = message->rcode();
  if (rcode == dns::Rcode::NoError || rcode == dns::Rcode::NxDomain) {
    tables.cache.store(key, {*message, answer.error}, now,
                       time_to_keep(*message, tables.settings.ttls));
  } else {
    tables.failures.store(key, {*message, answer.error}, now, kFailureTime);
  }
}

}  // namespace dnslet::policy

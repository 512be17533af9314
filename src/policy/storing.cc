// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/storing.h"

#include <algorithm>
#include <utility>

#include "dns/svcb.h"
#include "policy/family.h"

namespace dnslet::policy {
namespace {

using dns::AnswerKind;

// A filtered family is not to come in by another door.
std::optional<Answer> without_filtered_hints(const Tables& tables, const CacheKey& key,
                                             const Answer& answer) {
  const Filter filter = tables.settings.filter;
  if (filter == Filter::None || !dns::may_have_hints(key.type)) return std::nullopt;
  const auto message = dns::Message::parse(answer.message());
  if (!message) return std::nullopt;
  auto rest = dns::without_hints(*message, filter == Filter::A ? dns::Hint::Ipv4 : dns::Hint::Ipv6);
  if (!rest) return std::nullopt;
  return Answer(std::move(*rest), answer.error());
}

void keep(const Tables& tables, const Storing& storing, const Answer& answer) {
  if (!storing.is_for_recursion || !answer.is_whole()) return;
  if (answer.kind() == AnswerKind::Failure) {
    tables.failures.store(storing.key, answer, storing.now, kFailureTime);
    tables.cache.note_failure(storing.key, storing.now);
    return;
  }
  tables.cache.store(storing.key, answer, storing.now,
                     std::min(storing.most, time_to_keep(answer, tables.settings.ttls)));
  agree(tables, storing.key, answer.kind(), storing.now);
}

// An old answer is better than none, and better than what the other family shows.
bool has_ended_answer(const Tables& tables, const Storing& storing) {
  return tables.cache.keeps_stale() &&
         tables.cache.find_stale(storing.key, storing.now, {tables.scratch, tables.scratch},
                                 Ended::Any);
}

// A name that has addresses of the other family exists. A client with musl takes a failure for one
// of them as the end of both.
bool exists_all_the_same(const Tables& tables, const Storing& storing, const Answer& answer) {
  return answer.kind() == AnswerKind::Failure && storing.is_for_recursion &&
         other_family_exists(tables, storing.key, storing.sibling, storing.now) &&
         !has_ended_answer(tables, storing);
}

}  // namespace

Storing storing_of(const UpstreamQuestion& question, Existence sibling, Milliseconds now) {
  return {.key = key_of(question),
          .now = now,
          .sibling = sibling,
          .is_for_recursion = question.flags.recursion_desired};
}

std::optional<Answer> store_answer(const Tables& tables, const Storing& storing,
                                   const Answer& answer) {
  if (exists_all_the_same(tables, storing, answer))
    return Answer::failure({dns::Name(storing.key.name), storing.key.type, storing.key.qclass},
                           dns::Rcode::NoError);
  std::optional<Answer> amended = without_filtered_hints(tables, storing.key, answer);
  if (answer.kind() == AnswerKind::NxDomain &&
      other_family_exists(tables, storing.key, storing.sibling, storing.now)) {
    if (!amended) amended = answer;
    amended->make_no_data();
  }
  keep(tables, storing, amended ? *amended : answer);
  return amended;
}

std::chrono::seconds time_to_keep(const Answer& answer, const CacheTtls& ttls) {
  const bool is_positive = answer.kind() == AnswerKind::Data;
  return std::min(answer.lifetime(),
                  is_positive ? ttls.max : std::min(ttls.max, ttls.max_negative));
}

}  // namespace dnslet::policy

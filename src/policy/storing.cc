// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/storing.h"

#include <algorithm>
#include <utility>

#include "dns/svcb.h"
#include "policy/family.h"
#include "policy/own_names.h"

namespace dnslet::policy {
namespace {

using dns::AnswerKind;

// Takes these hints out of the answer, or leaves it alone.
void leave_out(dns::Hint hint, const Answer& answer, std::optional<Answer>& amended) {
  const Answer& from = amended ? *amended : answer;
  const auto message = dns::Message::parse(from.message());
  auto rest = message ? dns::without_hints(*message, hint) : std::nullopt;
  if (rest) amended = Answer(std::move(*rest), from.error());
}

// A filtered family is not to come in by another door.
void leave_out_hints(const Tables& tables, const CacheKey& key, const Answer& answer,
                     std::optional<Answer>& amended) {
  if (!dns::may_have_hints(key.type)) return;
  const auto is_out = [&, is_ours = is_own(tables, key.name)](dns::Type type) {
    return is_ours || leaves_out(tables.settings.filter, type) ||
           leaves_out(key.route.filter, type);
  };
  if (is_out(dns::Type::A)) leave_out(dns::Hint::Ipv4, answer, amended);
  if (is_out(dns::Type::AAAA)) leave_out(dns::Hint::Ipv6, answer, amended);
}

void keep(const Tables& tables, const Storing& storing, const Answer& answer) {
  const Route& route = storing.key.route;
  if (!storing.is_for_recursion || !answer.is_whole() || route.keeping == Keeping::NotKept) return;
  if (answer.kind() == AnswerKind::Failure) {
    tables.failures.store(storing.key, answer, storing.now, kFailureTime);
    tables.cache.note_failure(storing.key, storing.now);
    return;
  }
  // TTLs of a rule have been written into the answer.
  const auto time =
      route.has_ttl() ? answer.lifetime() : time_to_keep(answer, tables.settings.ttls);
  tables.cache.store(storing.key, answer, storing.now, std::min(storing.most, time));
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
  std::optional<Answer> amended;
  leave_out_hints(tables, storing.key, answer, amended);
  if (answer.kind() == AnswerKind::NxDomain &&
      (is_own(tables, storing.key.name) ||
       other_family_exists(tables, storing.key, storing.sibling, storing.now))) {
    if (!amended) amended = answer;
    amended->make_no_data();
  }
  const Route& route = storing.key.route;
  if (route.has_ttl()) {
    if (!amended) amended = answer;
    amended->limit_ttls(route.least_ttl, route.most_ttl);
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

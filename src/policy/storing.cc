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
  if (auto rest = dns::without_hints(amended ? *amended : answer, hint)) amended = std::move(rest);
}

// A filtered family is not to come in by another door.
void leave_out_hints(const Tables& tables, const CacheKey& key, const Answer& answer,
                     std::optional<Answer>& amended) {
  if (!dns::may_have_hints(key.type)) return;
  const auto is_out = [&, is_ours = has_own_addresses(tables, key.name)](dns::Type type) {
    return is_ours || leaves_out(tables.settings.filter, type) ||
           leaves_out(key.route.filter, type);
  };
  if (is_out(dns::Type::A)) leave_out(dns::Hint::Ipv4, answer, amended);
  if (is_out(dns::Type::AAAA)) leave_out(dns::Hint::Ipv6, answer, amended);
}

void keep(const Tables& tables, const Storing& storing, const Answer& answer,
          std::chrono::seconds time) {
  const bool is_kept = storing.is_for_recursion && storing.key.route.keeping == Keeping::Kept;
  if (!is_kept || !answer.is_whole()) return;
  if (answer.kind() == AnswerKind::Failure) {
    CacheKey key = storing.key;
    key.route = kept_route(key.route, kWholeSubnet);
    tables.failures.store(key, answer, storing.now, kFailureTime);
    tables.cache.note_failure(storing.key, storing.now);
    return;
  }
  CacheKey key = storing.key;
  key.route = kept_route(key.route, answer.subnet_scope());
  tables.cache.store(key, answer, storing.now, std::min(storing.most, time));
  agree(tables, storing.key, answer.kind(), storing.now);
}

// A rule's TTLs have been written into the answer.
std::chrono::seconds time_by(const Tables& tables, const Route& route, const Answer& answer) {
  if (!route.has_ttl()) return time_to_keep(answer, tables.settings.ttls);
  const std::chrono::seconds least(route.least_ttl);
  const std::chrono::seconds most(route.most_ttl);
  return answer.lifetime() == std::chrono::seconds(0) ? answer.lifetime()
                                                      : std::clamp(answer.lifetime(), least, most);
}

// Whose addresses nobody outside has to say: names of stub zones, of the search list, and those
// that --rebind-ok allows.
bool may_be_inner(const Tables& tables, const CacheKey& key) {
  const auto is_above = [&](const dns::Name& domain) { return key.name.is_within(domain); };
  return servers_of(tables.zones, key.route, key.name) != kDefaultServers ||
         tables.settings.rebind->allows(key.name) ||
         std::ranges::any_of(tables.settings.search.domains, is_above);
}

// NODATA in place of what holds an inner address and must not. NXDOMAIN would take along what the
// name has else. A failure stays one.
std::optional<Answer> guard(const Tables& tables, const Storing& storing, const Answer& answer) {
  if (!storing.is_of_servers || !tables.settings.rebind) return std::nullopt;
  const auto message = dns::Message::parse(answer.message());
  const auto inner = message ? find_inner_address(*message) : std::nullopt;
  if (!inner || may_be_inner(tables, storing.key)) return std::nullopt;
  if (tables.on_guarded) (*tables.on_guarded)({storing.key.name, *inner});
  const bool has_failed = answer.kind() == AnswerKind::Failure;
  return Answer::failure(message->question(), has_failed ? answer.rcode() : dns::Rcode::NoError,
                         dns::ExtendedError::blocked("an address of an inner network"));
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

// Whether NXDOMAIN is what it says.
enum class Gone {
  Yes,        // or it is another answer
  No,         // it is NODATA: the name has something
  NotForNow,  // likewise, as far as those know who have just been told an answer that has ended
};

Gone judge_gone(const Tables& tables, const Storing& storing, const Answer& answer) {
  if (answer.kind() != AnswerKind::NxDomain) return Gone::Yes;
  const CacheKey& key = storing.key;
  if (is_own(tables, key.name)) return Gone::No;
  if (!other_family_exists(tables, key, storing.sibling, storing.now)) return Gone::Yes;
  return exists_by_ended_alone(tables, key, storing.sibling, storing.now) ? Gone::NotForNow
                                                                          : Gone::No;
}

}  // namespace

Storing storing_of(const UpstreamQuestion& question, Existence sibling, Milliseconds now) {
  return {.key = key_of(question),
          .now = now,
          .sibling = sibling,
          .is_for_recursion = question.flags.recursion_desired,
          .is_of_servers = true};
}

std::optional<Answer> store_answer(const Tables& tables, const Storing& storing,
                                   const Answer& answer) {
  if (exists_all_the_same(tables, storing, answer)) {
    Answer empty = Answer::failure(
        {dns::Name(storing.key.name), storing.key.type, storing.key.qclass}, dns::Rcode::NoError);
    empty.set_subnet_scope(kWholeSubnet);
    return empty;
  }
  std::optional<Answer> amended = guard(tables, storing, answer);
  const bool is_guarded = amended.has_value();
  leave_out_hints(tables, storing.key, answer, amended);
  const Gone gone = judge_gone(tables, storing, answer);
  if (gone != Gone::Yes) {
    if (!amended) amended = answer;
    amended->make_no_data();
  }
  const Route& route = storing.key.route;
  if (route.has_ttl()) {
    if (!amended) amended = answer;
    amended->limit_ttls(route.least_ttl, route.most_ttl);
  }
  if (amended) amended->set_subnet_scope(answer.subnet_scope());
  const Answer& kept = amended ? *amended : answer;
  auto time = time_by(tables, route, is_guarded ? answer : kept);
  if (!route.has_ttl()) time = std::min(time, answer.lifetime());  // whatever was made of it
  keep(tables, storing, kept, gone == Gone::NotForNow ? std::chrono::seconds(0) : time);
  return amended;
}

// What was asked for without telling anything is for those alone who want that (RFC 7871 section
// 7.3.1).
bool is_shareable(const UpstreamQuestion& question) {
  const Network* const sent = question.route.sent_subnet();
  return question.flags.recursion_desired && question.route.keeping == Keeping::Kept &&
         (sent == nullptr || sent->prefix > 0);
}

// As long as in the own cache. What was said for one network alone is nothing to others, who may
// not tell which one they are in.
std::chrono::seconds time_to_share(const Tables& tables, const UpstreamQuestion& question,
                                   const Answer& answer) {
  if (!is_shareable(question) || answer.subnet_scope() != 0 || !answer.is_whole() ||
      answer.kind() == AnswerKind::Failure)
    return std::chrono::seconds(0);
  return time_by(tables, question.route, answer);
}

std::chrono::seconds time_to_keep(const Answer& answer, const CacheTtls& ttls) {
  return std::min(answer.lifetime(), ttls.most_for(answer));
}

}  // namespace dnslet::policy

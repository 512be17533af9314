// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/family.h"

#include <algorithm>
#include <span>

namespace dnslet::policy {
namespace {

using dns::AnswerKind;
using dns::Type;

// Under which a name may be kept: what one family has shown under one holds for the other under
// all.
std::span<const Scope> scopes_of(const Tables& tables) {
  static constexpr Scope kScopes[] = {Scope::AsItStands, Scope::Searched};
  return std::span(kScopes).first(tables.settings.search.domains.empty() ? 1 : 2);
}

CacheKey in_scope(CacheKey key, Scope scope) {
  key.scope = scope;
  return key;
}

bool is_known(const Tables& tables, const CacheKey& key, Milliseconds now) {
  return std::ranges::any_of(scopes_of(tables), [&](Scope scope) {
    return shown_by_cache(tables, in_scope(key, scope), now) != Existence::Unknown;
  });
}

}  // namespace

std::optional<Type> other_family(Type type) {
  if (type == Type::A) return Type::AAAA;
  if (type == Type::AAAA) return Type::A;
  return std::nullopt;
}

std::optional<UpstreamQuestion> with_other_family(const UpstreamQuestion& question) {
  const auto type = other_family(question.question.type);
  if (!type) return std::nullopt;
  std::optional<UpstreamQuestion> sibling(question);
  sibling->question.type = *type;
  return sibling;
}

std::optional<UpstreamQuestion> sibling_of(const UpstreamQuestion& question) {
  return question.flags.dnssec_ok ? std::nullopt : with_other_family(question);
}

std::optional<CacheKey> sibling_of(const CacheKey& key) {
  const auto type = other_family(key.type);
  if (!type || key.dnssec_ok) return std::nullopt;
  CacheKey sibling = key;
  sibling.type = *type;
  return sibling;
}

Existence shown_by(const Answer& answer) {
  if (answer.kind() == AnswerKind::Data) return Existence::HasData;
  if (answer.has_records()) return Existence::HasRecords;
  return answer.kind() == AnswerKind::NoData ? Existence::Exists : Existence::Unknown;
}

Existence shown_by_cache(const Tables& tables, const CacheKey& key, Milliseconds now) {
  const Existence shown = tables.cache.existence(key, now);
  if (shown != Existence::Unknown || !tables.settings.stale_first) return shown;
  return tables.cache.is_told_ended(key, now) ? Existence::HasRecords : Existence::Unknown;
}

bool depends_on_sibling(const Answer& answer, Searching searching) {
  return answer.kind() == AnswerKind::NxDomain ||
         (answer.kind() == AnswerKind::NoData && searching == Searching::Yes);
}

bool other_family_exists(const Tables& tables, const CacheKey& key, Existence shown,
                         Milliseconds now) {
  const auto sibling = sibling_of(key);
  if (!tables.settings.families_agree || !sibling) return false;
  return shown != Existence::Unknown || is_known(tables, *sibling, now);
}

bool exists_by_ended_alone(const Tables& tables, const CacheKey& key, Existence shown,
                           Milliseconds now) {
  const auto sibling = sibling_of(key);
  if (!tables.settings.stale_first || !sibling || shown != Existence::Unknown) return false;
  return std::ranges::none_of(scopes_of(tables), [&](Scope scope) {
    return tables.cache.existence(in_scope(*sibling, scope), now) != Existence::Unknown;
  });
}

// The answer was stored before the other one is looked at: of two threads that store both families
// at once, one sees the other's.
void agree(const Tables& tables, const CacheKey& key, AnswerKind kind, Milliseconds now) {
  const auto sibling = sibling_of(key);
  if (!tables.settings.families_agree || !sibling) return;
  if (kind == AnswerKind::NxDomain) {
    if (is_known(tables, *sibling, now)) tables.cache.make_no_data(key);
    return;
  }
  for (const Scope scope : scopes_of(tables)) tables.cache.make_no_data(in_scope(*sibling, scope));
}

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/family.h"

namespace dnslet::policy {
namespace {

using dns::AnswerKind;
using dns::Type;

}  // namespace

std::optional<Type> other_family(Type type) {
  if (type == Type::A) return Type::AAAA;
  if (type == Type::AAAA) return Type::A;
  return std::nullopt;
}

std::optional<UpstreamQuestion> sibling_of(const UpstreamQuestion& question) {
  const auto type = other_family(question.question.type);
  if (!type || question.flags.dnssec_ok) return std::nullopt;
  std::optional<UpstreamQuestion> sibling(question);
  sibling->question.type = *type;
  return sibling;
}

std::optional<CacheKey> sibling_of(const CacheKey& key) {
  const auto type = other_family(key.type);
  if (!type || key.dnssec_ok) return std::nullopt;
  CacheKey sibling = key;
  sibling.type = *type;
  return sibling;
}

Existence shown_by(const Answer& answer) {
  if (answer.has_records()) return Existence::HasRecords;
  return answer.kind() == AnswerKind::NoData ? Existence::Exists : Existence::Unknown;
}

bool depends_on_sibling(const Answer& answer, Searching searching) {
  return answer.kind() == AnswerKind::NxDomain ||
         (answer.kind() == AnswerKind::NoData && searching == Searching::Yes);
}

bool other_family_exists(const Tables& tables, const CacheKey& key, Existence shown,
                         Milliseconds now) {
  const auto sibling = sibling_of(key);
  if (!tables.settings.families_agree || !sibling) return false;
  return shown != Existence::Unknown || tables.cache.existence(*sibling, now) != Existence::Unknown;
}

// The answer was stored before the other one is looked at: of two threads that store both families
// at once, one sees the other's.
void agree(const Tables& tables, const CacheKey& key, AnswerKind kind, Milliseconds now) {
  const auto sibling = sibling_of(key);
  if (!tables.settings.families_agree || !sibling) return;
  if (kind != AnswerKind::NxDomain) {
    tables.cache.make_no_data(*sibling);
  } else if (tables.cache.existence(*sibling, now) != Existence::Unknown) {
    tables.cache.make_no_data(key);
  }
}

}  // namespace dnslet::policy

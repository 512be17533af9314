// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/preference.h"

#include "policy/family.h"

namespace dnslet::policy {

Preference preference(const Tables& tables, const ClientQuestion& asked, Milliseconds now) {
  if (!yields(asked.route.yielding, asked.question.type)) return Preference::None;
  CacheKey key = key_of(asked, Scope::AsItStands);
  key.type = *other_family(key.type);
  switch (tables.cache.existence(key, now)) {
    case Existence::HasRecords:
      return Preference::Yields;
    case Existence::Exists:
      return Preference::None;
    case Existence::Unknown:
      break;
  }
  return Preference::Unknown;
}

std::optional<UpstreamQuestion> preferred(const UpstreamQuestion& question) {
  if (!yields(question.route.yielding, question.question.type)) return std::nullopt;
  std::optional<UpstreamQuestion> other(question);
  other->question.type = *other_family(question.question.type);
  return other;
}

}  // namespace dnslet::policy

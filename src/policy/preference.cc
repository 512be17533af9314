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
    case Existence::HasData:
      return Preference::Yields;
    case Existence::HasRecords:
    case Existence::Exists:
      return Preference::None;
    case Existence::Unknown:
      break;
  }
  return Preference::Unknown;
}

std::optional<UpstreamQuestion> preferred(const UpstreamQuestion& question) {
  const bool does_yield = yields(question.route.yielding, question.question.type);
  return does_yield ? with_other_family(question) : std::nullopt;
}

}  // namespace dnslet::policy

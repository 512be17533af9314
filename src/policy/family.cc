// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/family.h"

#include <utility>

#include "dns/patch.h"
#include "dns/svcb.h"

namespace dnslet::policy {
namespace {

using dns::Rcode;
using dns::Type;

// A filtered family is not to come in by another door.
std::optional<Answer> without_filtered_hints(const Tables& tables, const UpstreamQuestion& question,
                                             const Answer& answer) {
  const Filter filter = tables.settings.filter;
  const Type type = question.question.type;
  const bool may_have_hints = type == Type::HTTPS || type == Type::SVCB || type == Type::ANY;
  if (filter == Filter::None || !may_have_hints) return std::nullopt;
  const auto message = dns::Message::parse(answer.message);
  if (!message) return std::nullopt;
  auto rest = dns::without_hints(*message, filter == Filter::A ? dns::Hint::Ipv4 : dns::Hint::Ipv6);
  if (!rest) return std::nullopt;
  return Answer{std::move(*rest), answer.error};
}

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

Existence shown_by(const Answer& answer) {
  switch (outcome_of(answer.message)) {
    case StepOutcome::Data:
      return Existence::HasRecords;
    case StepOutcome::NoData:
      return Existence::Exists;
    default:
      return Existence::Unknown;
  }
}

bool depends_on_sibling(const Answer& answer, Searching searching) {
  const StepOutcome outcome = outcome_of(answer.message);
  return outcome == StepOutcome::NxDomain ||
         (outcome == StepOutcome::NoData && searching == Searching::Yes);
}

std::optional<Answer> settle(const Tables& tables, const UpstreamQuestion& question,
                             const Landed& landed, Milliseconds now) {
  std::optional<Answer> amended = without_filtered_hints(tables, question, landed.answer);
  const bool may_exist =
      tables.settings.families_agree && outcome_of(landed.answer.message) == StepOutcome::NxDomain;
  if (const auto sibling = may_exist ? sibling_of(question) : std::nullopt) {
    const bool exists = landed.sibling != Existence::Unknown ||
                        tables.cache.existence(key_of(*sibling), now) != Existence::Unknown;
    if (exists) amended = landed.answer;
    if (exists) dns::make_no_data(amended->message);
  }
  remember(tables, question, amended ? *amended : landed.answer, now);
  return amended;
}

// The answer was stored before the other one is looked at: of two threads that store both families
// at once, one sees the other's.
void agree(const Tables& tables, const CacheKey& key, Rcode rcode, Milliseconds now) {
  const auto type = other_family(key.type);
  if (!tables.settings.families_agree || !type || key.dnssec_ok) return;
  CacheKey sibling = key;
  sibling.type = *type;
  if (rcode == Rcode::NoError) {
    tables.cache.make_no_data(sibling);
  } else if (tables.cache.existence(sibling, now) != Existence::Unknown) {
    tables.cache.make_no_data(key);
  }
}

}  // namespace dnslet::policy

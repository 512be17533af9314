// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/search.h"

#include <algorithm>

namespace dnslet::policy {
namespace {

// Types whose owner is a zone or that are asked by tools, never by a user of a search list.
bool is_searched(dns::Type type) {
  switch (type) {
    case dns::Type::NS:
    case dns::Type::SOA:
    case dns::Type::DS:
    case dns::Type::DNSKEY:
    case dns::Type::ANY:
      return false;
    default:
      return true;
  }
}

bool is_below_arpa(dns::NameView name) {
  static const dns::Name kArpa = *dns::Name::from_text("arpa");
  return name.is_within(kArpa);
}

bool is_forwarded(const dns::Question& question, const SearchRules& rules,
                  InStubZone in_stub_zone) {
  return in_stub_zone == InStubZone::Yes || question.name.view().dots() >= rules.fwd_ndots;
}

bool has_search(const dns::Question& question) {
  const dns::NameView name = question.name;
  return is_searched(question.type) && !name.is_root() && !is_below_arpa(name);
}

}  // namespace

void SearchRules::add_domain(const dns::Name& domain) {
  if (domain.view().is_root() || std::ranges::find(domains, domain) != domains.end()) return;
  domains.push_back(domain);
}

bool stands_first(const dns::Question& question, const SearchRules& rules,
                  InStubZone in_stub_zone) {
  return is_forwarded(question, rules, in_stub_zone) &&
         (question.name.view().dots() >= rules.ndots || !has_search(question));
}

std::vector<dns::Name> names_to_try(const dns::Question& question, const SearchRules& rules,
                                    InStubZone in_stub_zone) {
  const dns::NameView name = question.name;
  const bool is_first = stands_first(question, rules, in_stub_zone);
  std::vector<dns::Name> names;
  if (is_first) names.push_back(question.name);
  if (has_search(question)) {
    for (const dns::Name& domain : rules.domains) {
      if (name.is_within(domain)) continue;
      if (auto qualified = dns::Name::join(name, domain)) names.push_back(*qualified);
    }
  }
  if (!is_first && is_forwarded(question, rules, in_stub_zone)) names.push_back(question.name);
  return names;
}

StepOutcome outcome_of(dns::AnswerKind kind) {
  switch (kind) {
    case dns::AnswerKind::Data:
    case dns::AnswerKind::Alias:
      return StepOutcome::Data;
    case dns::AnswerKind::NoData:
      return StepOutcome::NoData;
    case dns::AnswerKind::NxDomain:
      return StepOutcome::NxDomain;
    case dns::AnswerKind::Failure:
      break;
  }
  return StepOutcome::Failure;
}

void SearchVerdict::report(StepOutcome outcome, Name name) {
  last_ = outcome;
  is_over_ = outcome == StepOutcome::Data;
  some_nodata_ = some_nodata_ || outcome == StepOutcome::NoData;
  some_failure_ =
      some_failure_ || outcome == StepOutcome::Failure || outcome == StepOutcome::NoServer;
  if (name == Name::AsItStands) as_it_stands_ = outcome;
}

void SearchVerdict::end_with_no_data() {
  last_ = StepOutcome::NoData;
  is_over_ = true;
}

StepOutcome SearchVerdict::result() const {
  if (is_over_ && last_ != StepOutcome::NoServer) return last_;
  // Here we leave glibc's order: to a musl client NXDOMAIN for AAAA would take the A record along.
  if (some_nodata_) return StepOutcome::NoData;
  // Nothing was left to ask behind it; the name may be there.
  if (last_ == StepOutcome::NoServer) return last_;
  if (as_it_stands_) return *as_it_stands_;
  return some_failure_ ? StepOutcome::Failure : StepOutcome::NxDomain;
}

}  // namespace dnslet::policy

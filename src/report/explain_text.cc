// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "report/explain_text.h"

#include "base/text.h"
#include "config/name_sources.h"
#include "policy/address_puts.h"
#include "policy/rule.h"
#include "policy/search.h"
#include "policy/special.h"

namespace dnslet::report {

using What = policy::Exchange::What;

std::string special_text(dns::NameView name) {
  switch (policy::special_kind(name)) {
    case policy::Special::Localhost:
      return "localhost and names below it are this machine (RFC 6761)";
    case policy::Special::LoopbackName:
      return "the reverse name of a loopback address (RFC 6761)";
    case policy::Special::NoSuchDomain:
      return "invalid and onion exist nowhere in DNS (RFC 6761, RFC 7686)";
    case policy::Special::None:
      break;
  }
  return "an ordinary name";
}

std::string exchange_text(const serve::Asker::Exchange& exchange) {
  const std::string& server = exchange.server;
  const Network* const subnet = exchange.question.route.sent_subnet();
  const bool is_told = subnet != nullptr && exchange.subnet_scope != policy::kWholeSubnet;
  switch (exchange.what) {
    case What::Asked:
      return "asks " + server + (subnet ? ", and tells it " + subnet->to_text() : "");
    case What::AskedWithoutEdns:
      return "asks " + server + " without EDNS";
    case What::Answered:
      return server + " says " + to_text(exchange.rcode) +
             (is_told ? ", scope /" + std::to_string(exchange.subnet_scope) : "");
    case What::Unusable:
      return server + " sends what is no answer to this question";
    case What::Unreachable:
      return server + " can't be reached";
    case What::Failed:
      return server + " has failed, for the reason that the log tells";
    case What::NoResources:
      return "no descriptor or memory is left to ask " + server;
    case What::Silent:
      return server + " is silent";
    case What::AskedShared:
      return "asks --shared-cache";
    case What::FoundShared:
      return "it is in the shared cache";
    case What::NotShared:
      return "nothing of use in the shared cache";
    case What::SilentShared:
      return "nothing from the shared cache as yet";
  }
  return server;
}

std::string outcome_text(const policy::Tried& tried) {
  if (tried.source == policy::Source::Error) return "no server has answered";
  switch (policy::outcome_of(tried.answer.kind())) {
    case policy::StepOutcome::Data:
      return "has records";
    case policy::StepOutcome::NoData:
      return tried.ends_search ? "NODATA, but it has addresses" : "NODATA (the name exists)";
    case policy::StepOutcome::NxDomain:
      return "NXDOMAIN (no such name)";
    default:
      return to_text(tried.answer.rcode());
  }
}

std::string rule_text(const policy::RuleEvent& event) {
  std::string rule = escaped(without_passwords(event.rule.text)) +
                     (event.rule.origin.empty() ? "" : " (" + escaped(event.rule.origin) + ")");
  switch (event.what) {
    case policy::RuleEvent::What::Decides:
      return "decides: " + rule;
    case policy::RuleEvent::What::PassedOver:
      return "passed over, as servers have failed: " + rule;
    case policy::RuleEvent::What::OverLimit:
      return "refuses more than its limit: " + rule;
    case policy::RuleEvent::What::Holds:
      return "holds for the answer: " + rule;
    case policy::RuleEvent::What::DoesNotHold:
      return "does not hold for the answer: " + rule;
    case policy::RuleEvent::What::Failed:
      return "its servers have failed: " + rule;
    case policy::RuleEvent::What::Swaps:
      return "holds for the answer, and swaps its addresses: " + rule;
    case policy::RuleEvent::What::LeavesAlone:
      return "does not hold, and leaves the answer as it is: " + rule;
  }
  return rule;
}

std::string sets_text(const AddressSets& sets, dns::BytesView answer) {
  std::string text;
  for (const AddressPut& put : policy::addresses_for(sets, answer))
    text += (text.empty() ? "" : kIndent) + put.address.to_text() + " into " +
            escaped(put.set->to_text()) + " for " + std::to_string(put.lifetime.count()) +
            " s, if it is of the set's family";
  return text.empty() ? "none: it has no address" : text;
}

std::string stale_text(const config::Options& options, const dns::Answer& answer) {
  if (options.cache_stale.count() == 0) return "";
  const std::string time = "for " + std::to_string(options.cache_stale.count()) + " s more";
  return options.stale_first && answer.has_records()
             ? time + ", at once, and the servers are asked behind (--rcache-stale-first)"
             : time + ", where the servers fail (--rcache-stale)";
}

std::string place_text(const config::ListFiles::Place& place) {
  return escaped(trimmed(place.text)) + " (" + escaped(place.path) + ", line " +
         std::to_string(place.line) + ")";
}

std::string first_of(std::span<const dns::Name> names) {
  if (names.size() <= kMaxListed) return config::joined(names, ", ");
  return config::joined(names.first(kMaxListed), ", ") + " and " +
         std::to_string(names.size() - kMaxListed) + " more";
}

}  // namespace dnslet::report

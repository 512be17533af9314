// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of a Lookup that notes by which names servers' answers give addresses to clients, and
// has these names for addresses of which the servers know none (--reverse-mapping).

#include <algorithm>

#include "dns/addresses.h"
#include "policy/lookup_steps.h"
#include "policy/reverse_names.h"
#include "policy/rule_set.h"

namespace dnslet::policy {
namespace {

// Whether a search with these domains makes `name` of what was asked.
bool is_searched(const SearchRules& rules, dns::NameView asked, dns::NameView name) {
  const dns::BytesView stem = asked.wire().first(asked.wire().size() - 1);  // without the root
  const dns::BytesView wire = name.wire();
  if (wire.size() <= stem.size() || !dns::same_bytes(wire.first(stem.size()), stem)) return false;
  const dns::NameView rest(wire.subspan(stem.size()));
  return std::ranges::any_of(rules.domains,
                             [&](const dns::Name& domain) { return domain.view() == rest; });
}

}  // namespace

// What a client has to have in common with another one to hear of its names. Where all are told the
// same that is the rules by which they were.
Route Lookup::route_of_client(const Tables& tables) const {
  if (tables.rules == nullptr) return kByName;
  if (tables.rules->tells_clients_apart()) return without_subnet(route_);
  return {.rules = tables.rules->generation()};
}

// The name asked, or the longer one that a search has found.
dns::Name Lookup::name_given(const Tables& tables, const dns::Message& answer) const {
  const dns::Name& asked = query_.question.name;
  dns::Name name = asked;
  answer.walk_records([&](const dns::Record& record) {
    const bool is_alias = record.section == dns::Section::Answer && record.type == dns::Type::CNAME;
    const dns::Name target = is_alias ? answer.name_at(record.rdata()) : dns::Name();
    if (is_alias && is_searched(tables.settings.search, asked, target)) name = target;
    return false;  // a search puts its own in front
  });
  return name;
}

// The answer lives as long as the first of its records to end.
void Lookup::note_given(const Turn& turn, const Reply& reply) const {
  const bool is_of_interest = is_of_servers(reply.source) && reply.rcode == dns::Rcode::NoError;
  if (!is_of_interest || !is_address_type(query_.question.type)) return;
  const auto message = dns::Message::reopen(turn.out.first(reply.size));
  if (message.count(dns::Section::Answer) == 0) return;
  const auto for_each = [&](auto visit) {
    message.walk_records([&](const dns::Record& record) {
      if (record.section == dns::Section::Answer) visit(record);
      return record.section == dns::Section::Answer;
    });
  };
  uint32_t ttl = UINT32_MAX;
  for_each([&](const dns::Record& record) { ttl = std::min(ttl, record.ttl); });

  const dns::Name name = name_given(turn.tables, message);
  const Route route = route_of_client(turn.tables);
  for_each([&](const dns::Record& record) {
    if (const auto address = dns::address_in(message, record))
      turn.tables.reverse_names->note({*address, route}, name, std::chrono::seconds(ttl), turn.now);
  });
}

// For a question for the name of an address to which servers have no answer.
MaybeFound Lookup::find_given(const Turn& turn, const Found& found) const {
  const auto& [asked, type, qclass] = query_.question;
  if (type != dns::Type::PTR) return std::nullopt;
  if (!is_of_servers(found.source) && found.source != Source::Error) return std::nullopt;
  const dns::AnswerKind kind = dns::kind_by_header(found.message);
  if (kind != dns::AnswerKind::NxDomain && kind != dns::AnswerKind::Failure) return std::nullopt;
  const auto address = dns::address_of_reverse(asked);
  if (!address) return std::nullopt;
  const auto name =
      turn.tables.reverse_names->find({*address, route_of_client(turn.tables)}, turn.now);
  if (!name) return std::nullopt;
  dns::ReplyWriter reply(room_in(turn).out, query_.question.view(), dns::Rcode::NoError);
  reply.add_ptr(*name, kStaticTtl);
  return MaybeFound(std::in_place, reply.finish(), Source::Reverse);
}

}  // namespace dnslet::policy

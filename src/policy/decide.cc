// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/decide.h"

#include <algorithm>
#include <array>

#include "policy/decide_by_rules.h"
#include "policy/fake_answers.h"
#include "policy/own_names.h"
#include "policy/own_records.h"
#include "policy/special.h"

namespace dnslet::policy {
namespace {

using dns::Rcode;
using dns::Type;

// Those that take turns where `room` bytes are sent: all that fit, and a few times as many, so that
// the cost follows what is sent.
std::vector<IpAddress> addresses_of(const HostsTable& table, uint32_t owner, Type type,
                                    std::size_t room) {
  constexpr std::size_t kTimes = 4;
  constexpr std::size_t kSmallestRecord = 16;
  const std::size_t most = kTimes * room / kSmallestRecord;
  std::vector<IpAddress> addresses;
  table.walk_addresses(owner, [&](const IpAddress& address) {
    if (address.family == family_of(type)) addresses.push_back(address);
    return addresses.size() < most;
  });
  return addresses;
}

void add_rotated(dns::ReplyWriter& reply, const std::vector<IpAddress>& addresses, uint32_t turn) {
  for (std::size_t i = 0; i < addresses.size() && !reply.is_full(); ++i)
    reply.add_address(addresses[(i + turn) % addresses.size()], kStaticTtl);
}

MaybeFound found_in(dns::ReplyWriter& reply, Source source) {
  return MaybeFound(std::in_place, reply.finish(), source, dns::Authority::Own);
}

const HostsTable& table_for(const Tables& tables, Source source) {
  return source == Source::Address ? tables.addresses : tables.hosts;
}

// The addresses of an entry, of which there may be none of this family. They take turns here, where
// it is known which of them are written.
MaybeFound answer_owner(const Turn& turn, const ClientQuestion& asked, Source source,
                        uint32_t owner) {
  const Tables& tables = turn.tables;
  const HostsTable& table = table_for(tables, source);
  const Type type = asked.question.type;
  dns::ReplyWriter reply(turn.out, asked.question, Rcode::NoError);
  if (tables.settings.rotation == Rotation::On) {
    std::vector<uint32_t>& turns =
        source == Source::Address ? tables.turns.addresses : tables.turns.hosts;
    add_rotated(reply, addresses_of(table, owner, type, turn.out.size()), turns[owner]++);
  } else {
    table.walk_addresses(owner, [&](const IpAddress& address) {
      if (address.family == family_of(type)) reply.add_address(address, kStaticTtl);
      return !reply.is_full();
    });
  }
  return found_in(reply, source);
}

MaybeFound answer_from(const Turn& turn, const ClientQuestion& asked, Source source) {
  const HostsTable& table = table_for(turn.tables, source);
  const dns::QuestionView& question = asked.question;
  if (question.type == Type::PTR) {
    const auto address = dns::address_of_reverse(question.name);
    const auto name = address ? table.find_name(*address) : std::nullopt;
    if (!name) return std::nullopt;
    dns::ReplyWriter reply(turn.out, question, Rcode::NoError);
    reply.add_ptr(*name, kStaticTtl);
    return found_in(reply, source);
  }

  // Types other than A and AAAA are upstream's business, also for a name that has an entry.
  if (!is_address_type(question.type)) return std::nullopt;
  const auto owner = source == Source::Address ? find_static_addresses(turn.tables, question.name)
                                               : table.find(question.name);
  if (!owner) return std::nullopt;
  return answer_owner(turn, asked, source, *owner);
}

MaybeFound refuse(const Turn& turn, const ClientQuestion& asked) {
  return empty_answer(turn, asked, Rcode::Refused, Source::Refused);
}

MaybeFound answer_chaos_class(const Turn& turn, const ClientQuestion& asked) {
  const auto text = chaos_text(asked.question, turn.tables.settings.version);
  if (!text) return refuse(turn, asked);
  dns::ReplyWriter reply(turn.out, asked.question, Rcode::NoError);
  reply.add_text(*text, 0);
  return found_in(reply, Source::Chaos);
}

MaybeFound answer_under(const Turn& turn, const ClientQuestion& asked) {
  const Tables& tables = turn.tables;
  const dns::NameView name = asked.question.name;
  const bool is_blocked =
      find_closest(tables.blocked, name) || (tables.lists && tables.lists->block(name));
  if (!is_blocked) return std::nullopt;
  return answer_gone(turn, asked, Source::Block);
}

MaybeFound answer_kind(const Turn& turn, const ClientQuestion& asked, Special kind) {
  if (kind == Special::NoSuchDomain) return answer_gone(turn, asked, Source::Special);
  const Type type = asked.question.type;
  dns::ReplyWriter reply(turn.out, asked.question, Rcode::NoError);
  if (kind == Special::Localhost && is_address_type(type))
    reply.add_address(IpAddress::loopback(family_of(type)), kStaticTtl);
  if (kind == Special::LoopbackName && type == Type::PTR)
    reply.add_ptr(*dns::Name::from_text("localhost"), kStaticTtl);
  return found_in(reply, Source::Special);
}

// Nearly all questions come by here on their way to the cache: what looks closer is apart, so that
// a rung that has nothing to look at costs a comparison.
inline MaybeFound refuse_client(const Turn& turn, const ClientQuestion& asked) {
  if (turn.tables.settings.allows(asked.client.address)) return std::nullopt;
  return refuse(turn, asked);
}

inline MaybeFound refuse_kind(const Turn& turn, const ClientQuestion& asked) {
  const auto& [name, type, qclass] = asked.question;
  const bool is_transfer = type == Type::AXFR || type == Type::IXFR;
  const bool is_known_class = qclass == dns::Class::IN || qclass == dns::Class::CH;
  if (is_known_class && !is_transfer) return std::nullopt;
  return refuse(turn, asked);
}

inline MaybeFound answer_chaos(const Turn& turn, const ClientQuestion& asked) {
  if (asked.question.qclass != dns::Class::CH) return std::nullopt;
  return answer_chaos_class(turn, asked);
}

inline MaybeFound answer_records(const Turn& turn, const ClientQuestion& asked) {
  if (turn.tables.records == nullptr) return std::nullopt;
  return answer_record(turn, asked);
}

inline MaybeFound answer_address(const Turn& turn, const ClientQuestion& asked) {
  if (turn.tables.addresses.empty()) return std::nullopt;
  return answer_from(turn, asked, Source::Address);
}

inline MaybeFound answer_hosts(const Turn& turn, const ClientQuestion& asked) {
  if (turn.tables.hosts.empty()) return std::nullopt;
  return answer_from(turn, asked, Source::Hosts);
}

inline MaybeFound answer_fake_names(const Turn& turn, const ClientQuestion& asked) {
  if (turn.tables.fake_addresses == nullptr) return std::nullopt;
  return answer_fake_reverse(turn, asked);
}

inline MaybeFound answer_blocked(const Turn& turn, const ClientQuestion& asked) {
  if (turn.tables.blocked.empty() && turn.tables.lists == nullptr) return std::nullopt;
  return answer_under(turn, asked);
}

inline MaybeFound answer_special(const Turn& turn, const ClientQuestion& asked) {
  const Special kind = special_kind(asked.question.name);
  if (kind == Special::None) return std::nullopt;
  return answer_kind(turn, asked, kind);
}

inline MaybeFound answer_filtered(const Turn& turn, const ClientQuestion& asked) {
  if (!leaves_out(turn.tables.settings.filter, asked.question.type)) return std::nullopt;
  return empty_answer(turn, asked, Rcode::NoError, Source::Filter);
}

constexpr std::array kLadder = {
    Rung{refuse_client, Source::Refused, "--allow", Rung::Row::WhereItAnswers},
    Rung{refuse_kind, Source::Refused, "refused", Rung::Row::WhereItAnswers},
    Rung{answer_chaos, Source::Chaos, "chaos", Rung::Row::WhereItAnswers},
    Rung{answer_records, Source::Record, "--record", Rung::Row::WhereGiven},
    Rung{answer_address, Source::Address, "--address"},
    Rung{answer_hosts, Source::Hosts, "hosts"},
    Rung{answer_fake_names, Source::Fake, "--fake-ip", Rung::Row::WhereGiven},
    Rung{answer_blocked, Source::Block, "--block"},
    Rung{answer_special, Source::Special, "special"},
    Rung{nullptr, Source::Rule, "--rule", Rung::Row::WhereItAnswers},
    Rung{answer_filtered, Source::Filter, "--filter"},
    Rung{nullptr, Source::Upstream, "servers", Rung::Row::WhereItAnswers},
};

// Of the rungs from this one on, up to one that answers nothing. Written out by the compiler.
template <std::size_t Index>
MaybeFound first_from(const Turn& turn, const ClientQuestion& asked) {
  if constexpr (kLadder[Index].answer == nullptr) {
    return std::nullopt;
  } else {
    if (auto found = kLadder[Index].answer(turn, asked)) return found;
    return first_from<Index + 1>(turn, asked);
  }
}

// A CNAME of ours is followed, but for who asks for it.
void follow_alias(const Turn& turn, const ClientQuestion& asked, Decision& decision) {
  const Type type = asked.question.type;
  if (type == Type::CNAME || type == Type::ANY) return;
  const auto alias = find_alias(turn.tables, asked.question.name);
  if (!alias) return;
  decision.answer.reset();
  decision.alias_for = alias->target;
  decision.alias_ttl = alias->ttl;
}

}  // namespace

std::span<const Rung> ladder() { return kLadder; }

Decision decide(const Turn& turn, const ClientQuestion& asked, RuleWalk* walk) {
  constexpr std::size_t kBehindRules =
      std::ranges::find(kLadder, Source::Rule, &Rung::source) - kLadder.begin() + 1;
  const bool is_new = walk == nullptr || walk->next == 0;
  Decision decision{.answer = is_new ? first_from<0>(turn, asked) : MaybeFound()};
  if (decision.answer && decision.answer->source == Source::Record)
    follow_alias(turn, asked, decision);
  if (decision.answer || decision.alias_for) return decision;
  if (walk != nullptr && turn.tables.rules != nullptr)
    decision = decide_by_rules(turn, asked, *walk);
  else if (turn.tables.settings.subnet.kind != SubnetChoice::Kind::None)
    send_subnet(turn.tables.settings.subnet, asked.client.address, asked.subnet, decision.route);
  const bool is_settled = decision.answer || decision.is_dropped || decision.alias_for;
  if (!is_settled) decision.answer = first_from<kBehindRules>(turn, asked);
  return decision;
}

std::optional<ServerSetNumber> servers_for(const Tables& tables, const ClientQuestion& asked) {
  const ServerSetNumber by_name = tables.zones.find(asked.question.name);
  if (tables.rules == nullptr) return by_name;
  RuleWalk walk;
  const auto number = tables.rules->find(tables, asked, walk);
  if (!number) return by_name;
  const auto kind = (*tables.rules)[*number].action.kind;
  if (kind == RuleAction::Kind::Ask)
    return tables.zones.find_within(tables.rules->set_of(*number), asked.question.name);
  return kind == RuleAction::Kind::Pass ? std::optional(by_name) : std::nullopt;
}

MaybeFound answer_any(const Turn& turn, const ClientQuestion& asked) {
  const bool is_by_rule = asked.route.servers != kDefaultServers;
  if (!is_address_type(asked.question.type) || is_by_rule) return std::nullopt;
  const HostsTable* const table = any_table_of(turn.tables, asked.question.name);
  if (table == nullptr) return std::nullopt;
  const Source source = table == &turn.tables.addresses ? Source::Address : Source::Hosts;
  return answer_owner(turn, asked, source, *table->find_any());
}

}  // namespace dnslet::policy

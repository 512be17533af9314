// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/own_records.h"

#include <algorithm>
#include <span>
#include <vector>

namespace dnslet::policy {
namespace {

using dns::Rcode;
using dns::Type;

// How close an owner is to the names it has: its own name is closest, then longer wildcards.
template <typename Table>
std::size_t closeness(const Table& table, uint32_t owner) {
  return table.is_wildcard(owner) ? table.name_of(owner).labels() : SIZE_MAX;
}

// An address of a name. Borrows from the tables.
struct OwnAddress {
  dns::BytesView rdata;
  uint32_t ttl;
};

// Those of the family asked for that the owner has, and behind them what --address has of the name.
std::vector<OwnAddress> addresses_of(const Tables& tables, uint32_t owner,
                                     const dns::QuestionView& question) {
  std::vector<OwnAddress> addresses;
  for (const StaticRecord& record : tables.records->of(owner))
    if (record.type == question.type) addresses.push_back({record.rdata, record.ttl});
  const auto other = find_static_addresses(tables, question.name);
  if (!other) return addresses;
  const std::size_t recorded = addresses.size();
  const Family family = family_of(question.type);
  tables.addresses.for_each_address(*other, [&](const IpAddress& address) {
    const auto known = std::span(addresses).first(recorded);
    const bool is_known = std::ranges::any_of(known, [&](const OwnAddress& record) {
      return dns::same_bytes(record.rdata, address.data());
    });
    if (address.family == family && !is_known) addresses.push_back({address.data(), kStaticTtl});
  });
  return addresses;
}

MaybeFound found_in(dns::ReplyWriter& reply) {
  return MaybeFound(std::in_place, reply.finish(), Source::Record, dns::Authority::Own);
}

MaybeFound answer_addresses(const Turn& turn, const ClientQuestion& asked, uint32_t owner) {
  const Tables& tables = turn.tables;
  const auto addresses = addresses_of(tables, owner, asked.question);
  const bool rotates = tables.settings.rotation == Rotation::On;
  const std::size_t first = rotates ? tables.turns.records[owner]++ : 0;
  dns::ReplyWriter reply(turn.out, asked.question, Rcode::NoError);
  for (std::size_t i = 0; i < addresses.size() && !reply.is_full(); ++i) {
    const OwnAddress& address = addresses[(first + i) % addresses.size()];
    reply.add_record(asked.question.type, address.rdata, address.ttl);
  }
  return found_in(reply);
}

MaybeFound answer_type(const Turn& turn, const ClientQuestion& asked, uint32_t owner, Type type) {
  dns::ReplyWriter reply(turn.out, asked.question, Rcode::NoError);
  for (const StaticRecord& record : turn.tables.records->of(owner))
    if (record.type == type) reply.add_record(type, record.rdata, record.ttl);
  return found_in(reply);
}

MaybeFound answer_reverse(const Turn& turn, const ClientQuestion& asked) {
  const auto address = dns::address_of_reverse(asked.question.name);
  const auto name = address ? turn.tables.records->find_name(*address) : std::nullopt;
  if (!name) return std::nullopt;
  dns::ReplyWriter reply(turn.out, asked.question, Rcode::NoError);
  reply.add_ptr(*name, kStaticTtl);
  return found_in(reply);
}

}  // namespace

std::optional<uint32_t> find_records(const Tables& tables, dns::NameView name) {
  if (tables.records == nullptr) return std::nullopt;
  const auto owner = tables.records->find(name);
  const auto other =
      owner && !tables.addresses.empty() ? tables.addresses.find(name) : std::nullopt;
  if (other && closeness(tables.addresses, *other) > closeness(*tables.records, *owner))
    return std::nullopt;
  return owner;
}

std::optional<uint32_t> find_static_addresses(const Tables& tables, dns::NameView name) {
  const auto owner = tables.addresses.find(name);
  const auto other = owner && tables.records ? tables.records->find(name) : std::nullopt;
  if (other && closeness(*tables.records, *other) > closeness(tables.addresses, *owner))
    return std::nullopt;
  return owner;
}

bool has_records_of_ours(const Tables& tables, dns::NameView name) {
  if (tables.records == nullptr) return false;
  const auto address = dns::address_of_reverse(name);
  return find_records(tables, name) || (address && tables.records->find_name(*address));
}

bool has_addresses_of_ours(const Tables& tables, dns::NameView name) {
  const auto owner = find_records(tables, name);
  return owner && tables.records->has_addresses(*owner);
}

std::optional<OwnAlias> find_alias(const Tables& tables, dns::NameView name) {
  const auto owner = find_records(tables, name);
  if (!owner) return std::nullopt;
  const StaticRecord& first = tables.records->of(*owner).front();  // beside a CNAME is no other
  if (first.type != Type::CNAME) return std::nullopt;
  return OwnAlias{dns::NameView(first.rdata), first.ttl};
}

MaybeFound answer_record(const Turn& turn, const ClientQuestion& asked) {
  const Records& records = *turn.tables.records;
  const Type type = asked.question.type;
  if (const auto owner = find_records(turn.tables, asked.question.name)) {
    if (records.has(*owner, Type::CNAME)) return answer_type(turn, asked, *owner, Type::CNAME);
    if (is_address_type(type) && records.has_addresses(*owner))
      return answer_addresses(turn, asked, *owner);
    if (records.has(*owner, type)) return answer_type(turn, asked, *owner, type);
  }
  return type == Type::PTR ? answer_reverse(turn, asked) : std::nullopt;
}

}  // namespace dnslet::policy

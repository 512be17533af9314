// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The rungs of a Lookup that answer from what is ours: --address, hosts files, --block, special
// names.

#include "policy/own_names.h"
#include "policy/special.h"

namespace dnslet::policy {
namespace {

using dns::Authority;
using dns::Rcode;
using dns::Type;

Family family_of(Type type) { return type == Type::A ? Family::V4 : Family::V6; }

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

}  // namespace

Lookup::MaybeReply Lookup::answer_static(const Tables& tables, dns::MutableBytesView out) const {
  // What is empty is not even called: most questions come by here on their way to the cache.
  if (!tables.addresses.empty())
    if (const auto reply = answer_from(tables, Source::Address, out)) return reply;
  if (!tables.hosts.empty())
    if (const auto reply = answer_from(tables, Source::Hosts, out)) return reply;
  if (tables.blocked.empty() || !find_closest(tables.blocked, query_.question.name))
    return std::nullopt;
  return answer_gone(tables, Source::Block, out);
}

Lookup::MaybeReply Lookup::answer_from(const Tables& tables, Source source,
                                       dns::MutableBytesView out) const {
  const HostsTable& table = source == Source::Address ? tables.addresses : tables.hosts;
  const dns::Question& question = query_.question;
  if (question.type == Type::PTR) {
    const auto address = dns::address_of_reverse(question.name);
    const auto name = address ? table.find_name(*address) : std::nullopt;
    if (!name) return std::nullopt;
    dns::ReplyWriter reply(within_limit(out), query_, Rcode::NoError, Authority::Own);
    reply.add_ptr(*name, kStaticTtl);
    return Reply{reply.finish(), source, Rcode::NoError};
  }

  // Types other than A and AAAA are upstream's business, also for a name that has an entry.
  if (!is_address_type(question.type)) return std::nullopt;
  const auto owner = table.find(question.name);
  if (!owner) return std::nullopt;
  return answer_owner(tables, source, *owner, out);
}

// The addresses of an entry, of which there may be none of this family.
Reply Lookup::answer_owner(const Tables& tables, Source source, uint32_t owner,
                           dns::MutableBytesView out) const {
  const HostsTable& table = source == Source::Address ? tables.addresses : tables.hosts;
  const Type type = query_.question.type;
  dns::ReplyWriter reply(within_limit(out), query_, Rcode::NoError, Authority::Own);
  if (tables.settings.rotation == Rotation::On) {
    std::vector<uint32_t>& turns =
        source == Source::Address ? tables.turns.addresses : tables.turns.hosts;
    const std::size_t room = within_limit(out).size();
    add_rotated(reply, addresses_of(table, owner, type, room), turns[owner]++);
  } else {
    table.walk_addresses(owner, [&](const IpAddress& address) {
      if (address.family == family_of(type)) reply.add_address(address, kStaticTtl);
      return !reply.is_full();
    });
  }
  return {reply.finish(), source, Rcode::NoError};
}

Lookup::MaybeReply Lookup::answer_any(const Tables& tables, dns::MutableBytesView out) const {
  if (!is_address_type(query_.question.type)) return std::nullopt;
  const HostsTable* const table = any_table_of(tables, query_.question.name);
  if (table == nullptr) return std::nullopt;
  const Source source = table == &tables.addresses ? Source::Address : Source::Hosts;
  return answer_owner(tables, source, *table->find_any(), out);
}

// No such name, but where it has an address of ours: then it has nothing of this type.
Reply Lookup::answer_gone(const Tables& tables, Source source, dns::MutableBytesView out) const {
  const bool is_there = table_of(tables, query_.question.name) != nullptr;
  return answer_names(is_there ? Rcode::NoError : Rcode::NxDomain, source, out);
}

Lookup::MaybeReply Lookup::answer_special(const Tables& tables, dns::MutableBytesView out) const {
  switch (special_kind(query_.question.name)) {
    case Special::None:
      return std::nullopt;
    case Special::Localhost:
      return answer_localhost(out);
    case Special::NoSuchDomain:
      return answer_gone(tables, Source::Special, out);
    case Special::LoopbackName:
      break;
  }
  dns::ReplyWriter reply(within_limit(out), query_, Rcode::NoError, Authority::Own);
  if (query_.question.type == Type::PTR)
    reply.add_ptr(*dns::Name::from_text("localhost"), kStaticTtl);
  return Reply{reply.finish(), Source::Special, Rcode::NoError};
}

Reply Lookup::answer_localhost(dns::MutableBytesView out) const {
  const Type type = query_.question.type;
  dns::ReplyWriter reply(within_limit(out), query_, Rcode::NoError, Authority::Own);
  if (is_address_type(type)) reply.add_address(IpAddress::loopback(family_of(type)), kStaticTtl);
  return {reply.finish(), Source::Special, Rcode::NoError};
}

}  // namespace dnslet::policy

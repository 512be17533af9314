// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/fake_answers.h"

#include <algorithm>
#include <utility>

#include "policy/fake_addresses.h"

namespace dnslet::policy {

using dns::Rcode, dns::Type;

MaybeFound answer_fake(const Turn& turn, const ClientQuestion& asked, const RuleOptions& options) {
  const Type type = asked.question.type;
  dns::ReplyWriter reply(turn.out, asked.question, Rcode::NoError);
  const auto address_in = [&](Family family) {
    return turn.tables.fake_addresses->address_of(asked.question.name, family);
  };
  const auto has = [&](Family family) { return address_in(family).has_value(); };
  const bool is_wanted = is_address_type(type) && options.lets(dns::family_of(type), has);
  const auto address = is_wanted ? address_in(dns::family_of(type)) : std::nullopt;
  if (address) reply.add_address(*address, options.ttl_near(kFakeTtl));
  return MaybeFound(std::in_place, reply.finish(), Source::Fake, dns::Authority::Own);
}

MaybeFound answer_fake_reverse(const Turn& turn, const ClientQuestion& asked) {
  if (asked.question.type != Type::PTR) return std::nullopt;
  FakeAddresses& addresses = *turn.tables.fake_addresses;
  const auto address = dns::address_of_reverse(asked.question.name);
  if (!address || !addresses.has(*address)) return std::nullopt;
  const auto name = addresses.name_of(*address);
  if (!name) return answer_gone(turn, asked, Source::Fake);
  dns::ReplyWriter reply(turn.out, asked.question, Rcode::NoError);
  reply.add_ptr(*name, kFakeTtl);
  return MaybeFound(std::in_place, reply.finish(), Source::Fake, dns::Authority::Own);
}

}  // namespace dnslet::policy

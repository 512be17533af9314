// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/decide_by_rules.h"

#include <algorithm>
#include <utility>

#include "dns/answer.h"
#include "dns/svcb.h"
#include "policy/fake_answers.h"

namespace dnslet::policy {
namespace {

using dns::Rcode, dns::Type;
using Kind = RuleAction::Kind;

bool asks(Kind kind) { return kind == Kind::Ask || kind == Kind::Pass; }

MaybeFound answer_of(const Turn& turn, const ClientQuestion& asked, const RuleAction& action,
                     const RuleOptions& options) {
  const Type type = asked.question.type;
  const uint32_t ttl = options.ttl_near(kStaticTtl);
  dns::ReplyWriter reply(turn.out, asked.question, Rcode::NoError);
  const auto has = [&](Family family) {
    return std::ranges::count(action.addresses, family, &IpAddress::family) > 0;
  };
  if (dns::is_address_type(type) && options.lets(dns::family_of(type), has))
    for (const IpAddress& address : action.addresses)
      if (type == dns::type_of(address.family)) reply.add_address(address, ttl);
  if (action.text && type == Type::TXT) reply.add_text(*action.text, ttl);
  return MaybeFound(std::in_place, reply.finish(), Source::Rule, dns::Authority::Own);
}

Filter filter_of(const RuleOptions& options) {
  if (!options.only) return Filter::None;
  return *options.only == Family::V4 ? Filter::Aaaa : Filter::A;
}

Yielding yielding_of(const RuleOptions& options) {
  if (!options.prefer) return Yielding::None;
  return *options.prefer == Family::V4 ? Yielding::Aaaa : Yielding::A;
}

// The way of a question that goes to servers: those of a rule, or by its name.
Route route_of(const RuleSet& rules, const RuleOptions& options, ServerSetNumber servers) {
  Route route{.servers = static_cast<uint32_t>(servers),
              .filter = filter_of(options),
              .keeping = options.is_uncached ? Keeping::NotKept : Keeping::Kept,
              .yielding = yielding_of(options)};
  if (options.ttl) {
    route.least_ttl = options.ttl->least;
    route.most_ttl = options.ttl->most;
  }
  if (!route.is_by_name()) route.rules = rules.generation();
  return route;
}

Decision go_on(const Turn& turn, const ClientQuestion& asked, const RuleWalk& walk,
               ServerSetNumber servers) {
  Decision decision;
  // A rule that is to judge is not known to hold: see Lookup.
  if (!walk.judge && leaves_out(filter_of(walk.options), asked.question.type))
    decision.answer = empty_answer(turn, asked, Rcode::NoError, Source::Rule);
  decision.route = route_of(*turn.tables.rules, walk.options, servers);
  const SubnetChoice subnet = walk.options.subnet.value_or(turn.tables.settings.subnet);
  send_subnet(subnet, asked.client.address, asked.subnet, decision.route);
  decision.asking = {walk.options.wait, walk.options.race.value_or(1)};
  return decision;
}

Decision carry_out(const Turn& turn, const ClientQuestion& asked, RuleWalk& walk,
                   RuleNumber number) {
  const RuleSet& rules = *turn.tables.rules;
  const RuleAction& action = rules[number].action;
  Decision decision;
  switch (action.kind) {
    case Kind::Drop:
      decision.is_dropped = true;
      return decision;
    case Kind::Rcode:
      decision.answer = action.rcode == Rcode::NxDomain
                            ? answer_gone(turn, asked, Source::Rule)
                            : empty_answer(turn, asked, action.rcode, Source::Rule);
      return decision;
    case Kind::Answer:
      decision.answer = answer_of(turn, asked, action, walk.options);
      return decision;
    case Kind::Fake:
      decision.answer = answer_fake(turn, asked, walk.options);
      return decision;
    case Kind::Alias:
      decision.alias_for = action.target;
      decision.alias_ttl = walk.options.ttl_near(kStaticTtl);
      return decision;
    case Kind::Ask:
    case Kind::Pass:
    case Kind::With:
      break;
  }
  if (rules.judges(number)) walk.judge = number;
  const bool is_own = action.kind == Kind::Ask;
  return go_on(turn, asked, walk, is_own ? rules.set_of(number) : kDefaultServers);
}

void tell(const Tables& tables, RuleEvent::What what, RuleNumber number, dns::NameView name) {
  if (tables.on_rule) (*tables.on_rule)({what, (*tables.rules)[number], name});
}

}  // namespace

Decision decide_by_rules(const Turn& turn, const ClientQuestion& asked, RuleWalk& walk) {
  const RuleSet& rules = *turn.tables.rules;
  walk.generation = rules.generation();
  walk.now = turn.now;
  const auto tell_of = [&](RuleNumber number, RuleEvent::What what) {
    tell(turn.tables, what, number, asked.question.name);
  };
  while (const auto number = rules.find(turn.tables, asked, walk)) {
    if (walk.is_over_limit) {
      tell_of(*number, RuleEvent::What::OverLimit);
      return {empty_answer(turn, asked, Rcode::Refused, Source::Rule)};
    }
    if (!walk.has_failed || asks(rules[*number].action.kind)) {
      tell_of(*number, RuleEvent::What::Decides);
      return carry_out(turn, asked, walk, *number);
    }
    tell_of(*number, RuleEvent::What::PassedOver);
    walk.has_passed_over = true;
  }
  // The rule that was passed over may be there to keep the default servers out.
  if (walk.has_failed && walk.has_passed_over)
    return {empty_answer(turn, asked, Rcode::ServFail, Source::Error)};
  return go_on(turn, asked, walk, kDefaultServers);
}

Answer swapped(const dns::QuestionView& question, dns::BytesView answer,
               std::span<const IpAddress> addresses) {
  constexpr std::size_t kRoom = 4096;  // for what a rule may have
  Answer given(dns::Bytes(answer.begin(), answer.end()));
  if (!dns::is_address_type(question.type)) {
    for (const dns::Hint hint : {dns::Hint::Ipv4, dns::Hint::Ipv6})
      if (auto rest = dns::without_hints(given, hint)) given = *std::move(rest);
    return given;
  }
  dns::Bytes room(kRoom);
  dns::ReplyWriter reply(room, question, Rcode::NoError);
  const auto ttl = static_cast<uint32_t>(given.lifetime().count());
  for (const IpAddress& address : addresses)
    if (question.type == dns::type_of(address.family)) reply.add_address(address, ttl);
  room.resize(reply.finish().size());
  return Answer(std::move(room), given.error());
}

Verdict judge(const Tables& tables, const ClientQuestion& asked, RuleWalk& walk,
              dns::BytesView answer) {
  using What = RuleEvent::What;
  const RuleNumber number = *std::exchange(walk.judge, std::nullopt);
  const auto message = dns::Message::parse(answer);
  const bool has_failed = !message || dns::kind_by_header(answer) == dns::AnswerKind::Failure;
  const bool holds = !has_failed && tables.rules->accepts(number, tables, *message);
  walk.has_failed = walk.has_failed || has_failed;
  const bool swaps = !(*tables.rules)[number].swap.empty();
  What what = has_failed ? What::Failed : holds ? What::Holds : What::DoesNotHold;
  if (swaps) what = holds ? What::Swaps : What::LeavesAlone;
  tell(tables, what, number, asked.question.name);
  if (swaps && holds) return Verdict::Swapped;
  return holds || swaps ? Verdict::Accepted : Verdict::Rejected;
}

}  // namespace dnslet::policy

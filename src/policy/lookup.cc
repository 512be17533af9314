// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/lookup.h"

#include <algorithm>

#include "dns/flatten.h"
#include "dns/hash.h"
#include "dns/patch.h"
#include "policy/decide.h"
#include "policy/lookup_steps.h"
#include "policy/own_names.h"
#include "policy/storing.h"

namespace dnslet::policy {
namespace {

using dns::Rcode;

// The code of a response that is a header and nothing else, as some servers without EDNS send it.
std::optional<Rcode> code_without_question(dns::BytesView packet) {
  dns::Reader reader(packet);
  reader.skip(2);
  const uint16_t flags = reader.u16();
  const uint32_t counts = reader.u32() | reader.u32();
  if (!reader.ok() || counts != 0 || (flags & dns::flag::kQr) == 0) return std::nullopt;
  const auto rcode = static_cast<Rcode>(flags & dns::flag::kRcode);
  if (rcode == Rcode::NoError || rcode == Rcode::NxDomain) return std::nullopt;
  return rcode;
}

}  // namespace

// The ladder. What answers first wins; the order is the contract's.
Step Lookup::start(const Turn& turn, dns::BytesView packet) {
  switch (dns::parse_query_into(packet, query_)) {
    case dns::Verdict::Drop:
      return Drop();
    case dns::Verdict::NotImp:
      return refuse_packet(turn, Rcode::NotImp);
    case dns::Verdict::FormErr:
      return refuse_packet(turn, Rcode::FormErr);
    case dns::Verdict::BadVers:
      return refuse_packet(turn, Rcode::BadVers);
    case dns::Verdict::Usable:
      break;
  }
  const Turn room = room_in(turn);
  ClientQuestion question = asked();
  const Decision decision = decide(room, question);
  if (decision.answer) return shape(turn, *decision.answer);
  question.route = route_ = decision.route;
  return look_up(turn, room, question);
}

// The rungs below what we own: cache, refusal, upstream, by way of the search list where there is
// one.
Step Lookup::look_up(const Turn& turn, const Turn& room, const ClientQuestion& question) {
  const Tables& tables = turn.tables;
  const SearchRules& rules = tables.settings.search;
  if (rules.domains.empty() && rules.fwd_ndots == 0) {
    if (const auto found = answer_cached(room, question, Scope::AsItStands))
      return shape(turn, *found);
    if (const auto found = answer_any(room, question)) return shape(turn, *found);
    if (const auto found = refuse_forwarding(room, question)) return shape(turn, *found);
    return ask_for(tables, question);
  }

  const InStubZone stub = in_stub_zone(tables.zones, query_.question.name);
  if (stands_first(query_.question, rules, stub)) {
    const auto found = answer_cached(room, question, Scope::AsItStands);
    if (found && dns::has_records(dns::kind_by_header(found->message))) return shape(turn, *found);
  }
  if (const auto found = answer_cached(room, question, Scope::Searched)) return shape(turn, *found);

  std::vector<dns::Name> names = names_now(tables);
  const bool is_searched = names.size() > 1 || (names.size() == 1 && !is_asked(names.front()));
  if (!is_searched)
    if (const auto found = answer_cached(room, question, Scope::AsItStands))
      return shape(turn, *found);
  if (!is_searched || !tables.settings.forwards)
    if (const auto found = answer_any(room, question)) return shape(turn, *found);
  if (const auto found = refuse_forwarding(room, question)) return shape(turn, *found);
  if (is_searched) return start_search(turn, std::move(names));
  if (names.empty()) {
    const bool is_there = is_own(tables, query_.question.name);
    const Rcode rcode = is_there ? Rcode::NoError : Rcode::NxDomain;
    return shape(turn, *empty_answer(room, question, rcode, Source::Special));
  }
  return ask_for(tables, question);
}

Step Lookup::on_answer(const Turn& turn, const Landed& landed) {
  if (search_) {
    const bool has_failed = landed.answer.kind() == dns::AnswerKind::Failure;
    if (!has_failed || !take_stale(turn)) {
      if (landed.source == Source::Error)
        search_->unreachable.push_back(search_->servers_tried(turn.tables.zones));
      take_step(turn, landed);
    }
    return next_name(turn);
  }
  return finish_landed(turn, landed, Scope::AsItStands);
}

// An answer from upstream that has just been kept. Where addresses rotate it is taken from the
// cache again if it is there: the entry counts the turns.
Reply Lookup::finish_landed(const Turn& turn, const Landed& landed, Scope scope) const {
  const Tables& tables = turn.tables;
  const Turn room = room_in(turn);
  const bool has_failed = landed.answer.kind() == dns::AnswerKind::Failure;
  if (has_failed)
    if (const auto found = answer_stale(room, asked(), scope, Ended::Any))
      return shape(turn, *found);
  // A failure is told as such, also where another worker has kept an answer meanwhile; what is ours
  // has been rotated already.
  const bool is_ours = landed.source == Source::Address || landed.source == Source::Hosts ||
                       landed.source == Source::Record;
  const bool rotates = tables.settings.rotation == Rotation::On && !is_ours && !has_failed;
  if (rotates && query_.has(dns::flag::kRd)) {
    if (auto found = answer_cached(room, asked(), scope)) {
      found->source = landed.source;
      return shape(turn, *found);
    }
  }
  Found found = copy_of(room, landed.answer, landed.source);
  if (rotates) {
    const dns::NameView name = query_.question.name;
    const uint64_t counter = dns::hash(name.wire(), static_cast<uint64_t>(query_.question.type));
    found.turn = tables.turns.uncached[counter % tables.turns.uncached.size()]++;
  }
  return shape(turn, found);
}

Ask Lookup::ask_for(const Tables& tables, const ClientQuestion& question) const {
  const auto& [name, type, qclass] = question.question;
  return {{{dns::Name(name), type, qclass}, question.flags, question.route},
          servers_of(tables.zones, question.route, name)};
}

ClientQuestion Lookup::asked() const {
  return {query_.question.view(),
          {.recursion_desired = query_.has(dns::flag::kRd),
           .checking_disabled = query_.has(dns::flag::kCd),
           .dnssec_ok = query_.dnssec_ok()},
          client_,
          route_};
}

// Addresses in turn, id, flags and spelling of the query, what fits the client, OPT. What is found
// for the client itself is refreshed where it is in use and ends soon.
Reply Lookup::shape(const Turn& turn, const Found& found) const {
  const Tables& tables = turn.tables;
  const dns::MutableBytesView limit = within_limit(turn.out);
  const std::size_t room = limit.size() - opt_size();
  const dns::MutableBytesView message = found.message;
  if (found.turn && tables.settings.rotation == Rotation::On) rotate(message, *found.turn, room);
  dns::address_to(message, query_, found.authority);
  std::size_t size = message.size();
  if (message.data() != limit.data()) {
    size = shorten(tables, message, room);
    dns::copy_bytes(message.first(size), limit);
  }
  const Rcode rcode = dns::rcode_of(limit);
  Reply reply{dns::append_opt(limit, size, query_, {rcode, found.error}), found.source, rcode};
  if (found.wants_refresh && tables.settings.refreshes && query_.has(dns::flag::kRd) &&
      tables.cache.claim_refresh(policy::key_of(asked(), found.scope)))
    reply.refresh = found.scope;
  return reply;
}

std::size_t Lookup::shorten(const Tables& tables, dns::MutableBytesView message,
                            std::size_t limit) const {
  const bool flattens =
      tables.settings.flattens && client_.transport == Transport::Udp && !query_.edns;
  return flattens ? dns::flatten(message, limit, query_) : dns::cut(message, limit, query_);
}

Reply Lookup::refuse_packet(const Turn& turn, Rcode rcode) const {
  return {dns::write_refusal(within_limit(turn.out), query_, rcode), Source::Error, rcode};
}

// Of an answer to what the client asked.
Storing Lookup::storing_under(Scope scope, Milliseconds now) const {
  return {.key = policy::key_of(asked(), scope),
          .now = now,
          .is_for_recursion = query_.has(dns::flag::kRd)};
}

bool Lookup::is_asked(const dns::Name& name) const { return name == query_.question.name; }

CacheKey key_of(const UpstreamQuestion& question) {
  return {question.question.name,
          question.question.type,
          question.question.qclass,
          question.flags.dnssec_ok,
          question.flags.checking_disabled,
          Scope::AsItStands,
          question.route};
}

bool read_answer(dns::BytesView packet, const UpstreamQuestion& question, UpstreamAnswer& out) {
  if (const auto rcode = code_without_question(packet)) {
    out = {Answer::failure(question.question, *rcode), *rcode, false};
    return true;
  }
  const auto message = dns::Message::parse(packet);
  if (!message || !message->has(dns::flag::kQr)) return false;
  if ((message->flags() & dns::flag::kOpcode) != 0) return false;
  if (message->question() != question.question) return false;

  out.rcode = message->rcode();
  out.has_edns = message->edns().has_value();
  if (static_cast<unsigned>(out.rcode) > 15)
    out.answer = Answer(dns::build_failure(question.question, Rcode::ServFail),
                        dns::ExtendedError(dns::extended_error(*message)));
  else
    out.answer.read(*message);
  return true;
}

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/lookup.h"

#include <algorithm>

#include "dns/flatten.h"
#include "dns/hash.h"
#include "dns/patch.h"
#include "policy/lookup_steps.h"
#include "policy/own_names.h"
#include "policy/special.h"
#include "policy/storing.h"

namespace dnslet::policy {
namespace {

using dns::Authority;
using dns::Rcode;
using dns::Type;

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

const char* to_text(Source source) {
  switch (source) {
    case Source::Hosts:
      return "hosts";
    case Source::Address:
      return "address";
    case Source::Block:
      return "block";
    case Source::Special:
      return "special";
    case Source::Filter:
      return "filter";
    case Source::Chaos:
      return "chaos";
    case Source::Cache:
      return "cache";
    case Source::Stale:
      return "stale";
    case Source::Upstream:
      return "upstream";
    case Source::Refused:
      return "refused";
    case Source::Error:
      return "error";
  }
  return "error";
}

// The ladder. What answers first wins; the order is the contract's.
Step Lookup::start(const Tables& tables, dns::BytesView packet, Milliseconds now,
                   dns::MutableBytesView out) {
  switch (dns::parse_query_into(packet, query_)) {
    case dns::Verdict::Drop:
      return Drop();
    case dns::Verdict::NotImp:
      return answer_code(Rcode::NotImp, Source::Error, out);
    case dns::Verdict::FormErr:
      return answer_code(Rcode::FormErr, Source::Error, out);
    case dns::Verdict::BadVers:
      return answer_code(Rcode::BadVers, Source::Error, out);
    case dns::Verdict::Usable:
      break;
  }

  if (const auto reply = refuse_client(tables, out)) return *reply;
  if (const auto reply = answer_chaos(tables, out)) return *reply;
  if (const auto reply = answer_static(tables, out)) return *reply;
  if (const auto reply = answer_special(tables, out)) return *reply;
  if (const auto reply = answer_filtered(tables, out)) return *reply;
  return look_up(tables, now, out);
}

// The rungs below what we own: cache, refusal, upstream, by way of the search list where there is
// one.
Step Lookup::look_up(const Tables& tables, Milliseconds now, dns::MutableBytesView out) {
  const SearchRules& rules = tables.settings.search;
  if (rules.domains.empty() && rules.fwd_ndots == 0) {
    if (const auto reply = answer_cached(tables, Scope::AsItStands, now, out)) return *reply;
    if (const auto reply = answer_any(tables, out)) return *reply;
    if (const auto reply = refuse_forwarding(tables, out)) return *reply;
    return ask_for(tables, query_.question);
  }

  const InStubZone stub = in_stub_zone(tables.zones, query_.question.name);
  if (stands_first(query_.question, rules, stub)) {
    const auto reply = answer_cached(tables, Scope::AsItStands, now, out);
    if (reply && dns::has_records(dns::kind_by_header(out.first(reply->size)))) return *reply;
  }
  if (const auto reply = answer_cached(tables, Scope::Searched, now, out)) return *reply;

  std::vector<dns::Name> names = names_now(tables);
  const bool is_searched = names.size() > 1 || (names.size() == 1 && !is_asked(names.front()));
  if (!is_searched)
    if (const auto reply = answer_cached(tables, Scope::AsItStands, now, out)) return *reply;
  if (!is_searched || !tables.settings.forwards)
    if (const auto reply = answer_any(tables, out)) return *reply;
  if (const auto reply = refuse_forwarding(tables, out)) return *reply;
  if (is_searched) return start_search(tables, std::move(names), now, out);
  if (names.empty()) {
    const bool is_there = is_own(tables, query_.question.name);
    return answer_names(is_there ? Rcode::NoError : Rcode::NxDomain, Source::Special, out);
  }
  return ask_for(tables, query_.question);
}

Step Lookup::on_answer(const Tables& tables, const Landed& landed, Milliseconds now,
                       dns::MutableBytesView out) {
  if (search_) {
    dns::Question question = query_.question;
    question.name = search_->tried();
    const bool has_failed = landed.answer.kind() == dns::AnswerKind::Failure;
    if (!has_failed || !take_stale(tables, question, now, Ended::Any)) {
      if (landed.source == Source::Error)
        search_->unreachable.push_back(tables.zones.find(question.name));
      take_step(tables, landed, now);
    }
    return next_name(tables, now, out);
  }
  return finish_landed(tables, landed, {Scope::AsItStands, now}, out);
}

// An answer from upstream that has just been kept. Where addresses rotate it is taken from the
// cache again if it is there: the entry counts the turns.
Reply Lookup::finish_landed(const Tables& tables, const Landed& landed, const Kept& kept,
                            dns::MutableBytesView out) const {
  const bool has_failed = landed.answer.kind() == dns::AnswerKind::Failure;
  if (has_failed)
    if (const auto reply = answer_stale(tables, kept, Ended::Any, out)) return *reply;
  // A failure is told as such, also where another worker has kept an answer meanwhile; what is ours
  // has been rotated already.
  const bool is_ours = landed.source == Source::Address || landed.source == Source::Hosts;
  const bool rotates = tables.settings.rotation == Rotation::On && !is_ours && !has_failed;
  if (rotates && query_.has(dns::flag::kRd)) {
    if (auto reply = answer_cached(tables, kept.scope, kept.now, out)) {
      reply->source = landed.source;
      return *reply;
    }
  }
  // As much of it as the client gets, and what has to be looked at for that.
  const dns::BytesView whole = landed.answer.message();
  const dns::MutableBytesView slot = without_opt_room(within_limit(out));
  const dns::MutableBytesView message =
      whole.size() <= slot.size()
          ? slot.first(whole.size())
          : tables.scratch.first(dns::front_size(whole.size(), slot.size()));
  dns::copy_bytes(whole.first(message.size()), message);
  if (rotates) {
    const dns::NameView name = query_.question.name;
    const uint64_t counter = dns::hash(name.wire(), static_cast<uint64_t>(query_.question.type));
    rotate(message, tables.turns.uncached[counter % tables.turns.uncached.size()]++, slot.size());
  }
  return finish(tables, message, {landed.answer.error(), landed.source}, out);
}

Ask Lookup::ask_for(const Tables& tables, const dns::Question& question) const {
  return {{question,
           {.recursion_desired = query_.has(dns::flag::kRd),
            .checking_disabled = query_.has(dns::flag::kCd),
            .dnssec_ok = query_.dnssec_ok()}},
          tables.zones.find(question.name)};
}

Lookup::MaybeReply Lookup::refuse_client(const Tables& tables, dns::MutableBytesView out) const {
  const bool is_allowed = tables.settings.allows(client_.address);
  const dns::Class qclass = query_.question.qclass;
  const bool is_transfer = query_.question.type == Type::AXFR || query_.question.type == Type::IXFR;
  const bool is_known_class = qclass == dns::Class::IN || qclass == dns::Class::CH;
  if (is_allowed && is_known_class && !is_transfer) return std::nullopt;
  return answer_code(Rcode::Refused, Source::Refused, out);
}

Lookup::MaybeReply Lookup::answer_chaos(const Tables& tables, dns::MutableBytesView out) const {
  if (query_.question.qclass != dns::Class::CH) return std::nullopt;
  const auto text = chaos_text(query_.question, tables.settings.version);
  if (!text) return answer_code(Rcode::Refused, Source::Refused, out);
  dns::ReplyWriter reply(within_limit(out), query_, Rcode::NoError, Authority::Own);
  reply.add_text(*text, 0);
  return Reply{reply.finish(), Source::Chaos, Rcode::NoError};
}

Lookup::MaybeReply Lookup::answer_filtered(const Tables& tables, dns::MutableBytesView out) const {
  const Type type = query_.question.type;
  const Filter filter = tables.settings.filter;
  const bool is_filtered =
      (filter == Filter::A && type == Type::A) || (filter == Filter::Aaaa && type == Type::AAAA);
  if (!is_filtered) return std::nullopt;
  return answer_names(Rcode::NoError, Source::Filter, out);
}

Lookup::MaybeReply Lookup::answer_cached(const Tables& tables, Scope scope, Milliseconds now,
                                         dns::MutableBytesView out) const {
  const dns::MutableBytesView slot = without_opt_room(within_limit(out));
  const CacheKey key = key_of(query_.question, scope);
  if (const auto hit = tables.cache.find(key, now, slot, tables.scratch)) {
    if (tables.settings.rotation == Rotation::On) rotate(hit->message, hit->turn, slot.size());
    Reply reply = finish(tables, hit->message, {hit->error, Source::Cache}, out);
    if (hit->wants_refresh && tables.settings.refreshes && query_.has(dns::flag::kRd) &&
        tables.cache.claim_refresh(key))
      reply.refresh = scope;
    return reply;
  }
  const auto failure = tables.failures.find(key, now, slot, tables.scratch);
  const Ended which = failure ? Ended::Any : Ended::JustTried;
  if (const auto reply = answer_stale(tables, {scope, now}, which, out)) return reply;
  if (failure) return finish(tables, failure->message, {failure->error, Source::Cache}, out);
  return std::nullopt;
}

Lookup::MaybeReply Lookup::refuse_forwarding(const Tables& tables,
                                             dns::MutableBytesView out) const {
  if (tables.settings.forwards) return std::nullopt;
  // A question for addresses has passed all names that have some.
  const dns::NameView name = query_.question.name;
  const bool is_for_address = is_address_type(query_.question.type);
  if (const auto* table = is_for_address ? reverse_table_of(tables, name) : own_table(tables, name))
    return answer_names(Rcode::NoError,
                        table == &tables.addresses ? Source::Address : Source::Hosts, out);
  return answer_code(Rcode::Refused, Source::Refused, out);
}

// A refusal: no data, nobody's authority.
Reply Lookup::answer_code(Rcode rcode, Source source, dns::MutableBytesView out) const {
  dns::ReplyWriter reply(within_limit(out), query_, rcode, Authority::None);
  return {reply.finish(), source, rcode};
}

// An empty answer that we vouch for: NXDOMAIN or NODATA.
Reply Lookup::answer_names(Rcode rcode, Source source, dns::MutableBytesView out) const {
  dns::ReplyWriter reply(within_limit(out), query_, rcode, Authority::Own);
  return {reply.finish(), source, rcode};
}

// Makes a stored message, which lies in `out` already, or the front of one that lies elsewhere,
// this client's answer in `out`.
Reply Lookup::finish(const Tables& tables, dns::MutableBytesView message, const Told& told,
                     dns::MutableBytesView out) const {
  const dns::MutableBytesView room = within_limit(out);
  dns::address_to(message, query_);
  std::size_t size = message.size();
  if (message.data() != room.data()) {
    size = shorten(tables, message, without_opt_room(room).size());
    dns::copy_bytes(message.first(size), room);
  }
  const Rcode rcode = dns::rcode_of(room);
  return {dns::append_opt(room, size, query_, {rcode, &told.error}), told.source, rcode};
}

std::size_t Lookup::shorten(const Tables& tables, dns::MutableBytesView message,
                            std::size_t limit) const {
  const bool flattens =
      tables.settings.flattens && client_.transport == Transport::Udp && !query_.edns;
  return flattens ? dns::flatten(message, limit, query_) : dns::cut(message, limit, query_);
}

dns::MutableBytesView Lookup::without_opt_room(dns::MutableBytesView out) const {
  return out.first(out.size() - (query_.edns ? dns::kOptSize : 0));
}

dns::MutableBytesView Lookup::within_limit(dns::MutableBytesView out) const {
  if (client_.transport == Transport::Tcp) return out;
  return out.first(std::min(out.size(), query_.udp_limit()));
}

CacheKey Lookup::key_of(const dns::Question& question, Scope scope) const {
  return {
      question.name, question.type, question.qclass, query_.dnssec_ok(), query_.has(dns::flag::kCd),
      scope};
}

// Of an answer to what the client asked.
Storing Lookup::storing_under(Scope scope, Milliseconds now) const {
  return {.key = key_of(query_.question, scope),
          .now = now,
          .is_for_recursion = query_.has(dns::flag::kRd)};
}

bool Lookup::is_asked(const dns::Name& name) const { return name == query_.question.name; }

CacheKey key_of(const UpstreamQuestion& question) {
  return {question.question.name, question.question.type, question.question.qclass,
          question.flags.dnssec_ok, question.flags.checking_disabled};
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

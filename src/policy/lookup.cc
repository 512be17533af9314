// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/lookup.h"

#include <algorithm>
#include <utility>

#include "dns/flatten.h"
#include "dns/hash.h"
#include "dns/patch.h"
#include "policy/decide.h"
#include "policy/lookup_steps.h"
#include "policy/own_names.h"
#include "policy/preference.h"
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

bool tells_of_clients(const Tables& tables) {
  return tables.settings.subnet.kind == SubnetChoice::Kind::Client ||
         (tables.rules != nullptr && tables.rules->tells_of_clients());
}

// How many bits of the network that was sent the answer depends on; nullopt: it speaks of another
// one. Who says nothing does not look at networks; who was not told of this one, as it went without
// EDNS, may have answered others otherwise.
std::optional<uint8_t> subnet_scope(const dns::Message& message, const Route& route,
                                    dns::QueryEdns edns) {
  const Network* const sent = route.sent_subnet();
  if (sent && edns == dns::QueryEdns::WithoutEdns) return kWholeSubnet;
  const auto option = sent ? dns::find_option(message, dns::kOptionClientSubnet) : std::nullopt;
  if (!option) return 0;
  const auto said = dns::read_client_subnet(*option);
  if (!said || said->network != *sent) return std::nullopt;
  return said->scope;
}

}  // namespace

// The ladder. What answers first wins; the order is the contract's.
Step Lookup::start(const Turn& turn, dns::BytesView packet) {
  const dns::Verdict verdict = dns::parse_query_into(packet, query_);
  if ((query_.subnet || query_.has_broken_subnet) && !tells_of_clients(turn.tables)) {
    query_.subnet.reset();  // what nobody is told, nobody is to hear of
    query_.has_broken_subnet = false;
  }
  switch (verdict) {
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
  if (query_.has_broken_subnet) return refuse_packet(turn, Rcode::FormErr);
  ClientQuestion question = current();
  if (turn.tables.rules == nullptr)
    return look_up(turn, question, decide(room_in(turn), question, nullptr), nullptr);
  RuleWalk walk{.counted = &counted_};
  return look_up(turn, question, decide(room_in(turn), question, &walk), &walk);
}

// What has been decided, and the rungs below: cache, refusal, upstream, by way of the search list
// where there is one.
Step Lookup::look_up(const Turn& turn, ClientQuestion& question, const Decision& decision,
                     const RuleWalk* walk) {
  if (decision.is_dropped) return Drop{true};
  const bool has_sets = walk != nullptr && (walk->options.nft_sets || walk->options.ip_sets);
  if (has_sets) choose_sets(*walk);
  if (decision.answer) return shape(turn, *decision.answer);
  if (decision.alias_for) return follow(turn, decision, walk != nullptr ? *walk : RuleWalk());
  const SearchRules& rules = turn.tables.settings.search;
  const bool may_search = !rules.domains.empty() || rules.fwd_ndots > 0;
  const bool is_judged = walk != nullptr && walk->judge;
  question.route = route_ = decision.route;
  asking_ = decision.asking;
  if (may_search) {
    if (auto step = look_up_searched(turn, question, is_judged)) return *std::move(step);
  } else if (!is_judged) {
    if (const auto found = answer_cached(room_in(turn), question, Scope::AsItStands))
      return shape(turn, *found);
  }
  return is_judged ? follow(turn, decision, *walk) : forward(turn, room_in(turn));
}

// Where there may be names to search; nullopt: the name is asked for as it stands. What a rule is
// to judge is no answer yet.
std::optional<Step> Lookup::look_up_searched(const Turn& turn, const ClientQuestion& question,
                                             bool is_judged) {
  const Tables& tables = turn.tables;
  const Turn room = room_in(turn);
  const InStubZone stub = in_stub_zone(tables.zones, query_.question.name);
  if (!is_judged && stands_first(query_.question, tables.settings.search, stub)) {
    const auto found = answer_cached(room, question, Scope::AsItStands);
    if (found && dns::has_records(dns::kind_by_header(found->message))) return shape(turn, *found);
  }
  if (const auto found = answer_cached(room, asked(tables, Scope::Searched), Scope::Searched))
    return shape(turn, *found);

  std::vector<dns::Name> names = names_now(tables);
  const bool is_searched = names.size() > 1 || (names.size() == 1 && !is_asked(names.front()));
  if (is_searched && tables.settings.forwards) return start_search(turn, std::move(names));
  if (is_searched) return forward(turn, room);
  if (!is_judged)
    if (const auto found = answer_cached(room, question, Scope::AsItStands))
      return shape(turn, *found);
  if (names.empty()) return refuse_short(turn, room);
  return std::nullopt;
}

// Servers have to be asked for the name looked up, or `*` has it, or nobody may be asked.
Step Lookup::forward(const Turn& turn, const Turn& room) {
  if (const auto found = answer_any(room, current())) return shape(turn, told(turn, *found));
  if (const auto found = refuse_forwarding(room, current())) return shape(turn, told(turn, *found));
  return ask_for(turn);
}

// The name has fewer dots than what is forwarded as it stands, and there is nothing to add.
Step Lookup::refuse_short(const Turn& turn, const Turn& room) {
  if (const auto found = answer_any(room, current())) return shape(turn, *found);
  if (const auto found = refuse_forwarding(room, current())) return shape(turn, *found);
  const bool is_there = is_own(turn.tables, query_.question.name);
  const Rcode rcode = is_there ? Rcode::NoError : Rcode::NxDomain;
  return shape(turn, *empty_answer(room, current(), rcode, Source::Special));
}

Step Lookup::on_answer(const Turn& turn, Landed landed) {
  // Servers were silent, but have shown by the other address family that the name is there.
  const bool is_answered = landed.answer.kind() != dns::AnswerKind::Failure;
  if (landed.source == Source::Error && is_answered) landed.source = Source::Upstream;
  return walk_ ? take_judged(turn, landed) : take_landed(turn, landed);
}

Step Lookup::take_landed(const Turn& turn, const Landed& landed) {
  const bool has_failed = landed.answer.kind() == dns::AnswerKind::Failure;
  if (has_to_yield(turn, landed.answer, landed.sibling)) return take_empty(turn);
  if (!search_) return finish_landed(turn, landed, Scope::AsItStands);
  if (!has_failed || !take_stale(turn)) {
    if (landed.source == Source::Error)
      search_->unreachable.push_back(current_servers(turn.tables));
    take_step(turn, {under_aliases(landed.answer), landed.source, landed.sibling});
  }
  return next_name(turn);
}

// An answer from upstream that has just been kept. Where addresses rotate it is taken from the
// cache again if it is there: the entry counts the turns.
Reply Lookup::finish_landed(const Turn& turn, const Landed& landed, Scope scope) const {
  const Tables& tables = turn.tables;
  const Turn room = room_in(turn);
  const bool has_failed = landed.answer.kind() == dns::AnswerKind::Failure;
  const ClientQuestion question = asked(tables, scope);
  if (has_failed)
    if (const auto found = answer_stale(room, question, scope, Ended::Any))
      return shape(turn, told(turn, *found));
  // A failure is told as such, also where another worker has kept an answer meanwhile; what is ours
  // has been rotated already.
  const bool is_ours = landed.source == Source::Address || landed.source == Source::Hosts ||
                       landed.source == Source::Record;
  const bool rotates = tables.settings.rotation == Rotation::On && !is_ours && !has_failed;
  if (rotates && query_.has(dns::flag::kRd)) {
    if (auto found = answer_fresh(room, question, scope)) {
      found->source = landed.source;
      return shape(turn, told(turn, *found));
    }
  }
  Found found = copy_of(room, landed.answer, landed.source);
  found.wants_refresh = ended_step_ != nullptr;
  if (rotates) {
    const dns::NameView name = query_.question.name;
    const uint64_t counter = dns::hash(name.wire(), static_cast<uint64_t>(query_.question.type));
    found.turn = tables.turns.uncached[counter % tables.turns.uncached.size()]++;
  }
  return shape(turn, told(turn, found));
}

Ask Lookup::ask_for(const Turn& turn) const { return ask_by(turn, route_, asking_); }

Ask Lookup::ask_by(const Turn& turn, const Route& route, const Asking& asking) const {
  ClientQuestion question = current();
  question.route = route;
  Ask ask{
      {{current_name(), question.question.type, question.question.qclass}, question.flags, route},
      servers_of(turn.tables.zones, route, current_name()),
      asking};
  ask.asking.asks_sibling = preference(turn.tables, question, turn.now) == Preference::Unknown;
  return ask;
}

// Whether the name has addresses of the family that is preferred to the one of this answer.
bool Lookup::has_to_yield(const Turn& turn, const Answer& answer, Existence sibling) const {
  if (!answer.has_records() || !yields(route_.yielding, query_.question.type)) return false;
  return sibling == Existence::HasData ||
         preference(turn.tables, current(), turn.now) == Preference::Yields;
}

const dns::Name& Lookup::current_name() const {
  if (aliases_) return aliases_->back().target;
  return search_ ? search_->tried() : query_.question.name;
}

ServerSetNumber Lookup::current_servers(const Tables& tables) const {
  return servers_of(tables.zones, route_, current_name());
}

ClientQuestion Lookup::current() const {
  return {{current_name(), query_.question.type, query_.question.qclass},
          {.recursion_desired = query_.has(dns::flag::kRd),
           .checking_disabled = query_.has(dns::flag::kCd),
           .dnssec_ok = query_.dnssec_ok()},
          client_,
          route_,
          query_.subnet ? &*query_.subnet : nullptr};
}

// What a search finds is no one route's. Where clients are told different things, or addresses go
// into sets, each of its names is kept for its own route alone.
ClientQuestion Lookup::asked(const Tables& tables, Scope scope) const {
  ClientQuestion question = current();
  if (scope == Scope::AsItStands) return question;
  question.question.name = query_.question.name;
  question.route = kByName;
  if (tells_of_clients(tables) ||
      (tables.rules && (tables.rules->tells_clients_apart() || tables.rules->has_sets())))
    question.route.keeping = Keeping::NotKept;
  return question;
}

// With --reverse-mapping each answer is looked at twice: whether it lacks a name that is known, and
// which addresses it gives.
Reply Lookup::shape(const Turn& turn, const Found& found) const {
  const bool is_mapped = turn.tables.reverse_names != nullptr && !is_refresh_;
  if (!is_mapped) return shape_as_found(turn, found);
  if (const auto given = find_given(turn, found)) return shape_as_found(turn, *given);
  const Reply reply = shape_as_found(turn, found);
  note_given(turn, reply);
  return reply;
}

// Addresses in turn, id, flags and spelling of the query, what fits the client, OPT. What is found
// for the client itself is refreshed where it is in use and ends soon, or has ended.
Reply Lookup::shape_as_found(const Turn& turn, const Found& found) const {
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
  const bool is_padded = query_.wants_padding && client_.is_encrypted();
  const dns::OptFacts facts{rcode, found.error, scope_told(found), is_padded};
  Reply reply{dns::append_opt(limit, size, query_, facts), found.source, rcode};
  if (found.wants_refresh && claims_refresh(turn, found)) reply.refresh = found.scope;
  if (has_address_sets() && sets_) reply.sets = &sets_->sets;
  return reply;
}

// How far the client may take the answer for that of others: where a network of its own was sent.
uint8_t Lookup::scope_told(const Found& found) const {
  const Network* const sent = route_.sent_subnet();
  if (!query_.subnet || !sent || !sent->covers(query_.subnet->network)) return 0;
  const bool is_of_several = is_of_several_ || yields(route_.yielding, query_.question.type);
  return is_of_several ? sent->prefix : std::min(found.subnet_scope, sent->prefix);
}

std::size_t Lookup::shorten(const Tables& tables, dns::MutableBytesView message,
                            std::size_t limit) const {
  const bool flattens =
      tables.settings.flattens && client_.protocol == Protocol::Udp && !query_.edns;
  return flattens ? dns::flatten(message, limit, query_) : dns::cut(message, limit, query_);
}

Reply Lookup::refuse_packet(const Turn& turn, Rcode rcode) const {
  return {dns::write_refusal(within_limit(turn.out), query_, rcode), Source::Error, rcode};
}

// Of an answer to what the client asked.
Storing Lookup::storing_under(const Turn& turn, Scope scope) const {
  return {.key = policy::key_of(asked(turn.tables, scope), scope),
          .now = turn.now,
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

bool read_answer(dns::BytesView packet, const UpstreamQuestion& question, UpstreamAnswer& out,
                 dns::QueryEdns edns) {
  if (const auto rcode = code_without_question(packet)) {
    out = {Answer::failure(question.question, *rcode), *rcode, false};
    return true;
  }
  const auto message = dns::Message::parse(packet);
  if (!message || !message->has(dns::flag::kQr)) return false;
  if ((message->flags() & dns::flag::kOpcode) != 0) return false;
  if (message->question() != question.question) return false;

  const auto scope = subnet_scope(*message, question.route, edns);
  if (!scope) return false;

  out.rcode = message->rcode();
  out.has_edns = message->edns().has_value();
  if (static_cast<unsigned>(out.rcode) > 15)
    out.answer = Answer(dns::build_failure(question.question, Rcode::ServFail),
                        dns::ExtendedError(dns::extended_error(*message)));
  else
    out.answer.read(*message);
  out.answer.set_subnet_scope(*scope);
  return true;
}

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of Outstanding that deals with queries: what comes of them, what it says of their
// servers, and when nobody waits for them any more.

#include <algorithm>
#include <utility>

#include "policy/outstanding.h"

namespace dnslet::policy {
namespace {

using dns::Rcode;

bool has_soa(dns::BytesView packet) {
  const auto message = dns::Message::parse(packet);
  bool has = false;
  if (message)
    message->for_each_record(
        [&](const dns::Record& record) { has |= record.type == dns::Type::SOA; });
  return has;
}

// A server that neither recurses nor has the zone sends an empty NOERROR, at most with the names of
// others to ask: glibc and Go take it for a refusal, too. Without RD a referral is what was wanted.
bool is_lame(dns::BytesView packet, const UpstreamQuestion& question) {
  dns::Reader reader(packet);
  reader.skip(2);
  const uint16_t flags = reader.u16();
  reader.skip(2);
  const uint16_t answers = reader.u16();
  const bool may_know = (flags & (dns::flag::kRa | dns::flag::kAa)) != 0;
  const bool is_empty = answers == 0 && (flags & dns::flag::kRcode) == 0;
  return question.flags.recursion_desired && reader.ok() && !may_know && is_empty &&
         !has_soa(packet);
}

Exchange::What exchange_of(QueryOutcome outcome) {
  switch (outcome) {
    case QueryOutcome::NoResources:
      return Exchange::What::NoResources;
    case QueryOutcome::Failed:
      return Exchange::What::Failed;
    default:
      return Exchange::What::Unreachable;
  }
}

}  // namespace

void Outstanding::on_report(const QueryReport& report, Milliseconds now) {
  now_ = now;
  const Query* const found = queries_.find(report.token);
  if (!found) return;
  const Query query = *found;
  OpenQuestion* const open = questions_.find(query.question);
  note_health(query, open, report);
  if (open) {
    leave(*open, report.token);
    on_outcome(*open, query, report);
  }
  end_query(report.token);
  drop_servers();
}

void Outstanding::note_health(const Query& query, const OpenQuestion* open,
                              const QueryReport& report) {
  switch (report.outcome) {
    case QueryOutcome::Answer:
    case QueryOutcome::Truncated: {
      // The late answer to a question that has come back is dnslet's own.
      const bool is_echo = open && open->came_back && now_ - query.sent >= settings_.retry;
      if (is_echo) return;
      if (query.edns == dns::QueryEdns::WithEdns)
        servers_.edns(query.server).on_answer_to_opt();
      else
        servers_.edns(query.server).on_answer_without(now_);
      if (open) servers_.loop(query.server).on_answer();
      if (servers_.health(query.server).on_answer(now_))
        actions_.emplace_back(Note{Note::What::Recovered, query.server});
      return;
    }
    case QueryOutcome::Unreachable:
      // Where it goes on over a stream the server lacks that, and does answer.
      if (query.way == servers_.address(query.server).way)
        fail(query.server, Note::What::Unreachable);
      return;
    case QueryOutcome::Failed:
      fail(query.server, Note::What::Broken);
      if (report.pause.count() > 0)
        servers_.health(query.server).leave_alone(now_, now_ + report.pause);
      return;
    case QueryOutcome::Declined:  // it keeps its place
      return;
    case QueryOutcome::NoResources:
      actions_.emplace_back(Note{Note::What::NoResources, query.server});
      return;
  }
}

void Outstanding::fail(ServerNumber server, Note::What reason) {
  if (servers_.health(server).on_failure(now_)) actions_.emplace_back(Note{reason, server});
}

void Outstanding::on_outcome(OpenQuestion& open, const Query& query, const QueryReport& report) {
  switch (report.outcome) {
    case QueryOutcome::Answer:
      open.was_heard = true;
      on_answer(open, query, report.packet);
      return;
    case QueryOutcome::Truncated:
      open.was_heard = true;
      on_truncated(open, query, report.packet);
      return;
    case QueryOutcome::Declined:
      open.was_heard = true;
      tell(Exchange::What::Unusable, open, query.server);
      follow(open, open.attempt.on_result(query.server, ServerResult::Refused, now_));
      return;
    case QueryOutcome::Unreachable:
    case QueryOutcome::Failed:
    case QueryOutcome::NoResources:
      tell(exchange_of(report.outcome), open, query.server);
      // Another one may wait for the server's return in its stream.
      if (query.way == Way::Stream && is_asked(open, query.server)) return;
      follow(open, open.attempt.on_result(query.server, ServerResult::NetworkError, now_));
      return;
  }
}

void Outstanding::on_answer(OpenQuestion& open, const Query& query, dns::BytesView packet) {
  if (!read_answer(packet, open.question, read_, query.edns)) {
    tell(Exchange::What::Unusable, open, query.server);
    // It may have been cut on the way by who does not set TC.
    if (query.way == Way::Datagram && packet.size() >= dns::kMinUdpPayload)
      go_on_over_stream(open, query, Send::Purpose::Again);
    else
      follow(open, open.attempt.on_result(query.server, ServerResult::Refused, now_));
    return;
  }

  tell(Exchange::What::Answered, open, query.server, read_.rcode);
  const bool lame = is_lame(packet, open.question);
  if (lame) read_.answer = Answer::failure(open.question.question, Rcode::ServFail);
  if (lame || is_refusal(read_.rcode)) {
    on_refusal(open, query);
  } else if (!hold(open, read_.answer, query.server) &&
             !hold_for_preferred(open, read_.answer, query.server)) {
    finish(open, read_.answer, query.server);
  }
}

void Outstanding::on_refusal(OpenQuestion& open, const Query& query) {
  const bool may_mean_opt = read_.rcode == Rcode::FormErr || read_.rcode == Rcode::BadVers ||
                            (read_.rcode == Rcode::NotImp && !read_.has_edns);
  const bool had_opt = query.edns == dns::QueryEdns::WithEdns;
  const auto& servers = servers_.servers_of(open.list);
  const auto place =
      static_cast<std::size_t>(std::ranges::find(servers, query.server) - servers.begin());
  if (place <= open.refused_place) {
    open.refused_place = place;
    open.refusal = questions_.make_kept(read_.answer, query.server);
  }
  follow(open, open.attempt.on_result(
                   query.server,
                   may_mean_opt && had_opt ? ServerResult::NoEdns : ServerResult::Refused, now_));
}

void Outstanding::on_truncated(OpenQuestion& open, const Query& query, dns::BytesView packet) {
  const bool is_datagram = query.way == Way::Datagram;
  if (read_answer(packet, open.question, read_, query.edns) &&
      (!is_datagram || read_.answer.has_records()))
    open.cut = questions_.make_kept(read_.answer, query.server);
  if (is_datagram)
    go_on_over_stream(open, query, Send::Purpose::Continued);
  else
    follow(open, open.attempt.on_result(query.server, ServerResult::Refused, now_));
}

void Outstanding::go_on_over_stream(OpenQuestion& open, const Query& query, Send::Purpose purpose) {
  open.attempt.on_sign_of_life(query.server, now_);
  send(open, {.server = query.server, .way = Way::Stream, .edns = query.edns}, purpose);
}

// Whether a query to it is under way.
bool Outstanding::is_asked(const OpenQuestion& open, ServerNumber server) {
  for (uint64_t token = open.sent; token != 0;) {
    const Query& query = *queries_.find(token);
    if (query.server == server) return true;
    token = query.next;
  }
  return false;
}

// Takes the query out of the question's own.
void Outstanding::leave(OpenQuestion& open, uint64_t token) {
  uint64_t* link = &open.sent;
  while (*link != token) link = &queries_.find(*link)->next;
  *link = queries_.find(token)->next;
}

void Outstanding::forget_queries(OpenQuestion& open) {
  for (uint64_t token = std::exchange(open.sent, 0); token != 0;) {
    Query& query = *queries_.find(token);
    const uint64_t next = query.next;
    if (!keep_for_health(token, query, open)) {
      const bool was_silent = now_ - query.sent >= settings_.retry;
      actions_.emplace_back(Forget{token, query.server, query.way, was_silent});
      queries_.remove(token);
    }
    token = next;
  }
}

// The answer of a server that has failed puts it back in its place, however late. One query for
// each such server is enough for that.
bool Outstanding::keep_for_health(uint64_t token, Query& query, const OpenQuestion& open) {
  if (!servers_.health(query.server).has_failed()) return false;
  if (open.came_back) {
    // It was tried once more, and the question is here again: silent, as far as it goes.
    const bool is_new = now_ - query.sent < settings_.retry;
    if (is_new && servers_.loop(query.server).on_silence(LoopSuspicion::CameBack::Yes))
      probe(query.server);
    return false;
  }
  if (query.server >= kept_.size()) kept_.resize(query.server + 1);
  const uint64_t before = std::exchange(kept_[query.server].late, token);
  query.question = 0;
  query.next = 0;
  late_.add({due_after(settings_.timeout), token},
            [this](uint64_t there) { return queries_.find(there) != nullptr; });
  if (before == 0) return true;
  const Query& replaced = *queries_.find(before);
  actions_.emplace_back(
      Forget{before, replaced.server, replaced.way, now_ - replaced.sent >= settings_.retry});
  queries_.remove(before);
  return true;
}

// Lets go of a query that no question has any more; the transport does so too.
void Outstanding::end_query(uint64_t token) {
  const Query* const query = queries_.find(token);
  if (!query) return;
  if (query->server < kept_.size()) {
    Kept& kept = kept_[query->server];
    if (kept.late == token) kept.late = 0;
    if (kept.probe == token) kept.probe = 0;
  }
  queries_.remove(token);
}

void Outstanding::drop_servers() {
  while (const auto server = servers_.take_dropped()) {
    if (*server < kept_.size()) {
      const Kept kept = std::exchange(kept_[*server], {});
      if (kept.late != 0) queries_.remove(kept.late);
      if (kept.probe != 0) queries_.remove(kept.probe);
    }
    actions_.emplace_back(DropServer{*server});
  }
}

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "serve/asker.h"

#include <algorithm>
#include <utility>

#include "serve/loop_probe.h"

namespace dnslet::serve {
namespace {

using policy::Note;
using upstream::Outcome;

// The code in the header; what an OPT adds to it is not worth a walk through the message.
std::size_t place_of_rcode(dns::BytesView packet) {
  dns::Reader reader(packet);
  reader.skip(2);
  return place_of(static_cast<dns::Rcode>(reader.u16() & dns::flag::kRcode));
}

policy::QueryOutcome outcome_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::Answer:
      return policy::QueryOutcome::Answer;
    case Outcome::Truncated:
      return policy::QueryOutcome::Truncated;
    case Outcome::Unreachable:
      return policy::QueryOutcome::Unreachable;
    case Outcome::Failed:
      return policy::QueryOutcome::Failed;
    case Outcome::Declined:
      return policy::QueryOutcome::Declined;
    case Outcome::NoResources:
      break;
  }
  return policy::QueryOutcome::NoResources;
}

const char* reason_of(Note::What what) {
  if (what == Note::What::Failed) return "silent";
  return what == Note::What::Unreachable ? "unreachable" : "failure";
}

}  // namespace

Asker::Asker(io::Loop& loop, io::Log& log, const Settings& settings, Callbacks callbacks)
    : loop_(loop),
      log_(log),
      probe_secret_(settings.probe_secret),
      callbacks_(std::move(callbacks)),
      outstanding_(settings.outstanding),
      timer_(loop,
             [this] {
               is_armed_ = false;
               outstanding_.on_time(loop_.now());
               act(Until::End);
             }),
      turn_timer_(loop, [this] { on_turn(); }) {}

Asker::~Asker() = default;

void Asker::set_servers(policy::ServerSetNumber set,
                        const std::vector<policy::ServerAddress>& servers) {
  act(Until::End);  // a number that is free now may be used again
  outstanding_.set_servers(set, servers);
  const policy::Servers& table = outstanding_.servers();
  for (const policy::ServerNumber server : table.servers_of(table.list_of(set))) {
    if (server >= servers_.size()) servers_.resize(server + 1);
    Server& added = servers_[server];
    if (added.counted) continue;
    added.address = table.address(server);
    added.name = added.address.server.to_text();
    added.counted = &counters_[added.name];
  }
  act(Until::End);
}

bool Asker::ask(uint64_t lookup, const policy::Ask& ask_for) {
  if (!outstanding_.ask(lookup, ask_for, loop_.now())) return false;
  act(Until::Finish);
  return true;
}

void Asker::watch(OnExchange on_exchange) {
  on_exchange_ = std::move(on_exchange);
  outstanding_.watch(on_exchange_ ? policy::Outstanding::Watched::Yes
                                  : policy::Outstanding::Watched::No);
}

// Does all that is to be done; `Until::Finish`: but for what ends questions and all behind that,
// which wait for the next turn. Whoever acts already goes on with it.
void Asker::act(Until until) {
  if (is_acting_) return;
  is_acting_ = true;
  while (true) {
    auto action = std::exchange(waiting_, std::nullopt);
    if (!action) action = outstanding_.take();
    if (!action) break;
    if (until == Until::Finish && (std::holds_alternative<policy::Finish>(*action) ||
                                   std::holds_alternative<policy::Silence>(*action) ||
                                   std::holds_alternative<policy::Unreached>(*action))) {
      waiting_ = action;
      turn_timer_.start_once(io::Milliseconds(0));
      break;
    }
    std::visit([this](const auto& known) { carry_out(known); }, *action);
  }
  is_acting_ = false;
  arm();
}

void Asker::carry_out(const policy::Send& send) {
  ServerCounters& counted = *servers_[send.server].counted;
  if (send.purpose != policy::Send::Purpose::Continued) ++counted.questions;
  if (send.purpose == policy::Send::Purpose::Again) ++counted.retries;
  transport(send.server, send.way)
      .send(send.token, dns::build_upstream_query(send.question->question, send.question->flags,
                                                  send.edns, send.question->route.sent_subnet()));
}

void Asker::carry_out(const policy::AskShared& ask) {
  callbacks_.ask_shared(ask.number, *ask.question);
}

void Asker::carry_out(const policy::Forget& forget) {
  if (forget.was_silent) ++servers_[forget.server].counted->timeouts;
  transport(forget.server, forget.way).forget(forget.token);
}

void Asker::carry_out(const policy::Finish& finish) {
  static const std::string kNone;
  const std::string& via = finish.via == policy::kNoServer ? kNone : servers_[finish.via].name;
  callbacks_.on_finished(
      {*finish.question, *finish.answer, finish.source, via, *finish.lookups, finish.sibling});
}

void Asker::carry_out(const policy::Silence& silence) {
  const policy::Existence sibling = callbacks_.on_silence(silence);
  outstanding_.sibling_shows(silence.number, sibling, loop_.now());
}

void Asker::carry_out(const policy::Unreached& unreached) {
  // Who is told may ask.
  callbacks_.on_unreached(policy::UpstreamQuestion(*unreached.question),
                          std::vector<uint64_t>(*unreached.lookups));
}

void Asker::carry_out(const policy::ReadWaiting&) {
  has_to_read_ = true;
  turn_timer_.start_once(io::Milliseconds(0));
}

void Asker::carry_out(const policy::Probe& probe) {
  Server& server = servers_[probe.server];
  server.probe = draw_number();
  ++server.counted->questions;
  const dns::Question question = {make_probe_name(server.probe, probe_secret_)};
  transport(probe.server, probe.way).send(probe.token, dns::build_upstream_query(question, {}));
}

void Asker::carry_out(const policy::DropServer& drop) {
  Server server = std::exchange(servers_[drop.server], Server());
  const bool is_used = std::ranges::any_of(servers_, [&](const Server& other) {
    return other.counted != nullptr && other.counted == server.counted;
  });
  if (!is_used) counters_.erase(server.name);
  if (server.datagrams) retired_.push_back(std::move(server.datagrams));
  if (server.stream) retired_.push_back(std::move(server.stream));
  if (!retired_.empty()) turn_timer_.start_once(io::Milliseconds(0));
}

void Asker::carry_out(const policy::Note& note) {
  Server& server = servers_[note.server];
  const auto write = [&](io::Level level, const char* topic, io::LogLine line) {
    log_.write_limited(level, topic + server.name, line.with("server", server.name), loop_.now());
  };
  switch (note.what) {
    case Note::What::Failed:
    case Note::What::Unreachable:
    case Note::What::Broken: {
      ++server.counted->penalties;
      io::LogLine line("upstream server failed, put behind the others");
      line.with("server", server.name);
      line.with("reason", reason_of(note.what));
      log_.write_limited(io::Level::Warning, "upstream " + server.name, line, loop_.now());
      return;
    }
    case Note::What::Recovered:
      write(io::Level::Info, "recovered ", io::LogLine("upstream server answers again"));
      return;
    case Note::What::LeadsBack:
      write(io::Level::Warning, "loop ",
            io::LogLine("upstream server leads back to this dnslet, left out for 60 s"));
      return;
    case Note::What::CutIsAllOf:
      write(io::Level::Warning, "cut ",
            io::LogLine("upstream server is silent over TCP, its truncated answer is handed on"));
      return;
    case Note::What::NoResources:  // the server keeps its place: it has not been asked
      log_.write_limited(io::Level::Warning, "resources",
                         "no descriptor or memory left for questions to upstream; raise the limit "
                         "of open files",
                         loop_.now());
      return;
  }
}

void Asker::carry_out(const policy::Exchange& exchange) {
  static const std::string kNone;
  const bool is_server = exchange.server != policy::kNoServer;
  if (on_exchange_)
    on_exchange_({exchange.what, *exchange.question,
                  is_server ? servers_[exchange.server].name : kNone, exchange.rcode,
                  exchange.subnet_scope});
}

upstream::Transport& Asker::transport(policy::ServerNumber server, policy::Way way) {
  Server& known = servers_[server];
  auto& place = way == policy::Way::Datagram ? known.datagrams : known.stream;
  if (!place)
    place = callbacks_.open_transport(
        known.address, way,
        [this, server](const upstream::Report& report) { on_report(server, report); });
  return *place;
}

void Asker::on_report(policy::ServerNumber server, const upstream::Report& report) {
  ServerCounters& counted = *servers_[server].counted;
  const bool is_heard = report.outcome == Outcome::Answer || report.outcome == Outcome::Truncated;
  if (is_heard) heard_ = loop_.now();
  if (report.outcome == Outcome::Answer) {
    ++counted.answers[place_of_rcode(report.packet)];
    counted.latency.add(report.taken);
  }
  if (!is_heard) ++counted.errors;
  outstanding_.on_report({report.token, outcome_of(report.outcome), report.packet, report.pause},
                         loop_.now());
  act(Until::End);
}

void Asker::count(StreamFailure failure, const std::string& server) {
  const auto known = counters_.find(server);
  if (known != counters_.end()) ++known->second.stream_failures[static_cast<std::size_t>(failure)];
}

policy::SharedUse Asker::on_shared(uint64_t number, dns::BytesView value) {
  const policy::SharedUse use =
      outstanding_.on_shared(number, value, io::wall_clock(), loop_.now());
  act(Until::End);
  return use;
}

void Asker::on_probe(uint64_t number) {
  for (policy::ServerNumber server = 0; server < servers_.size(); ++server) {
    if (servers_[server].probe != number) continue;
    servers_[server].probe = 0;
    outstanding_.on_loop(server, loop_.now());
  }
  act(Until::End);
}

void Asker::on_turn() {
  retired_.clear();
  act(Until::End);
  if (!std::exchange(has_to_read_, false)) return;
  callbacks_.read_waiting();
  outstanding_.decide(loop_.now());
  act(Until::End);
}

// A timer that comes too early looks again: it is not moved with every question.
void Asker::arm() {
  if (is_armed_ && !outstanding_.wakes_earlier()) return;
  const auto wake_at = outstanding_.wake_at();
  if (!wake_at) return;
  is_armed_ = true;
  timer_.start_once(std::max(io::Milliseconds(0), *wake_at - loop_.now()));
}

}  // namespace dnslet::serve

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "serve/worker.h"

#include <algorithm>
#include <utility>

#include "policy/family.h"
#include "policy/preload.h"
#include "policy/storing.h"
#include "serve/loop_probe.h"

namespace dnslet::serve {
namespace {

constexpr uint64_t kProbe = 0;  // in place of the number of a lookup, of which none is 0

// A worker's share of a limit of the whole program.
std::size_t share(std::size_t limit, std::size_t workers) {
  return (limit + workers - 1) / workers;
}

Asker::Settings asker_settings(const Worker::Shared& shared) {
  constexpr io::Milliseconds kSiblingWait{50};
  const config::Options& options = shared.options;
  return {{.timeout = options.upstream_timeout,
           .retry = options.upstream_retry,
           .max_open = share(options.max_inflight, shared.workers),
           .sibling_wait = options.family_fix ? kSiblingWait : io::Milliseconds(0),
           .shared_limits = {options.cache_ttl, options.cache_negative_ttl},
           .searching = options.enable_search ? policy::Searching::Yes : policy::Searching::No,
           .seed = shared.seed},
          shared.probe_secret};
}

}  // namespace

Worker::Worker(const Shared& shared, policy::Settings settings, Hosts hosts)
    : shared_(shared),
      settings_(std::move(settings)),
      max_waiting_(share(std::max(kMinWaiting, kWaitingPerQuestion * shared.options.max_inflight),
                         shared.workers)),
      failures_(kFailures, shared.seed),
      on_guarded_([this](const policy::Guarded& guarded) { on_guarded(guarded); }),
      mailbox_(loop_),
      ways_(
          loop_,
          {.silence = shared.options.upstream_retry, .connecting = shared.options.upstream_timeout},
          shared.options.tls_pins,
          {shared.ask_again,
           [this](const std::string& server, const io::TlsOpened& opened) {
             on_tls_open(server, opened);
           },
           [this](const std::string& server, const std::string& reason) {
             on_stream_failure(StreamFailure::Tls, server, reason);
           },
           [this](const std::string& server, const std::string& reason) {
             on_stream_failure(StreamFailure::Http, server, reason);
           },
           [this](const std::string& server, const std::string& reason) {
             on_stream_failure(StreamFailure::Proxy, server, reason);
           },
           [this](const std::string& server, const std::string& reason) {
             on_stream_failure(StreamFailure::Quic, server, reason);
           }}),
      asker_(loop_, shared.log, asker_settings(shared), asker_callbacks()),
      shared_answers_(make_shared_answers()),
      tcp_clients_(
          loop_,
          {share(shared.options.max_tcp_clients, shared.workers), shared.options.tcp_idle_timeout},
          [this](dns::BytesView packet, const io::TcpPeer& peer, dns::MutableBytesView slot) {
            return on_tcp(packet, peer, slot);
          }),
      deadline_timer_(loop_, [this] { on_deadline(); }),
      log_timer_(loop_, [this] { flush_log(); }),
      before_waiting_(loop_, [this] { flush_log(); }) {
  loop_.set_on_shortage(
      [this] { return tcp_clients_.close_longest_idle(io::TcpClients::Among::WithDescriptor); });
  turns_.addresses.resize(shared.addresses.owners());
  use_hosts(std::move(hosts));
}

Worker::~Worker() = default;

Asker::Callbacks Worker::asker_callbacks() {
  return {[this](const Asker::Finished& finished) { on_finished(finished); },
          [this](const policy::Silence& silence) { return on_silence(silence); },
          [this](const policy::UpstreamQuestion& question, const std::vector<uint64_t>& lookups) {
            on_unreached(question, lookups);
          },
          [this] {
            for (const auto& listener : udp_listeners_) listener->read_waiting();
          },
          [this](uint64_t number, const policy::UpstreamQuestion& question) {
            if (SharedAnswers* const shared = shared_answers())
              shared->ask(number, question, mark_of(question));
          },
          [this](const policy::ServerAddress& server, policy::Way way,
                 upstream::Transport::OnReport on_report) {
            return ways_.open(way == policy::Way::Stream, server.server, std::move(on_report));
          }};
}

void Worker::watch(Watchers watchers) {
  on_tried_ = std::move(watchers.on_tried);
  on_rule_ = std::move(watchers.on_rule);
  if (watchers.on_guarded) on_guarded_ = std::move(watchers.on_guarded);
  on_tls_ = std::move(watchers.on_tls);
  asker_.watch(std::move(watchers.on_exchange));
}

Worker::Return Worker::return_to(const Origin& origin) {
  if (origin.peer) return UdpReturn{origin.listener, *origin.peer};
  return TcpReturn{origin.client, origin.request};
}

// Nobody waits at servers that are silent who can do with an answer that has ended; and where there
// is no room for the question it ends.
template <typename Board>
std::optional<policy::Reply> Worker::act(policy::Lookup& lookup, const policy::Step& step,
                                         dns::MutableBytesView slot, Board board) {
  if (const auto* const reply = std::get_if<policy::Reply>(&step)) return *reply;
  const auto& ask = std::get<policy::Ask>(step);
  if (is_silent(ask))
    if (const auto old = lookup.on_silence({tables(), loop_.now(), slot})) return old;
  if (board(ask)) return std::nullopt;
  on_limit();
  return std::get<policy::Reply>(lookup.give_up({tables(), loop_.now(), slot}));
}

// Answers into the slot, or keeps the lookup until its question has landed.
io::TcpOutcome Worker::answer(policy::Lookup& lookup, const Origin& origin, dns::BytesView packet,
                              dns::MutableBytesView slot) {
  const uint64_t started_ns = shared_.options.verbose ? uv_hrtime() : 0;
  const policy::Step step = lookup.start({tables(), loop_.now(), slot}, packet);
  const auto* const drop = std::get_if<policy::Drop>(&step);
  if (drop && !drop->is_wanted) {
    ++counted_.ignored;
    return {};
  }
  count_question(lookup);
  if (drop) return {.ends = true};
  if (is_probe(lookup)) return {};
  const auto reply = act(lookup, step, slot, [&](const policy::Ask& ask) {
    return wait(lookup, return_to(origin), ask, started_ns);
  });
  if (!reply) return {0, true};
  const Outgoing outgoing{*reply, slot.first(reply->size), ""};
  if (has_sets(*reply) && hold(lookup, outgoing, return_to(origin), started_ns)) return {0, true};
  note(lookup, outgoing, started_ns);
  if (reply->refresh) refresh(lookup, *reply);
  return {reply->size, false};
}

std::size_t Worker::on_udp(std::size_t listener, dns::BytesView packet, const io::UdpPeer& peer,
                           dns::MutableBytesView slot) {
  policy::Lookup lookup(
      {peer.remote.address(), Protocol::Udp, &udp_listeners_[listener]->endpoint()});
  return answer(lookup, {.listener = listener, .peer = &peer}, packet, slot).size;
}

io::TcpOutcome Worker::on_tcp(dns::BytesView packet, const io::TcpPeer& peer,
                              dns::MutableBytesView slot) {
  const StreamListener& listener = stream_listeners_[peer.listener];
  policy::Lookup lookup({peer.address, listener.protocol, &listener.endpoint});
  return answer(lookup, {.client = peer.client, .request = peer.request}, packet, slot);
}

// A query of our own that a server has led back here: nobody waits for its answer.
bool Worker::is_probe(const policy::Lookup& lookup) const {
  const auto number = find_probe(lookup.query().question.name, shared_.probe_secret);
  if (number && on_probe_) on_probe_(*number);
  return number.has_value();
}

void Worker::look_up(const dns::Question& question, OnAnswer on_answer) {
  // A client of this address is answered: dnslet asks in its name.
  const auto& allow = settings_.allow;
  policy::Lookup lookup(
      {allow.empty() ? IpAddress::loopback(Family::V4) : allow.front().address, Protocol::Tcp});
  const OwnReturn back{own_.add(std::move(on_answer))};
  const policy::Step step = lookup.start({tables(), loop_.now(), late_slot_.view()},
                                         dns::build_upstream_query(question, {}).view());
  if (std::holds_alternative<policy::Drop>(step)) return send(back, policy::Reply());
  const auto reply = act(lookup, step, late_slot_.view(),
                         [&](const policy::Ask& ask) { return wait(lookup, back, ask, 0); });
  if (reply) send(back, *reply);
  if (reply && reply->refresh) refresh(lookup, *reply);
}

bool Worker::probe(std::function<void()> on_landed) {
  on_probed_ = std::move(on_landed);
  dns::Question root;
  root.type = dns::Type::NS;
  policy::Ask ask{{root, {}}, zones().find(root.name)};
  ask.asking.skips_shared = true;
  return asker_.ask(kProbe, ask);
}

// Asks upstream again for what the client has just got from the cache. Where there is no room
// somebody will ask for it later.
void Worker::refresh(const policy::Lookup& lookup, const policy::Reply& reply) {
  policy::Lookup again = lookup.make_refresh();
  policy::Step step =
      again.start_refresh({tables(), loop_.now(), late_slot_.view()}, *reply.refresh);
  auto* const ask = std::get_if<policy::Ask>(&step);
  // What others share ends no later than what ends soon here; of what has ended they may have more.
  if (ask) ask->asking.skips_shared = reply.source != policy::Source::Stale;
  if (ask && wait(again, Nobody(), *ask, 0))
    ++counted_.refreshes;
  else
    again.end_refresh({tables(), loop_.now(), late_slot_.view()});
}

// Whether upstream is being asked this and has been silent: then nobody waits for it who can do
// with an answer that has ended.
bool Worker::is_silent(const policy::Ask& ask) {
  return shared_.cache.keeps_stale() && asker_.is_silent(ask.question);
}

// Takes the lookup until its question has landed. False: there is no room; the lookup stays.
bool Worker::wait(policy::Lookup& lookup, const Return& back, const policy::Ask& ask,
                  uint64_t started_ns) {
  // A question that is asked once fails with what a server said, if one has: let it.
  constexpr io::Milliseconds kServersFirst{5};
  if (waiting_.size() >= max_waiting_) return false;
  // The time of a client's question runs over all that is asked for its sake.
  const io::Milliseconds time = shared_.options.upstream_timeout + kServersFirst;
  const uint64_t id = waiting_.add({std::move(lookup), back, started_ns, loop_.now() + time});
  if (!ask_upstream(id, ask)) {
    lookup = std::move(waiting_.find(id)->lookup);
    waiting_.remove(id);
    return false;
  }
  if (!deadline_timer_.is_active()) deadline_timer_.start_once(time);
  return true;
}

// For a lookup that waits, also what its next rule would ask. False: there is no room.
bool Worker::ask_upstream(uint64_t id, const policy::Ask& ask) {
  const bool is_skipped = shared_answers() && !shared_answers()->is_up() &&
                          !ask.asking.skips_shared && policy::is_shareable(ask.question);
  if (is_skipped) shared_answers()->note_skipped();
  if (!asker_.ask(id, ask)) return false;
  if (const auto ahead = waiting_.find(id)->lookup.take_ahead()) (void)asker_.ask(id, *ahead);
  return true;
}

void Worker::on_finished(const Asker::Finished& finished) {
  const auto storing = policy::storing_of(finished.question, finished.sibling, loop_.now());
  const auto amended = policy::store_answer(tables(), storing, finished.answer);
  if (shared_answers() && finished.source == policy::Source::Upstream)
    keep_for_others(finished.question, finished.answer);
  const policy::Landed landed = {amended ? *amended : finished.answer, finished.source,
                                 finished.sibling};
  for (const uint64_t id : finished.lookups) {
    if (id == kProbe && on_probed_) std::exchange(on_probed_, nullptr)();
    Waiting* const waiting = waiting_.find(id);
    if (!waiting) continue;  // its time was over
    if (!waiting->lookup.waits_for(finished.question)) {
      waiting->lookup.keep_ahead(finished.question, landed);
      continue;
    }
    go_on(id, waiting->lookup.on_answer({tables(), loop_.now(), slot_for(waiting->back)}, landed),
          finished.via);
  }
}

void Worker::go_on(uint64_t id, const policy::Step& step, const std::string& via) {
  if (std::holds_alternative<policy::Drop>(step)) return drop(id);
  Waiting& waiting = *waiting_.find(id);
  const auto reply = act(waiting.lookup, step, slot_for(waiting.back),
                         [&](const policy::Ask& ask) { return ask_upstream(id, ask); });
  if (reply) finish(id, *reply, via);
}

policy::Existence Worker::on_silence(const policy::Silence& silence) {
  if (shared_.cache.keeps_stale()) {
    for (const uint64_t id : *silence.lookups) {
      const Waiting* const waiting = waiting_.find(id);
      if (!waiting || !waiting->lookup.waits_for(*silence.question)) continue;
      const auto reply =
          waiting->lookup.on_silence({tables(), loop_.now(), slot_for(waiting->back)});
      if (reply) finish(id, *reply, "");
    }
  }
  const auto sibling = policy::sibling_of(*silence.question);
  if (!sibling || !settings_.families_agree) return policy::Existence::Unknown;
  return policy::shown_by_cache(tables(), policy::key_of(*sibling), loop_.now());
}

// Those that go on may ask the same servers again, by another rule, and so come to the list's end.
void Worker::on_unreached(const policy::UpstreamQuestion& question,
                          const std::vector<uint64_t>& lookups) {
  const std::size_t count = lookups.size();
  for (std::size_t i = 0; i < count; ++i) {
    const uint64_t id = lookups[i];
    Waiting* const waiting = waiting_.find(id);
    if (!waiting || !waiting->lookup.waits_for(question)) continue;
    const auto step =
        waiting->lookup.on_unreachable({tables(), loop_.now(), slot_for(waiting->back)});
    if (step) go_on(id, *step, "");
  }
}

// Sends the reply that lies in the late slot and lets the lookup go.
void Worker::finish(uint64_t id, const policy::Reply& reply, const std::string& via) {
  Waiting& waiting = *waiting_.find(id);
  const Outgoing outgoing{reply, late_slot_.view().first(reply.size), via};
  const bool is_refresh = std::holds_alternative<Nobody>(waiting.back);
  const bool is_for_client = !is_refresh && !std::holds_alternative<OwnReturn>(waiting.back);
  if (is_for_client && has_sets(reply) &&
      hold(waiting.lookup, outgoing, waiting.back, waiting.started_ns))
    return waiting_.remove(id);
  if (is_for_client) note(waiting.lookup, outgoing, waiting.started_ns);
  if (is_refresh) waiting.lookup.end_refresh({tables(), loop_.now(), late_slot_.view()});
  send(waiting.back, reply);
  if (reply.refresh) refresh(waiting.lookup, reply);
  waiting_.remove(id);
}

// Nobody gets an answer; over TCP the connection closes.
void Worker::drop(uint64_t id) {
  const Waiting& waiting = *waiting_.find(id);
  const Return back = waiting.back;
  const bool is_refresh = std::holds_alternative<Nobody>(back);
  if (is_refresh) waiting.lookup.end_refresh({tables(), loop_.now(), late_slot_.view()});
  waiting_.remove(id);
  if (const auto* const tcp = std::get_if<TcpReturn>(&back))
    tcp_clients_.drop(tcp->client, tcp->request);
  if (std::holds_alternative<OwnReturn>(back)) send(back, policy::Reply());
}

void Worker::on_deadline() {
  const io::Milliseconds now = loop_.now();
  while (const uint64_t id = waiting_.oldest()) {
    Waiting& waiting = *waiting_.find(id);
    if (waiting.deadline > now) {
      deadline_timer_.start_once(waiting.deadline - now);
      return;
    }
    const policy::Step step = waiting.lookup.on_deadline({tables(), now, slot_for(waiting.back)});
    finish(id, std::get<policy::Reply>(step), "");
  }
}

// As much of the late slot as the transport carries.
dns::MutableBytesView Worker::slot_for(const Return& back) {
  const bool is_udp = std::holds_alternative<UdpReturn>(back);
  return late_slot_.view().first(is_udp ? io::UdpListener::kMaxAnswer : dns::kMaxMessage);
}

// The reply lies in the late slot.
void Worker::send(const Return& back, const policy::Reply& reply) {
  const dns::BytesView message = late_slot_.view().first(reply.size);
  if (const auto* const udp = std::get_if<UdpReturn>(&back))
    udp_listeners_[udp->listener]->send(udp->peer, message);
  if (const auto* const tcp = std::get_if<TcpReturn>(&back))
    tcp_clients_.send(tcp->client, tcp->request, message);
  if (const auto* const own = std::get_if<OwnReturn>(&back)) {
    const OnAnswer on_answer = std::move(*own_.find(own->number));
    own_.remove(own->number);
    on_answer(reply, message);
  }
}

}  // namespace dnslet::serve

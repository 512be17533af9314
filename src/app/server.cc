// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/server.h"

#include <sys/random.h>

#include <algorithm>
#include <cassert>
#include <csignal>
#include <utility>

#include "app/listeners.h"
#include "app/version.h"
#include "io/systemd.h"

namespace dnslet::app {
namespace {

constexpr io::Milliseconds kResolvConfPoll{500};  // a change counts once it is one old
constexpr io::Milliseconds kLogRetry{100};

uint64_t random_seed() {
  uint64_t seed = 0;
  const int status = getentropy(&seed, sizeof seed);
  assert(status == 0);  // fails before Linux 3.17 only
  (void)status;
  return seed;
}

policy::Settings settings_from(const Options& options) {
  constexpr policy::Filter kFilters[] = {policy::Filter::None, policy::Filter::A,
                                         policy::Filter::Aaaa};
  return {.version = std::string("dnslet ") + version(),
          .filter = kFilters[static_cast<std::size_t>(options.filter)],
          .allow = options.allow,
          .forwards = !options.no_recursion,
          .ttls = {options.cache_ttl, options.cache_negative_ttl},
          .search = {},
          .rotation = options.round_robin ? policy::Rotation::On : policy::Rotation::Off};
}

}  // namespace

Server::Server(Options options)
    : options_(std::move(options)),
      log_(options_.syslog ? io::Log::Target::Syslog : io::Log::Target::StandardOutput),
      seed_(random_seed()),
      settings_(settings_from(options_)),
      addresses_(seed_),
      blocked_(seed_),
      zones_(seed_),
      hosts_(options_.hosts_files, seed_, log_),
      sources_(options_),
      cache_(options_.cache_capacity, seed_),
      failures_(kFailures, seed_),
      scratch_(dns::kMaxMessage),
      late_slot_(dns::kMaxMessage),
      flights_(loop_, log_,
               {options_.upstream_timeout, options_.upstream_retry, options_.max_inflight},
               [this](const Flights::Landing& landing) { on_landing(landing); }),
      tcp_clients_(
          loop_, {options_.max_tcp_clients, options_.tcp_idle_timeout},
          [this](dns::BytesView packet, uint64_t client, const IpAddress& address,
                 dns::MutableBytesView slot) { return on_tcp(packet, client, address, slot); }),
      deadline_timer_(loop_, [this] { on_deadline(); }),
      hosts_timer_(loop_,
                   [this] {
                     if (hosts_.has_changed()) reload_hosts();
                   }),
      resolv_conf_timer_(loop_, [this] { on_resolv_conf_timer(); }),
      log_timer_(loop_, [this] { flush_log(); }),
      before_waiting_(loop_, [this] { flush_log(); }) {
  addresses_.start_source();
  for (const StaticRecord& record : options_.addresses)
    for (const IpAddress& address : record.addresses)
      (void)addresses_.add(record.name, address);  // checked by the options' parser
  for (const std::string& domain : options_.block)
    if (const auto name = dns::Name::from_text(domain)) blocked_.insert(name->view().wire());
  turns_.addresses.resize(addresses_.owners());
}

Server::~Server() { log_.flush(); }

Status Server::configure() {
  if (Status status = prepare_host_resolver(); !status) return status;
  if (Status status = hosts_.load(); !status) return status;
  if (options_.no_recursion) return Done();

  const auto forwarding = sources_.read();
  if (forwarding) warn_of_own(*forwarding);
  const bool has_servers = forwarding && !forwarding->servers.empty();
  if (!has_servers && !sources_.has_root_zone()) {
    const std::string reason = forwarding
                                   ? "'" + options_.resolv_conf + "' names none but this dnslet"
                                   : forwarding.error().text;
    return Error{"no nameserver to forward to: " + reason +
                 "; set --nameservers (DNSMASQ_SERVERS), or --no-rec to answer from hosts files "
                 "alone"};
  }
  forward_to(forwarding ? *forwarding : Forwarding());
  return Done();
}

Status Server::bind(std::vector<io::BoundSocket> passed) {
  Result<std::vector<io::BoundSocket>> sockets(std::move(passed));
  if (!options_.systemd) sockets = bind_sockets(options_.listen);
  if (!sockets) return sockets.error();
  for (io::BoundSocket& bound : *sockets)
    if (Status status = listen_on(std::move(bound)); !status) return status;
  if (host_resolver_) host_resolver_->open();
  return Done();
}

Status Server::listen_on(io::BoundSocket bound) {
  if (bound.kind == io::SocketKind::Tcp) {
    auto tcp = io::TcpListener::start(loop_, std::move(bound.socket), tcp_clients_);
    if (!tcp) return tcp.error();
    tcp_listeners_.push_back(std::move(*tcp));
    return Done();
  }
  const std::size_t listener = udp_listeners_.size();
  udp_listeners_.push_back(std::make_unique<io::UdpListener>(
      loop_, std::move(bound.socket),
      [this, listener](dns::BytesView packet, const io::UdpPeer& peer, dns::MutableBytesView slot) {
        return on_udp(listener, packet, peer, slot);
      }));
  return Done();
}

void Server::run() {
  std::signal(SIGPIPE, SIG_IGN);  // a reader of the log that goes away must not end the service
  for (const int number : {SIGTERM, SIGINT, SIGQUIT})
    signals_.emplace_back(loop_, number, [this] { loop_.stop(); });
  signals_.emplace_back(loop_, SIGHUP, [this] { reload(); });
  signals_.emplace_back(loop_, SIGUSR1, [this] { log_counters(); });
  if (options_.hosts_poll.count() > 0) hosts_timer_.start_every(options_.hosts_poll);
  if (sources_.uses_resolv_conf() || host_resolver_)
    resolv_conf_timer_.start_every(kResolvConfPoll);
  if (host_resolver_) host_resolver_->start();

  log_ready();
  loop_.run();
  if (host_resolver_) host_resolver_->stop();
  io::notify_systemd("STOPPING=1");
  log_.write(io::Level::Info, "stopped");
}

void Server::forward_to(const Forwarding& forwarding) {
  if (forwarding.search != settings_.search) {
    settings_.search = forwarding.search;
    cache_.clear();  // it may hold what other rules found
  }
  const bool is_new = forwarding.servers != forwarding_.servers ||
                      forwarding.tcp_only != forwarding_.tcp_only || !is_forwarding_;
  forwarding_ = forwarding;
  if (!is_new) return;
  is_forwarding_ = true;

  const auto transport =
      forwarding.tcp_only ? io::UpstreamTransport::TcpOnly : io::UpstreamTransport::UdpThenTcp;
  if (!forwarding.servers.empty())
    flights_.set_servers(policy::kDefaultServers, forwarding.servers, transport);
  for (std::size_t i = 0; i < options_.stub_zones.size(); ++i) {
    flights_.set_servers(i + 1, options_.stub_zones[i].servers, transport);
    for (const std::string& domain : options_.stub_zones[i].domains)
      if (const auto name = dns::Name::from_text(domain)) zones_.add(*name, i + 1);
  }
  std::string line = "nameservers";
  for (const Endpoint& server : forwarding.servers) line += ' ' + server.to_text();
  log_.write(io::Level::Info, line + (forwarding.tcp_only ? " transport=tcp" : ""));
}

void Server::warn_of_own(const Forwarding& forwarding) {
  for (const Endpoint& server : forwarding.left_out)
    log_.write(io::Level::Warning,
               "nameserver left out because it is this dnslet itself server=" + server.to_text());
}

policy::Tables Server::tables() {
  const policy::HostsTable& hosts = hosts_.table();
  if (turns_.hosts.size() != hosts.owners()) turns_.hosts.assign(hosts.owners(), 0);
  return {settings_, addresses_, hosts, blocked_, zones_, cache_, failures_, turns_, scratch_};
}

std::size_t Server::on_udp(std::size_t listener, dns::BytesView packet, const io::UdpPeer& peer,
                           dns::MutableBytesView slot) {
  ++counters_.udp;
  policy::Lookup lookup({peer.remote.address(), policy::Transport::Udp});
  return answer(lookup, UdpReturn{listener, peer}, packet, slot).size;
}

io::TcpOutcome Server::on_tcp(dns::BytesView packet, uint64_t client, const IpAddress& address,
                              dns::MutableBytesView slot) {
  ++counters_.tcp;
  policy::Lookup lookup({address, policy::Transport::Tcp});
  return answer(lookup, TcpReturn{client}, packet, slot);
}

// Answers into the slot, or keeps the lookup until its question has landed.
io::TcpOutcome Server::answer(policy::Lookup& lookup, const Return& back, dns::BytesView packet,
                              dns::MutableBytesView slot) {
  const uint64_t started_ns = options_.verbose ? uv_hrtime() : 0;
  policy::Step step = lookup.start(tables(), packet, loop_.now(), slot);
  if (const auto* const ask = std::get_if<policy::Ask>(&step)) {
    const uint64_t id = next_lookup_++;
    const bool has_room =
        waiting_.size() < std::max(kMinWaiting, kWaitingPerFlight * options_.max_inflight);
    if (has_room && flights_.board(id, *ask)) {
      waiting_.emplace(id, Waiting{std::move(lookup), back, started_ns});
      await_deadline(id);
      return {0, true};
    }
    warn_of_limit();
    step = lookup.give_up(slot);
  }

  if (const auto* const reply = std::get_if<policy::Reply>(&step)) {
    note(lookup, {*reply, slot.first(reply->size), ""}, started_ns);
    return {reply->size, false};
  }
  ++counters_.dropped;
  return {};
}

void Server::on_landing(const Flights::Landing& landing) {
  policy::remember(tables(), landing.question, landing.answer, loop_.now());
  for (const uint64_t id : landing.lookups) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) continue;  // its time was over
    Waiting& waiting = found->second;
    policy::Step step = waiting.lookup.on_answer(tables(), {landing.answer, landing.source},
                                                 loop_.now(), slot_for(waiting.back));
    if (const auto* const ask = std::get_if<policy::Ask>(&step)) {
      if (flights_.board(id, *ask)) continue;
      warn_of_limit();
      step = waiting.lookup.give_up(slot_for(waiting.back));
    }
    finish(id, std::get<policy::Reply>(step), landing.via);
  }
}

// Sends the reply that lies in the late slot and lets the lookup go.
void Server::finish(uint64_t id, const policy::Reply& reply, const std::string& via) {
  const auto node = waiting_.extract(id);
  const Waiting& waiting = node.mapped();
  const dns::BytesView message = dns::BytesView(late_slot_).first(reply.size);
  note(waiting.lookup, {reply, message, via}, waiting.started_ns);
  send(waiting.back, message);
}

// The time of a client's question runs over all that is asked for its sake.
void Server::await_deadline(uint64_t id) {
  // A question that is asked once fails with its flight, which knows a server's code: let it.
  constexpr io::Milliseconds kFlightFirst{5};
  const io::Milliseconds time = options_.upstream_timeout + kFlightFirst;
  deadlines_.push_back({loop_.now() + time, id});
  if (!deadline_timer_.is_active()) deadline_timer_.start_once(time);
}

void Server::on_deadline() {
  while (!deadlines_.empty() && deadlines_.front().at <= loop_.now()) {
    const uint64_t id = deadlines_.front().lookup;
    deadlines_.pop_front();
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) continue;
    Waiting& waiting = found->second;
    const policy::Step step =
        waiting.lookup.on_deadline(tables(), loop_.now(), slot_for(waiting.back));
    finish(id, std::get<policy::Reply>(step), "");
  }
  if (!deadlines_.empty()) deadline_timer_.start_once(deadlines_.front().at - loop_.now());
}

void Server::warn_of_limit() {
  log_.write_limited(io::Level::Warning, "max-inflight",
                     "too many questions under way, answered SERVFAIL; see --max-inflight",
                     loop_.now());
}

// As much of the late slot as the transport carries.
dns::MutableBytesView Server::slot_for(const Return& back) {
  const bool is_udp = std::holds_alternative<UdpReturn>(back);
  return dns::MutableBytesView(late_slot_)
      .first(is_udp ? io::UdpListener::kMaxAnswer : late_slot_.size());
}

void Server::send(const Return& back, dns::BytesView message) {
  if (const auto* const udp = std::get_if<UdpReturn>(&back))
    udp_listeners_[udp->listener]->send(udp->peer, message);
  if (const auto* const tcp = std::get_if<TcpReturn>(&back))
    tcp_clients_.send(tcp->client, message);
}

void Server::note(const policy::Lookup& lookup, const Outgoing& outgoing, uint64_t started_ns) {
  ++counters_.by_source[static_cast<std::size_t>(outgoing.reply.source)];
  if (!options_.verbose) return;
  const std::chrono::nanoseconds taken(uv_hrtime() - started_ns);
  log_.write(io::Level::Info, query_line(lookup, outgoing, taken));
}

// Searched answers may hold what a hosts name has decided.
void Server::reload_hosts() {
  hosts_.reload();
  cache_.clear();
  failures_.clear();
}

void Server::reload() {
  io::notify_reloading();
  ++counters_.reloads;
  reload_hosts();
  reload_servers();
  if (host_resolver_) host_resolver_->keep();
  log_.write(io::Level::Info, "reloaded, cache emptied");
  io::notify_systemd("READY=1");
}

void Server::reload_servers() {
  if (!sources_.uses_resolv_conf()) return;
  const auto forwarding = sources_.read();
  if (forwarding) warn_of_own(*forwarding);
  if (!forwarding) {
    log_.write(io::Level::Warning, forwarding.error().text + "; what it said stays");
  } else if (forwarding->servers.empty() && !sources_.has_root_zone()) {
    log_.write(io::Level::Warning,
               "no nameserver is left in '" + options_.resolv_conf + "'; those before stay");
  } else {
    forward_to(*forwarding);
  }
}

// A value that can't work is the user's to mend; a file that can't be written is not.
Status Server::prepare_host_resolver() {
  if (!options_.default_resolver) return Done();
  auto server = policy::entry_for(options_.listen);
  if (!server)
    return Error{
        "--default-resolver (DNSMASQ_DEFAULT) needs a listener on port 53, the only one "
        "that resolv.conf can name; add one to --listen (DNSMASQ_LISTEN)"};
  host_resolver_.emplace(options_.resolv_conf, std::move(*server), log_);
  return Done();
}

void Server::on_resolv_conf_timer() {
  if (sources_.has_changed()) reload_servers();
  if (host_resolver_ && host_resolver_->has_changed()) host_resolver_->keep();
}

// What the reader does not take now is offered again soon, also when nothing else happens.
void Server::flush_log() {
  log_.flush();
  if (log_.has_waiting() && !log_timer_.is_active()) log_timer_.start_once(kLogRetry);
}

void Server::log_ready() {
  std::vector<Endpoint> udp;
  std::vector<Endpoint> tcp;
  for (const auto& listener : udp_listeners_) udp.push_back(listener->endpoint());
  for (const auto& listener : tcp_listeners_) tcp.push_back(listener->endpoint());
  log_.write(io::Level::Info, "ready: " + list_endpoints(udp, tcp));
  log_.flush();
  io::notify_systemd("READY=1");
}

void Server::log_counters() {
  const auto field = [](const char* name, uint64_t value) {
    return ' ' + std::string(name) + '=' + std::to_string(value);
  };
  uint64_t unsent = 0;
  for (const auto& listener : udp_listeners_) unsent += listener->send_errors();

  std::string line = "counters" + field("questions_udp", counters_.udp) +
                     field("questions_tcp", counters_.tcp) + field("ignored", counters_.dropped);
  for (std::size_t i = 0; i < counters_.by_source.size(); ++i)
    line += field((std::string("answers_") + to_text(static_cast<policy::Source>(i))).c_str(),
                  counters_.by_source[i]);
  line += field("cache_entries", cache_.entries()) + field("cache_bytes", cache_.bytes()) +
          field("cache_evictions", cache_.evictions()) + field("upstream_open", flights_.open()) +
          field("tcp_clients", tcp_clients_.size()) +
          field("tcp_closed_by_limit", tcp_clients_.closed_by_limit()) + field("unsent", unsent) +
          field("reloads", counters_.reloads) + field("log_lines_dropped", log_.dropped());
  log_.write(io::Level::Info, line);
}

}  // namespace dnslet::app

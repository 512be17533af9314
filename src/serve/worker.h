// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One thread's share of the work: its loop, its sockets, the questions that wait there and what it
// asks upstream. Hands packets to Lookups and their questions to the Asker; holds no decision
// about DNS.
//
// Workers share the cache, which has locks of its own, and what never changes. Everything else is
// touched by the worker's own thread only; others reach it through post().

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/address_set.h"
#include "base/result.h"
#include "base/slots.h"
#include "config/name_sources.h"
#include "config/options.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "io/quic_server.h"
#include "io/redis.h"
#include "io/socket.h"
#include "io/tcp_listener.h"
#include "io/tls_server.h"
#include "io/udp_listener.h"
#include "policy/address_puts.h"
#include "policy/cache.h"
#include "policy/hosts.h"
#include "policy/key_table.h"
#include "policy/lookup.h"
#include "policy/rule_set.h"
#include "policy/stored_answer.h"
#include "serve/asker.h"
#include "serve/counters.h"
#include "serve/query_log.h"
#include "serve/shared_answers.h"
#include "upstream/server_source.h"
#include "upstream/ways.h"

namespace dnslet::serve {

// Room for the longest message. Not initialised: pages that are never written are not resident.
class MessageRoom {
 public:
  dns::MutableBytesView view() const { return {bytes_.get(), dns::kMaxMessage}; }

 private:
  std::unique_ptr<uint8_t[]> bytes_{new uint8_t[dns::kMaxMessage]};
};

class Worker {
 public:
  static constexpr std::size_t kFailures = 1024;  // remembered for a second
  // Clients that wait for an answer, joined ones too; whoever comes then gets SERVFAIL.
  static constexpr std::size_t kMinWaiting = 16384;
  static constexpr std::size_t kWaitingPerQuestion = 4;  // times --max-inflight, where that is more

  // The server set of the stub zone with this index in the options.
  static policy::ServerSetNumber set_of_zone(std::size_t index) { return index + 1; }

  // What all workers share; it outlives them.
  struct Shared {
    const config::Options& options;
    io::Log& log;
    uint64_t seed;          // see dns/hash.h
    uint64_t probe_secret;  // see serve/loop_probe
    const policy::HostsTable& addresses;
    const policy::KeyTable& blocked;
    const policy::Zones& zones;
    policy::Cache& cache;
    std::size_t workers;  // among whom the limits are divided
    // All addresses of a server by name have refused. Called by any worker.
    std::function<void(const std::string& host)> ask_again;
    policy::FakeAddresses* fake_addresses = nullptr;  // null: none
    policy::ReverseNames* reverse_names = nullptr;    // null: off
    policy::RecentPuts* recent_puts = nullptr;        // never null where rules name sets
  };
  using Hosts = std::shared_ptr<const policy::HostsTable>;
  using Lists = std::shared_ptr<const policy::BlockLists>;
  using Rules = std::shared_ptr<const policy::RuleSet>;
  using Records = std::shared_ptr<const policy::Records>;

  // `settings`: but for the search, which forward_to() brings.
  Worker(const Shared& shared, policy::Settings settings, Hosts hosts);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Serves a socket. Fails like bind_socket(). REQUIRES: use_identity() has been called where it is
  // encrypted.
  Status listen(io::BoundSocket bound);
  // Serves until stop(), in the calling thread.
  void run() { loop_.run(); }

  // From other threads: has the worker's thread call `task`, soon and in the order of posting.
  void post(std::function<void()> task) { mailbox_.post(std::move(task)); }

  // The rest is for the worker's thread, or for others while it does not run.
  void stop() { loop_.stop(); }
  // What comes from now on is refused by the system. False: what is being written to the packet
  // filter hangs, and the process has to end without waiting for it. REQUIRES: it does not run any
  // more.
  [[nodiscard]] bool end();
  // Answers from this table from now on, and forgets what others have decided.
  void use_hosts(Hosts hosts);
  void use_lists(Lists lists);        // likewise; null: there is none
  void use_records(Records records);  // likewise
  void use_rules(Rules rules);        // likewise
  // What servers have failed at is asked again at once.
  void forget_failures() { failures_.clear(); }
  void forward_to(const config::Forwarding& forwarding);
  // The addresses of a server that is written by name.
  void use_addresses(const std::string& host, const std::vector<IpAddress>& addresses);
  // What the source of that name knows, from now on.
  using Known = std::shared_ptr<const upstream::KnownServers>;
  void use_known(const std::string& source, const Known& known);

  // The certificates that servers over TLS are judged by; null: none.
  void use_roots(const std::shared_ptr<const io::TlsRoots>& roots) { ways_.use_roots(roots); }

  // What clients over TLS, HTTPS and QUIC are shown. REQUIRES: not null.
  void use_identity(const std::shared_ptr<const io::TlsIdentity>& identity);

  // Whether an entry may come into the cache that was there before the process began: what has been
  // made of it may hold no more where the name is ours by now, or its other family is there.
  bool may_restore(const policy::StoredEntry& entry);

  // Which servers a name goes to, and which names are tried for it, as options and sources say.
  const policy::Zones& zones() const { return zones_ ? *zones_ : shared_.zones; }
  const policy::SearchRules& search() const { return settings_.search; }
  // Of servers that a source knows: whose they are, "eth0"; else empty.
  std::string whose(policy::ServerSetNumber set) const;

  io::Loop& loop() { return loop_; }
  // Where clients are served by this protocol.
  std::vector<Endpoint> endpoints(Protocol protocol) const;
  Counters counters() const;

  // Tells `on_probe` each query that comes in with a name of serve/loop_probe.
  void watch_probes(std::function<void(uint64_t number)> on_probe) {
    on_probe_ = std::move(on_probe);
  }
  // Such a query has come in at some worker.
  void on_probe(uint64_t number) { asker_.on_probe(number); }

  // Looks a name up for dnslet itself, as for a client. `on_answer` gets the message, which is
  // valid until it looks up something else; it may be called from inside.
  using OnAnswer = std::function<void(const policy::Reply& reply, dns::BytesView message)>;
  void look_up(const dns::Question& question, OnAnswer on_answer);
  // Asks upstream for the root's nameservers, whatever the cache holds. `on_landed` is called in a
  // later turn, when there is an answer or a failure; not at all for a probe that another one
  // follows. False: too many questions are open. REQUIRES: there are nameservers.
  [[nodiscard]] bool probe(std::function<void()> on_landed);

  // Calls `then` in the loop, when it is known whether the shared cache can be asked.
  void when_settled(std::function<void()> then);

  // A handshake with a server over TLS has come to its end.
  using OnTls = std::function<void(const std::string& server, const io::TlsOpened& opened)>;

  // Has all names of searches, what rules decide, what --rebind-guard keeps back and all that
  // passes between dnslet and servers told, from now on. None of them may call back.
  struct Watchers {
    policy::OnTried on_tried;
    policy::OnRule on_rule;
    policy::OnGuarded on_guarded;
    Asker::OnExchange on_exchange;
    OnTls on_tls;
  };
  void watch(Watchers watchers);

 private:
  // Where an answer goes.
  struct UdpReturn {
    std::size_t listener;  // in udp_listeners_
    io::UdpPeer peer;
  };
  struct TcpReturn {
    uint64_t client;
    uint64_t request;
  };
  struct OwnReturn {
    uint64_t number;  // in own_
  };
  struct StreamListener {
    Protocol protocol;
    Endpoint endpoint;
    std::unique_ptr<io::TcpListener> tcp{};  // either
    std::unique_ptr<io::QuicServer> quic{};  // or
  };
  struct Nobody {};  // a refresh
  using Return = std::variant<UdpReturn, TcpReturn, OwnReturn, Nobody>;
  // Whom a question comes from, while it is answered: a copy of the peer is made for those that
  // wait. Borrows it.
  struct Origin {
    std::size_t listener = 0;
    const io::UdpPeer* peer = nullptr;  // null: it came over TCP
    uint64_t client = 0;
    uint64_t request = 0;
  };
  static Return return_to(const Origin& origin);
  // A question whose answer has to come from upstream.
  struct Waiting {
    policy::Lookup lookup;
    Return back;
    uint64_t started_ns;  // 0 where nobody will ask
    io::Milliseconds deadline;
  };

  Status listen_to_streams(io::BoundSocket bound);
  void listen_to_quic(io::BoundSocket bound);
  io::TcpClients::Service service_of(const EncryptedListener* encrypted);
  io::TlsServer* tls_server(std::unique_ptr<io::TlsServer>& server,
                            const std::vector<std::string>& protocols) const;

  policy::Tables tables();
  void forget_decisions();  // of tables that were replaced
  void name_servers();      // of each set, to whoever asks
  const upstream::KnownServers* known_of(const ServerAddress& server) const;
  std::vector<ServerAddress> members(const std::vector<ServerAddress>& servers) const;
  using ListsOfServers = std::vector<const std::vector<ServerAddress>*>;
  void set_servers(policy::ServerSetNumber set, const std::vector<ServerAddress>& servers);
  void add_set(const std::vector<ServerAddress>& servers);
  void divide(const ListsOfServers& sets);
  void divide(policy::ServerSetNumber set, const upstream::KnownServers& known,
              policy::ServerSetNumber number);
  void take_known_search(policy::SearchRules& rules) const;
  void use_search();

  std::size_t on_udp(std::size_t listener, dns::BytesView packet, const io::UdpPeer& peer,
                     dns::MutableBytesView slot);
  io::TcpOutcome on_tcp(dns::BytesView packet, const io::TcpPeer& peer, dns::MutableBytesView slot);
  io::TcpOutcome answer(policy::Lookup& lookup, const Origin& origin, dns::BytesView packet,
                        dns::MutableBytesView slot);
  bool is_probe(const policy::Lookup& lookup) const;
  // What comes of a step: the reply, or nothing yet, where `board(const policy::Ask&)` has had the
  // lookup wait for it. REQUIRES: it is no Drop.
  template <typename Board>
  std::optional<policy::Reply> act(policy::Lookup& lookup, const policy::Step& step,
                                   dns::MutableBytesView slot, Board board);
  void go_on(uint64_t id, const policy::Step& step, const std::string& via);
  void on_finished(const Asker::Finished& finished);
  policy::Existence on_silence(const policy::Silence& silence);
  void on_unreached(const policy::UpstreamQuestion& question, const std::vector<uint64_t>& lookups);
  bool ask_upstream(uint64_t id, const policy::Ask& ask);
  Asker::Callbacks asker_callbacks();
  std::unique_ptr<SharedAnswers> make_shared_answers();
  // Null: none. Told so that the linker leaves out what min never has.
  SharedAnswers* shared_answers() const {
    return io::has_redis() ? shared_answers_.get() : nullptr;
  }
  uint64_t mark_of(const policy::UpstreamQuestion& question) const;
  void keep_for_others(const policy::UpstreamQuestion& question, const policy::Answer& answer);
  dns::MutableBytesView slot_for(const Return& back);
  void finish(uint64_t id, const policy::Reply& reply, const std::string& via);
  void drop(uint64_t id);
  void refresh(const policy::Lookup& lookup, const policy::Reply& reply);
  bool is_silent(const policy::Ask& ask);
  bool wait(policy::Lookup& lookup, const Return& back, const policy::Ask& ask,
            uint64_t started_ns);
  void on_deadline();
  void send(const Return& back, const policy::Reply& reply);

  // worker_sets.cc
  struct Sets;
  bool end_sets();
  static bool has_sets(const policy::Reply& reply) {
    return has_address_sets() && reply.sets != nullptr;
  }
  // Whether the answer has to wait, until its addresses are in their sets; the lookup is gone then.
  // REQUIRES: has_sets().
  bool hold(policy::Lookup& lookup, const Outgoing& outgoing, const Return& back,
            uint64_t started_ns);

  // worker_counts.cc
  void count_question(const policy::Lookup& lookup);
  void on_limit();
  void on_refused(const IpAddress& client);
  void on_guarded(const policy::Guarded& guarded);
  void on_tls_open(const std::string& server, const io::TlsOpened& opened);
  void on_stream_failure(StreamFailure failure, const std::string& server,
                         const std::string& reason);
  void note(const policy::Lookup& lookup, const Outgoing& outgoing, uint64_t started_ns);
  void flush_log();

  const Shared& shared_;
  policy::Settings settings_;
  std::size_t max_waiting_;
  Hosts hosts_;
  Lists lists_;      // null: none
  Records records_;  // null: none
  Rules rules_;      // null: none
  uint64_t generation_ = 0;
  policy::Turns turns_;
  policy::Cache failures_;
  MessageRoom scratch_;
  dns::ExtendedError scratch_error_;
  MessageRoom late_slot_;
  Counters counted_;
  std::optional<config::Forwarding> forwarding_;  // in force
  std::map<std::string, Known> known_;            // by source
  std::optional<policy::Zones> zones_;            // nullopt: no source knows of domains
  std::vector<std::string> whose_;                // of sets of servers, by number
  std::size_t most_sets_ = 0;                     // that there have ever been
  policy::OnTried on_tried_;                      // none: nobody watches
  policy::OnRule on_rule_;                        // likewise
  policy::OnGuarded on_guarded_;
  OnTls on_tls_;

  io::Loop loop_;
  io::Mailbox mailbox_;
  upstream::Ways ways_;
  Asker asker_;
  std::unique_ptr<SharedAnswers> shared_answers_;  // null: none
  std::vector<uint64_t> marks_;  // of sets of servers, by number; see policy/shared_key
  Slots<Waiting> waiting_;       // the oldest has the first deadline: all get the same time
  Slots<OnAnswer> own_;          // who waits for look_up()
  std::function<void()> on_probed_;
  std::function<void(uint64_t)> on_probe_;
  std::shared_ptr<const io::TlsIdentity> identity_;  // null: nobody needs one
  std::unique_ptr<io::TlsServer> tls_server_;        // null: likewise
  std::unique_ptr<io::TlsServer> https_server_;
  io::TcpClients tcp_clients_;
  std::vector<std::unique_ptr<io::UdpListener>> udp_listeners_;
  std::vector<StreamListener> stream_listeners_;
  std::unique_ptr<Sets, void (*)(Sets*)> sets_{nullptr, nullptr};  // null: none has been needed
  io::Timer deadline_timer_;
  io::Timer log_timer_;
  io::BeforeWaiting before_waiting_;
};

}  // namespace dnslet::serve

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The wiring: builds the parts from the options, hands packets to Lookups and their questions to
// Flights, reloads, and stops in order. Holds no decision about DNS.

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "app/flights.h"
#include "app/host_resolver.h"
#include "app/hosts_files.h"
#include "app/name_sources.h"
#include "app/options.h"
#include "app/query_log.h"
#include "base/result.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/socket.h"
#include "io/tcp_listener.h"
#include "io/udp_listener.h"
#include "policy/cache.h"
#include "policy/hosts.h"
#include "policy/key_table.h"
#include "policy/lookup.h"

namespace dnslet::app {

class Server {
 public:
  static constexpr std::size_t kFailures = 1024;  // remembered for a second
  // Clients that wait for an answer, joined ones too; whoever comes then gets SERVFAIL.
  static constexpr std::size_t kMinWaiting = 16384;
  static constexpr std::size_t kWaitingPerFlight = 4;  // times --max-inflight, where that is more

  explicit Server(Options options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Reads what has to be there: hosts files, nameservers. A failure is the user's to mend (exit 2).
  Status configure();
  // Binds every socket, or with --systemd takes those `passed` in their place; opens what has to be
  // written later. A failure is the system's (exit 1).
  Status bind(std::vector<io::BoundSocket> passed);
  // Serves until SIGTERM, SIGINT or SIGQUIT. REQUIRES: configure() and bind() succeeded.
  void run();

 private:
  // Where an answer goes.
  struct UdpReturn {
    std::size_t listener;  // in udp_listeners_
    io::UdpPeer peer;
  };
  struct TcpReturn {
    uint64_t client;
  };
  using Return = std::variant<UdpReturn, TcpReturn>;
  // A question whose answer has to come from upstream.
  struct Waiting {
    policy::Lookup lookup;
    Return back;
    uint64_t started_ns;  // 0 where nobody will ask
  };
  struct Deadline {
    io::Milliseconds at;
    uint64_t lookup;
  };
  struct Counters {
    uint64_t udp = 0;
    uint64_t tcp = 0;
    uint64_t dropped = 0;
    uint64_t reloads = 0;
    std::array<uint64_t, policy::kSources> by_source{};
  };

  Status listen_on(io::BoundSocket bound);
  void forward_to(const Forwarding& forwarding);
  void warn_of_own(const Forwarding& forwarding);
  policy::Tables tables();

  std::size_t on_udp(std::size_t listener, dns::BytesView packet, const io::UdpPeer& peer,
                     dns::MutableBytesView slot);
  io::TcpOutcome on_tcp(dns::BytesView packet, uint64_t client, const IpAddress& address,
                        dns::MutableBytesView slot);
  io::TcpOutcome answer(policy::Lookup& lookup, const Return& back, dns::BytesView packet,
                        dns::MutableBytesView slot);
  void on_landing(const Flights::Landing& landing);
  dns::MutableBytesView slot_for(const Return& back);
  void finish(uint64_t id, const policy::Reply& reply, const std::string& via);
  void await_deadline(uint64_t id);
  void on_deadline();
  void warn_of_limit();
  void send(const Return& back, dns::BytesView message);
  void note(const policy::Lookup& lookup, const Outgoing& outgoing, uint64_t started_ns);

  void reload();
  void reload_hosts();
  void reload_servers();
  Status prepare_host_resolver();
  void on_resolv_conf_timer();
  void flush_log();
  void log_ready();
  void log_counters();

  Options options_;
  io::Log log_;
  uint64_t seed_;
  policy::Settings settings_;
  policy::HostsTable addresses_;
  policy::KeyTable blocked_;
  policy::Zones zones_;
  policy::Turns turns_;
  HostsFiles hosts_;
  NameSources sources_;
  std::optional<HostResolver> host_resolver_;
  policy::Cache cache_;
  policy::Cache failures_;
  dns::Bytes scratch_;
  dns::Bytes late_slot_;
  Counters counters_;

  io::Loop loop_;
  Flights flights_;
  std::unordered_map<uint64_t, Waiting> waiting_;
  uint64_t next_lookup_ = 1;
  std::deque<Deadline> deadlines_;  // in order: every lookup gets the same time
  io::TcpClients tcp_clients_;
  std::vector<std::unique_ptr<io::UdpListener>> udp_listeners_;
  std::vector<std::unique_ptr<io::TcpListener>> tcp_listeners_;
  Forwarding forwarding_;
  bool is_forwarding_ = false;  // forwarding_ is in force
  std::vector<io::Signal> signals_;
  io::Timer deadline_timer_;
  io::Timer hosts_timer_;
  io::Timer resolv_conf_timer_;
  io::Timer log_timer_;
  io::BeforeWaiting before_waiting_;
};

}  // namespace dnslet::app

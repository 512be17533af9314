// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Makes the transports of one thread, by how a server is reached. They share one hook per turn of
// the loop.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/server_address.h"
#include "io/loop.h"
#include "io/tcp_stream.h"
#include "io/tls.h"
#include "upstream/message_stream.h"
#include "upstream/named_servers.h"
#include "upstream/outbox.h"
#include "upstream/random_ids.h"
#include "upstream/transport.h"

namespace dnslet::upstream {

struct RequestServer;

class Ways {
 public:
  struct Callbacks {
    NamedServers::OnRefused on_refused;
    // Of a server over TLS, HTTPS or QUIC. `server`: as options write it.
    std::function<void(const std::string& server, const io::TlsOpened& opened)> on_tls_open;
    std::function<void(const std::string& server, const std::string& reason)> on_tls_failure;
    std::function<void(const std::string& server, const std::string& reason)> on_http_failure;
    std::function<void(const std::string& server, const std::string& reason)> on_proxy_failure;
    std::function<void(const std::string& server, const std::string& reason)> on_quic_failure;
  };

  // `loop` and `pins` must outlive it, and it the transports that it makes.
  Ways(io::Loop& loop, const StreamSettings& settings, const io::TlsPins& pins, Callbacks callbacks)
      : loop_(loop),
        settings_(settings),
        pins_(pins),
        callbacks_(std::move(callbacks)),
        outbox_(loop),
        named_(loop, callbacks_.on_refused) {}

  // Whether the transports that are made from now on are to the only server there is.
  void set_only_server(bool is_only) { settings_.is_only_server = is_only; }

  // A way to the server: its own, or over TCP where that is UDP and TCP is asked for.
  std::unique_ptr<Transport> open(bool over_stream, const ServerAddress& server,
                                  Transport::OnReport on_report);
  // The certificates that connections from now on trust; null: none.
  void use_roots(const std::shared_ptr<const io::TlsRoots>& roots);
  // Calls `visit(const std::string& server, const io::TlsCounts& counts)` for each server over TLS,
  // HTTPS or QUIC, perhaps more than once.
  template <typename Visit>
  void for_each_tls(Visit visit) const {
    for (const auto& [server, client] : tls_)
      if (const auto known = client.lock()) visit(server, known->counts());
  }
  // Calls `visit(const std::string& server, const io::TcpStream::Traffic& traffic)` for each server
  // that is asked over streams.
  template <typename Visit>
  void for_each_stream(Visit visit) const {
    for (const auto& [server, traffic] : traffic_)
      if (const auto known = traffic.lock()) visit(server, *known);
  }
  // Opens what carries some other protocol to a server that is asked no DNS: TCP, with TLS where
  // that is its way. `name`: what a failure of TLS is told with. It is not among those below.
  using Below = std::function<io::OpenStream(const std::vector<io::SocketAddress>& addresses)>;
  Below streams_to(const ServerAddress& server, const std::string& name);
  // The addresses of a server that is written by name.
  void use_addresses(const std::string& host, const std::vector<IpAddress>& addresses) {
    named_.use_addresses(host, addresses);
  }

 private:
  NamedServers::Way make_udp(std::vector<io::SocketAddress> addresses,
                             Transport::OnReport on_report);
  NamedServers::Way make_stream(MessageStream::Dial dial, std::vector<io::SocketAddress> addresses,
                                Transport::OnReport on_report);
  // What counts the bytes of all connections to the server.
  std::shared_ptr<io::TcpStream::Traffic> traffic_of(const std::string& server);
  // Opens what is below TLS, HTTPS and frames: a connection, perhaps through a proxy.
  Below below(const ServerAddress& server);
  // A connection. Null: what passes is not counted.
  Below connect(const std::shared_ptr<io::TcpStream::Traffic>& traffic);
  // The same with TLS on top, by the client of a server of its own.
  Below secured(const ServerAddress& server, const std::string& protocol);
  NamedServers::Way make_tcp(const ServerAddress& server, std::vector<io::SocketAddress> addresses,
                             Transport::OnReport on_report);
  io::TlsPeer peer_of(const ServerAddress& server, const std::string& protocol) const;
  // What is told of the handshakes with a server that is asked DNS.
  io::TlsEvents events_of(const std::string& server);
  // Remembers and returns it.
  template <typename Client>
  std::shared_ptr<Client> known_as(const std::string& server, std::shared_ptr<Client> client);
  Below with_client(std::shared_ptr<io::TlsClient> client, Below under);
  NamedServers::Way make_https(const ServerAddress& server,
                               std::vector<io::SocketAddress> addresses,
                               Transport::OnReport on_report);
  // What is known of a server whose questions are requests, for all connections to it.
  std::shared_ptr<RequestServer> request_server(const ServerAddress& server) const;
  NamedServers::Way make_quic(const ServerAddress& server, std::vector<io::SocketAddress> addresses,
                              Transport::OnReport on_report);
  NamedServers::Way make_tls(const ServerAddress& server, std::vector<io::SocketAddress> addresses,
                             Transport::OnReport on_report);

  io::Loop& loop_;
  StreamSettings settings_;
  const io::TlsPins& pins_;
  Callbacks callbacks_;
  std::shared_ptr<const io::TlsRoots> roots_;
  // By server; two that differ in their passwords have one name.
  std::multimap<std::string, std::weak_ptr<io::SecureClient>> tls_;
  std::vector<std::weak_ptr<io::TlsClient>> other_tls_;  // of servers that are asked no DNS
  std::map<std::string, std::weak_ptr<io::TcpStream::Traffic>> traffic_;
  Outbox outbox_;
  RandomIds ids_;
  NamedServers named_;
};

}  // namespace dnslet::upstream

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/ways.h"

#include <utility>

#include "io/doq.h"
#include "io/http2.h"
#include "io/http3.h"
#include "io/quic.h"
#include "io/socket.h"
#include "io/socks_stream.h"
#include "upstream/framed_connection.h"
#include "upstream/request_connection.h"
#include "upstream/udp.h"

namespace dnslet::upstream {

std::unique_ptr<Transport> Ways::open(bool over_stream, const ServerAddress& server,
                                      Transport::OnReport on_report) {
  const auto make = [this, over_stream, &server](std::vector<io::SocketAddress> addresses,
                                                 Transport::OnReport report) {
    // A constant, for which the linker leaves out what min never needs.
    if (io::has_tls() && server.protocol == Protocol::Tls)
      return make_tls(server, std::move(addresses), std::move(report));
    if (io::has_tls() && server.protocol == Protocol::Https)
      return make_https(server, std::move(addresses), std::move(report));
    if (io::has_quic() && server.is_over_quic())
      return make_quic(server, std::move(addresses), std::move(report));
    return over_stream ? make_tcp(server, std::move(addresses), std::move(report))
                       : make_udp(std::move(addresses), std::move(report));
  };
  if (server.dialled())
    return make({io::SocketAddress(*server.dialled())}, std::move(on_report)).transport;
  return named_.open(
      server, [&](Transport::OnReport report) { return make({}, std::move(report)); },
      std::move(on_report));
}

void Ways::use_roots(const std::shared_ptr<const io::TlsRoots>& roots) {
  roots_ = roots;
  for (const auto& [server, client] : tls_)
    if (const auto known = client.lock()) known->use_roots(roots);
  for (const auto& client : other_tls_)
    if (const auto known = client.lock()) known->use_roots(roots);
}

Ways::Below Ways::streams_to(const ServerAddress& server, const std::string& name) {
  if (!io::has_tls() || !server.is_encrypted()) return connect(nullptr);
  std::shared_ptr<io::TlsClient> client = io::TlsClient::make(
      peer_of(server, ""),
      {[](const io::TlsOpened&) { /* it is no nameserver */ },
       [this, name](const std::string& reason) { callbacks_.on_tls_failure(name, reason); }});
  client->use_roots(roots_);
  other_tls_.push_back(client);
  return with_client(std::move(client), connect(nullptr));
}

NamedServers::Way Ways::make_udp(std::vector<io::SocketAddress> addresses,
                                 Transport::OnReport on_report) {
  auto udp = std::make_unique<Udp>(loop_, outbox_, std::move(addresses), std::move(on_report));
  Udp& made = *udp;
  return {std::move(udp),
          [&made](std::vector<io::SocketAddress> known) { made.use_addresses(std::move(known)); },
          [&made] { made.use_next_address(); }};
}

Ways::Below Ways::connect(const std::shared_ptr<io::TcpStream::Traffic>& traffic) {
  return [this, traffic](const std::vector<io::SocketAddress>& to) -> io::OpenStream {
    return [this, traffic, to](io::Stream::User& user) {
      return std::make_unique<io::TcpStream>(loop_, to, user, traffic.get());
    };
  };
}

std::shared_ptr<io::TcpStream::Traffic> Ways::traffic_of(const std::string& server) {
  std::erase_if(traffic_, [](const auto& known) { return known.second.expired(); });
  auto traffic = traffic_[server].lock();
  if (!traffic) traffic_[server] = traffic = std::make_shared<io::TcpStream::Traffic>();
  return traffic;
}

Ways::Below Ways::below(const ServerAddress& server) {
  const std::string text = server.to_text();
  Below direct = connect(traffic_of(text));
  if (!server.proxy) return direct;

  struct Through {
    io::Socks5Request request;
    io::SocksStream::OnFailure on_failure;
  };
  const auto address = server.endpoint ? std::optional(server.endpoint->address) : std::nullopt;
  const auto through = std::make_shared<const Through>(Through{
      {server.host, address, server.port, server.proxy->user, server.proxy->password},
      [this, text](const std::string& reason) { callbacks_.on_proxy_failure(text, reason); }});
  return [direct, through](const std::vector<io::SocketAddress>& to) -> io::OpenStream {
    return [direct, through, to](io::Stream::User& user) {
      return std::make_unique<io::SocksStream>(
          io::SocksStream::Proxy{through->request, through->on_failure}, direct(to), user);
    };
  };
}

NamedServers::Way Ways::make_tcp(const ServerAddress& server,
                                 std::vector<io::SocketAddress> addresses,
                                 Transport::OnReport on_report) {
  const auto dial = [this, open = below(server)](const Connection::Place& place,
                                                 const std::vector<io::SocketAddress>& to) {
    return std::make_unique<FramedConnection>(place, open(to), FramedConnection::Craft{ids_});
  };
  return make_stream(dial, std::move(addresses), std::move(on_report));
}

io::TlsPeer Ways::peer_of(const ServerAddress& server, const std::string& protocol) const {
  const std::string name = server.name_to_verify();
  const auto pins = pins_.find(name);
  return {name, pins == pins_.end() ? std::vector<io::KeyHash>() : pins->second, protocol,
          server.protocol == Protocol::Https};
}

io::TlsEvents Ways::events_of(const std::string& server) {
  return {[this, server](const io::TlsOpened& opened) { callbacks_.on_tls_open(server, opened); },
          [this, server](const std::string& reason) { callbacks_.on_tls_failure(server, reason); }};
}

template <typename Client>
std::shared_ptr<Client> Ways::known_as(const std::string& server, std::shared_ptr<Client> client) {
  client->use_roots(roots_);
  std::erase_if(tls_, [](const auto& known) { return known.second.expired(); });
  tls_.emplace(server, client);
  return client;
}

// The client is there as long as somebody may dial.
Ways::Below Ways::secured(const ServerAddress& server, const std::string& protocol) {
  const std::string text = server.to_text();
  std::shared_ptr<io::TlsClient> client =
      io::TlsClient::make(peer_of(server, protocol), events_of(text));
  return with_client(known_as(text, std::move(client)), below(server));
}

Ways::Below Ways::with_client(std::shared_ptr<io::TlsClient> client, Below under) {
  return [this, client = std::move(client),
          under = std::move(under)](const std::vector<io::SocketAddress>& to) -> io::OpenStream {
    return [this, client, connection = io::TlsClient::Below{under(to), to.size()}](
               io::Stream::User& user) { return client->open(loop_, connection, user); };
  };
}

NamedServers::Way Ways::make_tls(const ServerAddress& server,
                                 std::vector<io::SocketAddress> addresses,
                                 Transport::OnReport on_report) {
  const auto dial = [this, open = secured(server, "dot")](
                        const Connection::Place& place, const std::vector<io::SocketAddress>& to) {
    return std::make_unique<FramedConnection>(place, open(to),
                                              FramedConnection::Craft{ids_, Padding::ToBlocks});
  };
  return make_stream(dial, std::move(addresses), std::move(on_report));
}

std::shared_ptr<RequestServer> Ways::request_server(const ServerAddress& server) const {
  auto known = std::make_shared<RequestServer>();
  const bool has_http = is_http(server.protocol);
  if (has_http) known->target = {server.authority(), server.path, "application/dns-message"};
  known->on_failure =
      [&on_failure = has_http ? callbacks_.on_http_failure : callbacks_.on_quic_failure,
       text = server.to_text()](const std::string& reason) { on_failure(text, reason); };
  return known;
}

NamedServers::Way Ways::make_https(const ServerAddress& server,
                                   std::vector<io::SocketAddress> addresses,
                                   Transport::OnReport on_report) {
  const auto dial = [known = request_server(server), open = secured(server, "h2")](
                        const Connection::Place& place, const std::vector<io::SocketAddress>& to) {
    const auto requests = [&](io::RequestClient::User& user) {
      return io::make_http2_client(known->target, open(to), user);
    };
    return std::make_unique<RequestConnection>(place, requests, *known);
  };
  return make_stream(dial, std::move(addresses), std::move(on_report));
}

// What is spoken on streams of QUIC: DNS by itself, or HTTP/3.
NamedServers::Way Ways::make_quic(const ServerAddress& server,
                                  std::vector<io::SocketAddress> addresses,
                                  Transport::OnReport on_report) {
  const std::string text = server.to_text();
  const bool is_http = io::has_http3() && server.protocol == Protocol::H3;
  std::shared_ptr<io::QuicClient> made =
      io::QuicClient::make(peer_of(server, is_http ? "h3" : "doq"), events_of(text));
  const auto dial = [this, known = request_server(server), is_http,
                     client = known_as(text, std::move(made)), traffic = traffic_of(text)](
                        const Connection::Place& place, const std::vector<io::SocketAddress>& to) {
    const io::OpenQuic open = [&](io::QuicConnection::User& user) {
      const auto& terms = is_http ? io::kHttp3Terms : io::kDoqTerms;
      return client->open({loop_, to, traffic.get()}, terms, user);
    };
    const io::OpenRequests requests = [&](io::RequestClient::User& user) {
      return is_http ? io::make_http3_client(known->target, open, user)
                     : io::make_doq_client(open, user);
    };
    return std::make_unique<RequestConnection>(place, requests, *known);
  };
  return make_stream(dial, std::move(addresses), std::move(on_report));
}

NamedServers::Way Ways::make_stream(MessageStream::Dial dial,
                                    std::vector<io::SocketAddress> addresses,
                                    Transport::OnReport on_report) {
  auto stream = std::make_unique<MessageStream>(loop_, outbox_, settings_, std::move(dial),
                                                std::move(on_report));
  MessageStream& made = *stream;
  if (!addresses.empty()) made.use_addresses(std::move(addresses));
  return {std::move(stream),
          [&made](std::vector<io::SocketAddress> known) { made.use_addresses(std::move(known)); },
          {}};
}

}  // namespace dnslet::upstream

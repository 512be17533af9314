// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of a Worker that has listeners: what is spoken at which, and who is shown which
// certificate.

#include <utility>

#include "dns/message.h"
#include "io/quic.h"
#include "policy/preload.h"
#include "serve/https_framing.h"
#include "serve/worker.h"

namespace dnslet::serve {
namespace {

// Connections know of idle times by themselves (RFC 9250 section 5.5.2).
bool may_come_over_quic(dns::BytesView packet) {
  const auto message = dns::Message::parse(packet);
  return !message || !dns::find_option(*message, dns::kOptionKeepalive);
}

}  // namespace

Status Worker::listen(io::BoundSocket bound) {
  if (bound.kind == io::SocketKind::Tcp) return listen_to_streams(std::move(bound));
  if (io::has_quic() && bound.encrypted) {
    listen_to_quic(std::move(bound));
    return Done();
  }
  const std::size_t listener = udp_listeners_.size();
  udp_listeners_.push_back(std::make_unique<io::UdpListener>(
      loop_, std::move(bound.socket),
      io::UdpListener::Callbacks{[this, listener](dns::BytesView packet, const io::UdpPeer& peer,
                                                  dns::MutableBytesView slot) {
                                   return on_udp(listener, packet, peer, slot);
                                 },
                                 [this](std::span<const dns::BytesView> packets) {
                                   policy::preload(tables(), packets);
                                 }}));
  return Done();
}

Status Worker::listen_to_streams(io::BoundSocket bound) {
  auto socket = io::TcpListener::start(
      loop_, std::move(bound.socket),
      [this, listener = stream_listeners_.size(),
       service = service_of(bound.encrypted)](io::Handle<uv_tcp_t> connection) {
        tcp_clients_.add(std::move(connection), listener, service);
      });
  if (!socket) return socket.error();
  const Protocol protocol = bound.encrypted ? bound.encrypted->protocol : Protocol::Tcp;
  const Endpoint endpoint = (*socket)->endpoint();
  stream_listeners_.push_back({protocol, endpoint, std::move(*socket)});
  return Done();
}

void Worker::listen_to_quic(io::BoundSocket bound) {
  const std::size_t number = stream_listeners_.size();
  auto server =
      io::QuicServer::start(loop_, std::move(bound.socket),
                            {may_come_over_quic,
                             [this, number](const IpAddress& address, const io::MakeClient& make) {
                               tcp_clients_.add(address, number, make);
                             },
                             tcp_clients_.most()});
  server->use(identity_);
  const Endpoint endpoint = server->endpoint();
  stream_listeners_.push_back({Protocol::Quic, endpoint, nullptr, std::move(server)});
}

io::TcpClients::Service Worker::service_of(const EncryptedListener* encrypted) {
  const auto by_length = [] { return std::make_unique<io::LengthFraming>(); };
  if (!io::has_tls() || !encrypted) return {nullptr, by_length};
  // RFC 7858 has no name for it; the list of IANA does, and clients may send it.
  if (encrypted->protocol == Protocol::Tls) return {tls_server(tls_server_, {"dot"}), by_length};
  return {tls_server(https_server_, {"h2", "http/1.1"}),
          [path = &encrypted->path] { return make_https_framing(*path); }};
}

io::TlsServer* Worker::tls_server(std::unique_ptr<io::TlsServer>& server,
                                  const std::vector<std::string>& protocols) const {
  if (!server) server = io::TlsServer::make(protocols);
  server->use(identity_);
  return server.get();
}

void Worker::use_identity(const std::shared_ptr<const io::TlsIdentity>& identity) {
  identity_ = identity;
  for (const auto& server : {tls_server_.get(), https_server_.get()})
    if (server) server->use(identity);
  for (const StreamListener& listener : stream_listeners_)
    if (io::has_quic() && listener.quic) listener.quic->use(identity);
}

bool Worker::end() {
  udp_listeners_.clear();
  stream_listeners_.clear();
  return !has_address_sets() || end_sets();
}

std::vector<Endpoint> Worker::endpoints(Protocol protocol) const {
  std::vector<Endpoint> endpoints;
  if (protocol == Protocol::Udp)
    for (const auto& listener : udp_listeners_) endpoints.push_back(listener->endpoint());
  for (const auto& listener : stream_listeners_)
    if (listener.protocol == protocol) endpoints.push_back(listener.endpoint);
  return endpoints;
}

}  // namespace dnslet::serve

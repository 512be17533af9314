// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/quic_server_openssl.h"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <utility>

#include "io/tls_openssl.h"

namespace dnslet::io {
namespace {

constexpr std::size_t kMostPaths = 65535;
constexpr Milliseconds kTick{1};     // whatever the library says: the loop has others, too
constexpr Milliseconds kLook{1000};  // how often at most all connections are looked at
// What begins a connection is no shorter (RFC 9000 section 14.1).
constexpr std::size_t kLeastInitial = 1200;

std::string_view text_of(dns::BytesView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_same(const SocketAddress& one, const SocketAddress& other) {
  if (one.any.sa_family != other.any.sa_family) return false;
  const bool is_v4 = one.any.sa_family == AF_INET;
  // The port has the same place in both.
  return one.v4.sin_port == other.v4.sin_port && one.address() == other.address() &&
         (is_v4 || one.v6.sin6_scope_id == other.v6.sin6_scope_id);
}

}  // namespace

OpensslQuicServer::OpensslQuicServer(Loop& loop, Descriptor socket, Settings settings)
    : loop_(loop),
      settings_(std::move(settings)),
      paths_(1),  // 0 is none
      context_(make_context()),
      open_(context_.get(), SSL_LISTENER_FLAG_NO_VALIDATE,
            [this](uint16_t path, dns::BytesView datagram) { send(path, datagram); }),
      guarded_(context_.get(), 0,
               [this](uint16_t path, dns::BytesView datagram) { send(path, datagram); }),
      udp_(loop, std::move(socket),
           {[this](dns::BytesView packet, const UdpPeer& peer, dns::MutableBytesView) {
              on_datagram(packet, peer);
              return std::size_t{0};
            },
            [](std::span<const dns::BytesView>) {}}),
      timer_(loop, [this] { on_time(); }),
      before_waiting_(loop, [this] { settle(); }) {}

OpensslQuicServer::~OpensslQuicServer() {
  for (std::size_t i = 1; i < paths_.size(); ++i)
    if (paths_[i].client) paths_[i].client->detach();
  settle();
}

Owned<SSL_CTX> OpensslQuicServer::make_context() {
  Owned<SSL_CTX> made(SSL_CTX_new(OSSL_QUIC_server_method()));
  require(made != nullptr);
  SSL_CTX* const context = made.get();
  require(SSL_CTX_set_domain_flags(context, SSL_DOMAIN_FLAG_SINGLE_THREAD) == 1);
  // Clients keep their sessions themselves, in tickets (RFC 8446 section 4.6.1).
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_client_hello_cb(context, on_hello, this);
  SSL_CTX_set_alpn_select_cb(context, choose, nullptr);
  return made;
}

// Sessions go on at other threads, as long as the certificate stays.
void OpensslQuicServer::use(const std::shared_ptr<const TlsIdentity>& identity) {
  identity_ = identity;
  SSL_CTX* const other = context_of(*identity);
  dns::Bytes keys(static_cast<std::size_t>(SSL_CTX_get_tlsext_ticket_keys(other, nullptr, 0)));
  const auto size = static_cast<long>(keys.size());
  require(SSL_CTX_get_tlsext_ticket_keys(other, keys.data(), size) == 1 &&
          SSL_CTX_set_tlsext_ticket_keys(context_.get(), keys.data(), size) == 1);
}

// The first that is heard of a client, before anything is said to it. (What else there is to set of
// a connection would wait for a lock here that the library holds.)
int OpensslQuicServer::on_hello(SSL* ssl, int*, void* server) {
  const auto& self = *static_cast<OpensslQuicServer*>(server);
  SSL_CTX* const shown = context_of(*self.identity_);
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(shown, &chain);
  const bool is_done = SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(shown),
                                            SSL_CTX_get0_privatekey(shown), chain, 1) == 1;
  return is_done ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

// NOLINTNEXTLINE(readability-function-size): as the library calls it
int OpensslQuicServer::choose(SSL*, const unsigned char** chosen, unsigned char* size,
                              const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr std::array<unsigned char, 4> kOurs = {3, 'd', 'o', 'q'};
  unsigned char* found = nullptr;
  const int status =
      SSL_select_next_proto(&found, size, kOurs.data(), kOurs.size(), offered, offered_size);
  *chosen = found;
  return status == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void OpensslQuicServer::on_datagram(dns::BytesView datagram, const UdpPeer& peer) {
  const auto header = read_quic_header(datagram);
  if (!header) return;
  const auto found = paths_by_id_.find(text_of(header->destination));
  if (found == paths_by_id_.end()) return on_stranger(*header, datagram, peer);
  const uint16_t number = found->second;
  if (!is_same(paths_[number].peer.remote, peer.remote)) return;
  if (paths_[number].engine->is_full()) settle();
  const Path& path = paths_[number];
  if (!path.client) return;  // it has ended, perhaps just now
  path.engine->push(number, peer.remote.address(), datagram);
  path.client->on_datagram(datagram.size());
  wake(number);
}

// Alone, so that it is known who has begun the connection that comes of it.
void OpensslQuicServer::on_stranger(const QuicHeader& header, dns::BytesView datagram,
                                    const UdpPeer& peer) {
  if (!header.is_long || header.destination.size() < kQuicIdSize || datagram.size() < kLeastInitial)
    return;
  QuicEngine& engine = engine_for(header);
  if (engine.has_work()) settle();
  const uint16_t number = make_path(peer, engine);
  if (number == 0) return;
  name(number, header.destination);
  engine.push(number, peer.remote.address(), datagram);
  engine.run();
  if (!accept(number)) free_path(number);
}

// A token of the length that our own IDs have may be of a Retry. (With an ID of another length it
// is one for later connections: the library would take it, and then not know its own datagrams.)
QuicEngine& OpensslQuicServer::engine_for(const QuicHeader& header) {
  const bool may_be_retry = header.has_token && header.destination.size() == kQuicIdSize;
  const std::size_t many = std::min(kManyHandshakes, settings_.most_connections / kPart);
  return may_be_retry || handshakes_ >= many ? guarded_ : open_;
}

// False: there is no connection.
bool OpensslQuicServer::accept(uint16_t number) {
  Owned<SSL> connection = paths_[number].engine->accept();
  if (!connection) return false;
  SSL* const ssl = connection.get();
  (void)SSL_set_event_handling_mode(ssl, SSL_VALUE_EVENT_HANDLING_MODE_EXPLICIT);
  SSL_set_default_stream_mode(ssl, SSL_DEFAULT_STREAM_MODE_NONE);
  SSL_set_incoming_stream_policy(ssl, SSL_INCOMING_STREAM_POLICY_ACCEPT, 0);
  ++handshakes_;
  settings_.on_connection(
      paths_[number].peer.remote.address(),
      [&](const TcpPeer& peer, TcpBuffers& buffers, const StreamClient::Events& events) {
        auto client = std::make_unique<DoqClient>(
            DoqClient::Start{*this, number, std::move(connection)}, peer, buffers, events);
        paths_[number].client = client.get();
        return client;
      });
  wake(number);
  return true;
}

// The library's own ID for a connection is the source of what it sends first.
void OpensslQuicServer::send(uint16_t number, dns::BytesView datagram) {
  if (number >= paths_.size() || !paths_[number].engine) return;
  if (!paths_[number].is_open && (datagram.front() & 0x80) != 0) {
    const auto header = read_quic_header(datagram);
    if (header && header->version != 0 && !header->is_retry) name(number, header->source);
  }
  udp_.send(paths_[number].peer, datagram);
}

void OpensslQuicServer::name(uint16_t number, dns::BytesView id) {
  if (paths_by_id_.emplace(text_of(id), number).second)
    paths_[number].ids.emplace_back(text_of(id));
}

// 0: there is no place.
uint16_t OpensslQuicServer::make_path(const UdpPeer& peer, QuicEngine& engine) {
  if (free_.empty()) {
    if (paths_.size() > kMostPaths) return 0;
    free_.push_back(static_cast<uint16_t>(paths_.size()));
    paths_.emplace_back();
  }
  const uint16_t number = free_.back();
  free_.pop_back();
  paths_[number] = {.peer = peer, .engine = &engine};
  return number;
}

void OpensslQuicServer::free_path(uint16_t number) {
  for (const std::string& id : paths_[number].ids) paths_by_id_.erase(id);
  paths_[number] = {};
  free_.push_back(number);
}

void OpensslQuicServer::wake(uint16_t number) {
  Path& path = paths_[number];
  path.engine->wake();
  if (!std::exchange(path.is_woken, true)) woken_.push_back(number);
}

void OpensslQuicServer::on_open(uint16_t number, const SSL* connection) {
  paths_[number].is_open = true;
  --handshakes_;
  ++(SSL_session_reused(connection) == 1 ? counts_.resumed : counts_.full);
}

// The place is kept until the client has been told.
void OpensslQuicServer::on_gone(uint16_t number, Owned<SSL> connection) {
  Path& path = paths_[number];
  if (!path.is_open) {
    --handshakes_;
    ++counts_.failed;
  }
  path.client = nullptr;
  closed_.push_back(std::move(connection));
  gone_.push_back(number);
  path.engine->wake();
}

void OpensslQuicServer::run_engines() {
  for (QuicEngine* const engine : {&open_, &guarded_})
    if (engine->has_work()) engine->run();
}

void OpensslQuicServer::serve_woken() {
  for (const uint16_t number : std::exchange(woken_, {})) {
    Path& path = paths_[number];
    path.is_woken = false;
    if (path.client) path.client->on_events();
  }
}

// Takes what has come, answers it, and sends that.
void OpensslQuicServer::settle() {
  if (!open_.has_work() && !guarded_.has_work() && woken_.empty()) return;
  run_engines();
  serve_woken();
  run_engines();
  closed_.clear();
  for (const uint16_t number : std::exchange(gone_, {})) free_path(number);

  const auto first = open_.time_left();
  const auto second = guarded_.time_left();
  if (first || second)
    timer_.start_once(std::max(kTick, std::min(first.value_or(Milliseconds::max()),
                                               second.value_or(Milliseconds::max()))));
  else
    timer_.stop();
}

// Whose time it was the library does not tell. Those of whom nothing has come for long have ended.
void OpensslQuicServer::on_time() {
  open_.wake();
  guarded_.wake();
  if (loop_.now() - looked_ < kLook) return;
  looked_ = loop_.now();
  for (std::size_t number = 1; number < paths_.size(); ++number)
    if (paths_[number].client) wake(static_cast<uint16_t>(number));
}

std::unique_ptr<QuicServer> QuicServer::start(Loop& loop, Descriptor socket, Settings settings) {
  return std::make_unique<OpensslQuicServer>(loop, std::move(socket), std::move(settings));
}

}  // namespace dnslet::io

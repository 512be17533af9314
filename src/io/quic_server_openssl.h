// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// io/quic_server by OpenSSL: whose datagrams are whose. For io/quic_server_*.cc only.
//
// Connections are known by their IDs (RFC 9000 section 5.1): the one that the client has begun
// with, and the one that the library gives it, of which there is one for all of its life. New ones
// are taken by the first engine, at once; where many are in their handshakes already, by the
// second, which has the client show first that it is where it says (Retry, section 8.1.2) and keeps
// nothing of it until it has.

#include <openssl/ssl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/packet_header.h"
#include "io/quic_server.h"
#include "io/quic_server_client.h"
#include "io/quic_server_engine.h"
#include "io/udp_listener.h"

namespace dnslet::io {

class OpensslQuicServer final : public QuicServer, private DoqClient::Host {
 public:
  static constexpr std::size_t kManyHandshakes = 32;  // or this part of all connections
  static constexpr std::size_t kPart = 4;

  OpensslQuicServer(Loop& loop, Descriptor socket, Settings settings);
  ~OpensslQuicServer() override;
  OpensslQuicServer(const OpensslQuicServer&) = delete;
  OpensslQuicServer& operator=(const OpensslQuicServer&) = delete;

  void use(const std::shared_ptr<const TlsIdentity>& identity) override;
  const Endpoint& endpoint() const override { return udp_.endpoint(); }
  const TlsCounts& counts() const override { return counts_; }
  uint64_t send_errors() const override { return udp_.send_errors(); }

 private:
  struct Path {
    UdpPeer peer;
    QuicEngine* engine = nullptr;  // null: the place is free
    DoqClient* client = nullptr;   // null: it is no connection, or not yet
    bool is_open = false;
    bool is_woken = false;
    std::vector<std::string> ids{};  // of its datagrams
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view id) const { return std::hash<std::string_view>()(id); }
  };

  Owned<SSL_CTX> make_context();
  static int on_hello(SSL* ssl, int* alert, void* server);
  static int choose(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void* server);

  void on_datagram(dns::BytesView datagram, const UdpPeer& peer);
  void on_stranger(const QuicHeader& header, dns::BytesView datagram, const UdpPeer& peer);
  QuicEngine& engine_for(const QuicHeader& header);
  bool accept(uint16_t number);
  void send(uint16_t number, dns::BytesView datagram);
  void name(uint16_t number, dns::BytesView id);
  uint16_t make_path(const UdpPeer& peer, QuicEngine& engine);
  void free_path(uint16_t number);
  void run_engines();
  void serve_woken();
  void settle();
  void on_time();

  bool is_sound(dns::BytesView packet) const override { return settings_.is_sound(packet); }
  Milliseconds now() const override { return loop_.now(); }
  void on_open(uint16_t number, const SSL* connection) override;
  void wake(uint16_t number) override;
  void on_gone(uint16_t number, Owned<SSL> connection) override;

  Loop& loop_;
  Settings settings_;
  std::shared_ptr<const TlsIdentity> identity_;
  TlsCounts counts_;
  std::size_t handshakes_ = 0;  // under way
  Milliseconds looked_{0};      // at all connections
  std::vector<Path> paths_;
  std::vector<uint16_t> free_;  // places in paths_
  std::vector<uint16_t> woken_;
  std::vector<uint16_t> gone_;  // until woken_ has none of them
  std::unordered_map<std::string, uint16_t, Hash, std::equal_to<>> paths_by_id_;
  Owned<SSL_CTX> context_;
  QuicEngine open_;
  QuicEngine guarded_;
  std::vector<Owned<SSL>> closed_;  // until it has been sent that they are
  UdpListener udp_;
  Timer timer_;
  BeforeWaiting before_waiting_;  // behind that of udp_: it runs before it
};

}  // namespace dnslet::io

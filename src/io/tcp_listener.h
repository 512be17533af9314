// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One listening TCP socket, and the clients that ask questions over connections. Limits these over
// all listeners of a worker; when one more comes, the longest-idle one is closed. So it is when
// there is no descriptor left. Judges nothing.

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <utility>

#include "dns/wire.h"
#include "io/loop.h"
#include "io/socket.h"
#include "io/tcp_client.h"
#include "io/tls_server.h"

namespace dnslet::io {

struct TcpLimits {
  std::size_t max_clients = 256;
  Milliseconds idle{10000};
};

// The clients of one worker.
class TcpClients {
 public:
  TcpClients(Loop& loop, const TcpLimits& limits, StreamClient::OnQuestion on_question);
  ~TcpClients();
  TcpClients(const TcpClients&) = delete;
  TcpClients& operator=(const TcpClients&) = delete;

  // What is spoken at a listener. Borrows the server, which must outlive the clients.
  struct Service {
    TlsServer* tls = nullptr;  // null: it is not encrypted
    std::function<std::unique_ptr<Framing>()> make_framing;
  };
  // Takes over an accepted connection. `listener`: for TcpPeer.
  void add(Handle<uv_tcp_t> connection, std::size_t listener, const Service& service);
  // The same for what is made at once, for a connection from this address.
  void add(const IpAddress& address, std::size_t listener, const MakeClient& make);
  // A late answer, to a TcpPeer's request; does nothing where the client is gone.
  void send(uint64_t client, uint64_t request, dns::BytesView answer);
  // There is no late answer: see TcpOutcome::ends.
  void drop(uint64_t client, uint64_t request);
  // Closes the one that has been idle for longest, of all or of those with a descriptor. False:
  // every one waits for an answer.
  enum class Among { All, WithDescriptor };
  bool close_longest_idle(Among among);

  std::size_t size() const { return clients_.size(); }
  std::size_t most() const { return limits_.max_clients; }
  uint64_t closed_by_limit() const { return closed_by_limit_; }

 private:
  void on_activity(uint64_t client);
  void on_gone(uint64_t client);
  void close_idle();

  struct Entry {
    std::unique_ptr<StreamClient> client;
    Milliseconds active{0};  // last whole question or answer
    std::list<uint64_t>::iterator in_order;
  };

  Loop& loop_;
  TcpLimits limits_;
  StreamClient::Events events_;
  std::unique_ptr<TcpBuffers> buffers_;
  std::unordered_map<uint64_t, Entry> clients_;
  std::list<uint64_t> by_activity_;  // the longest idle one in front
  uint64_t next_id_ = 1;
  uint64_t closed_by_limit_ = 0;
  Timer idle_timer_;
};

class TcpListener {
 public:
  // Takes over an accepted connection.
  using OnConnection = std::function<void(Handle<uv_tcp_t> connection)>;

  // Starts to listen. Where no descriptor is left, and none can be freed, those who come wait.
  // Fails like bind_socket().
  static Result<std::unique_ptr<TcpListener>> start(Loop& loop, Descriptor socket,
                                                    OnConnection on_connection);

  const Endpoint& endpoint() const { return endpoint_; }

 private:
  TcpListener(Loop& loop, Descriptor socket, OnConnection on_connection);
  void accept_all();
  Descriptor accept_one() const;

  Loop& loop_;
  Descriptor socket_;
  Endpoint endpoint_;
  OnConnection on_connection_;
  Watch watch_;
  Timer pause_timer_;
};

}  // namespace dnslet::io

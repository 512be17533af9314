// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One UDP socket to one address of a server, and the library's connection over it. It never blocks:
// whoever has it calls step() when the socket is ready, or the time has come. For io/quic_*.cc
// only.

#include <openssl/ssl.h>

#include <functional>
#include <optional>
#include <string>

#include "io/loop.h"
#include "io/quic.h"
#include "io/socket.h"
#include "io/tls_handshakes.h"

namespace dnslet::io {

class QuicPath {
 public:
  // How it has ended.
  struct End {
    int status = 0;      // of libuv's
    std::string reason;  // of a handshake, or of what the server has done; else empty
  };

  QuicPath(Loop& loop, TcpStream::Traffic* traffic) : loop_(loop), traffic_(traffic) {}
  ~QuicPath();
  QuicPath(const QuicPath&) = delete;
  QuicPath& operator=(const QuicPath&) = delete;

  // Begins the handshake. Otherwise the status of libuv's, below 0, for which there is no socket.
  int start(const SocketAddress& to, TlsHandshakes& handshakes, const QuicConnection::Terms& terms);
  // What is called when something has arrived.
  void watch(std::function<void()> on_ready);
  // Takes what has arrived, sends what is to be sent.
  void step();
  // Sends CONNECTION_CLOSE, if it has not ended.
  void close(uint64_t code);

  bool is_open() const { return is_open_; }
  // nullopt: it goes on.
  std::optional<End> end() const;
  // When step() has something to do, counted from now.
  Milliseconds next_step() const;
  // Datagrams, and when the last one came.
  uint64_t received() const { return received_; }
  Milliseconds last_received() const { return last_received_; }
  // How long the server took to say something.
  Milliseconds round_trip() const { return round_trip_; }

  SSL* ssl() const { return ssl_.get(); }
  const Handshake& handshake() const { return handshake_; }

 private:
  // NOLINTNEXTLINE(readability-function-size): as the library calls it
  static int receive(BIO* bio, BIO_MSG* messages, std::size_t stride, std::size_t count,
                     uint64_t flags, std::size_t* done);
  // NOLINTNEXTLINE(readability-function-size): likewise
  static int send(BIO* bio, BIO_MSG* messages, std::size_t stride, std::size_t count,
                  uint64_t flags, std::size_t* done);
  static const BIO_METHOD* method();
  void note_error(int error);
  void note_received(std::size_t size);
  std::string handshake_failure(const SSL_CONN_CLOSE_INFO& info) const;

  Loop& loop_;
  TcpStream::Traffic* traffic_;
  const TlsHandshakes* handshakes_ = nullptr;
  Descriptor socket_;
  Milliseconds begun_{0};
  uint64_t received_ = 0;
  Milliseconds last_received_{0};
  Milliseconds round_trip_{0};
  int error_ = 0;  // of the socket, that ends it
  bool is_open_ = false;
  Handshake handshake_;
  Owned<SSL> ssl_;
  std::optional<Watch> watch_;
};

}  // namespace dnslet::io

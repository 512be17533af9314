// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// QUIC to servers (RFC 9000): many streams of bytes over one UDP socket, encrypted by TLS 1.3.
// Behind it is OpenSSL from 3.5 on, in io/quic_*.cc; builds without it have io/quic_missing.cc.
//
// A certificate has to hold, as with io/tls: before it does nothing is sent, nothing is ever sent
// that could be replayed (0-RTT), and nothing falls back to plain text.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dns/wire.h"
#include "io/loop.h"
#include "io/socket.h"
#include "io/tcp_stream.h"
#include "io/tls.h"

namespace dnslet::io {

// Whether this build has it. It has TLS, too, then.
bool has_quic();

class QuicConnection {
 public:
  // How long we keep an idle connection, as the server is told.
  static constexpr std::chrono::seconds kIdle{120};

  // Of a stream that we open.
  enum class Direction { Both, Out };
  enum class Last { No, Yes };
  // Who hears what happens. May write, open and drop streams; may destroy the connection in
  // on_open(), on_turn() and on_end() only.
  class User {
   public:
    // The handshake is done.
    virtual void on_open() = 0;
    // Bytes that have come on a stream, perhaps one that the server has opened. `last`: there are
    // no more behind them; then there may be none.
    virtual void on_stream(uint64_t stream, dns::BytesView bytes, Last last) = 0;
    // The server has given up the stream, for a reason of the protocol that is spoken on it.
    virtual void on_reset(uint64_t stream, uint64_t code) = 0;
    // All that has arrived has been told.
    virtual void on_turn() = 0;
    // Nothing more will be heard. `status`: UV_EOF where the server has closed it as it should.
    // `reason`: in words, of what it has done against the protocol; else empty.
    virtual void on_end(int status, const std::string& reason) = 0;

   protected:
    ~User() = default;
  };

  // What the server may do, and is told at the end. Codes are those of the protocol on top.
  struct Terms {
    bool may_open_streams = false;
    uint64_t closed = 0;    // nobody needs it any more
    uint64_t violated = 0;  // for streams that it may not open
  };

  virtual ~QuicConnection() = default;  // closes it; nobody hears of it any more

  // nullopt: the server takes no more for now. REQUIRES: on_open() has been called, as for all
  // below.
  virtual std::optional<uint64_t> open_stream(Direction direction) = 0;
  // Queues bytes. False: there is no room for them, or the stream is over.
  virtual bool write(uint64_t stream, dns::BytesView bytes, Last last) = 0;
  // Nothing more is wanted of the stream, and it is given up where it has not ended.
  virtual void drop(uint64_t stream) = 0;
  // Streams in both directions that may be opened now.
  virtual std::size_t streams_left() const = 0;
  // Sends what is queued.
  virtual void flush() = 0;
  // Whether flush() would send something.
  virtual bool has_unsent() const = 0;
  // Closes it, as something has been done against the protocol on top; on_end() is not called.
  virtual void abort(uint64_t code) = 0;
  // As of io::Stream: nothing has come for so long.
  virtual bool is_path_dead(Milliseconds ago) const = 0;
  // How long the server keeps it idle; nullopt: it does not say.
  virtual std::optional<Milliseconds> idle_limit() const = 0;
};

// Opens a connection whose events go to the user.
using OpenQuic = std::function<std::unique_ptr<QuicConnection>(QuicConnection::User& user)>;

// Connections to one server, as of TlsClient.
class QuicClient : public SecureClient {
 public:
  // Where to, in the order of preference. The loop and what counts bytes must outlive connections.
  struct Path {
    Loop& loop;
    std::vector<SocketAddress> addresses;
    TcpStream::Traffic* traffic = nullptr;
  };

  // REQUIRES: has_quic(); the peer has a protocol.
  static std::unique_ptr<QuicClient> make(const TlsPeer& peer, const TlsEvents& events);

  // Opens a connection to the first of the addresses with which the handshake succeeds. What has
  // gone wrong with TLS is UV_EPROTO. The client must outlive it.
  virtual std::unique_ptr<QuicConnection> open(const Path& path, const QuicConnection::Terms& terms,
                                               QuicConnection::User& user) = 0;
};

}  // namespace dnslet::io

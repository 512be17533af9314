// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// DNS over QUIC (RFC 9250) to clients: one UDP socket of one thread, and the connections that have
// come in there. Behind it is OpenSSL 3.5 or later, in io/quic_server_*.cc; builds without it have
// io/quic_missing.cc. Judges no question.
//
// A connection stays with the address, the port and the socket that it began at: what comes from
// elsewhere is dropped, so a client that has moved hears nothing and connects anew. 0-RTT is not
// offered. Clients are told of 30 s that an idle connection may last, which is all that the library
// can say; the owner of the clients may end it before, which they hear.

#include <functional>
#include <memory>

#include "base/address.h"
#include "dns/wire.h"
#include "io/loop.h"
#include "io/stream_client.h"
#include "io/tls.h"
#include "io/tls_server.h"

namespace dnslet::io {

class QuicServer {
 public:
  // Takes a connection from this address: whose client `make` makes, at once, in this call.
  using OnConnection = std::function<void(const IpAddress& address, const MakeClient& make)>;
  struct Settings {
    // Whether a message may come over QUIC at all; otherwise the connection ends.
    std::function<bool(dns::BytesView packet)> is_sound;
    OnConnection on_connection;
    // There may be so many at once: where a part of them is in handshakes, others have to show
    // first that they are where they say.
    std::size_t most_connections;
  };

  // Serves a socket, as from bind_socket(). Fails for want of memory only. REQUIRES:
  // has_quic().
  static std::unique_ptr<QuicServer> start(Loop& loop, Descriptor socket, Settings settings);
  // Ends the connections; their clients live on, and do nothing.
  virtual ~QuicServer() = default;

  // For connections from now on. REQUIRES: not null; called before the loop runs.
  virtual void use(const std::shared_ptr<const TlsIdentity>& identity) = 0;
  virtual const Endpoint& endpoint() const = 0;
  // But for the end.
  virtual const TlsCounts& counts() const = 0;
  virtual uint64_t send_errors() const = 0;
};

}  // namespace dnslet::io

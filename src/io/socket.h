// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Socket addresses and listening sockets: Endpoint ↔ sockaddr, bind, buffer sizes.

#include <netinet/in.h>
#include <sys/socket.h>

#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "base/server_address.h"
#include "io/loop.h"

namespace dnslet::io {

// An IPv4 or IPv6 socket address; owns its bytes.
struct SocketAddress {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  socklen_t size = 0;

  SocketAddress() : v6() { size = sizeof v6; }
  // A scope is looked up as an interface's name or number; an unknown one becomes 0.
  explicit SocketAddress(const Endpoint& endpoint);

  IpAddress address() const;
  Endpoint endpoint() const;
};

// Socket types as in messages.
enum class SocketKind { Udp, Tcp };

struct BoundSocket {
  SocketKind kind = SocketKind::Udp;
  Descriptor socket;
  const EncryptedListener* encrypted = nullptr;  // null: plain DNS is spoken there
};

// A bound socket, non-blocking and closed on exec; a TCP one is not listening yet. IPv6 sockets
// take IPv6 only. UDP sockets on a wildcard address report where each packet came to. Fails with
// "cannot bind 127.0.0.1:53/udp: permission denied".
Result<Descriptor> bind_socket(const Endpoint& endpoint, SocketKind kind);

// Gives a socket that somebody else has bound what those of bind_socket() have, as far as that can
// still be done. False: errno tells why.
bool adopt_socket(const BoundSocket& bound);

// Whether an IPv6 socket takes IPv4 too, which those of bind_socket() never do.
bool takes_both_families(const Descriptor& socket);

// Whether nobody has the endpoint's UDP port: it could be bound now. False also where that can't be
// told.
bool is_free(const Endpoint& endpoint);

// What the kernel says of an IPv6 address of this host. Just after boot it is tentative: nobody can
// bind it until the link has been asked whether another host has it (RFC 4862 section 5.4).
enum class AddressState { Unknown, Usable, Tentative, Duplicate };
// On the interface of its scope, where it has one. Unknown: not here, not IPv6, or it can't be
// told.
AddressState state_of(const Endpoint& endpoint);

// Another socket on the address of one from bind_socket(), which from then on shares it
// (SO_REUSEPORT): the kernel divides the clients between them. A socket of another process can't
// join, because it will bind for itself first. Fails like bind_socket().
Result<Descriptor> bind_beside(const BoundSocket& first);
// The same socket once more.
Result<Descriptor> duplicate(const Descriptor& socket);

// Where the socket is bound to; port 0 has become a real one.
Endpoint bound_endpoint(const Descriptor& socket);

// The addresses of this host's interfaces.
std::vector<IpAddress> local_addresses();

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A fresh UDP source port for every question to one server, behind one descriptor.
//
// c-ares before 1.20 keeps one UDP socket per server for as long as anything is open, and later
// versions walk over all sockets at each event when told to use each but once. To c-ares this
// object is that one socket: send() opens a connected socket for the question, fd() (an epoll) gets
// ready when any of them does, and receive() lets a packet through only where its ID is the one
// that left from that very port (RFC 5452 section 9.2). An ICMP error is told for its question
// alone.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "dns/wire.h"
#include "io/loop.h"
#include "io/socket.h"

namespace dnslet::io {

class UdpPorts {
 public:
  // `on_unreachable` hears that the question with this ID can't be sent or that an ICMP error came
  // for it, also from inside send(); its port is closed then.
  UdpPorts(const SocketAddress& server, std::function<void(uint16_t id)> on_unreachable);

  // False: the system has no descriptor left.
  bool is_open() const { return static_cast<bool>(epoll_); }
  int fd() const { return epoll_.get(); }

  // Sends a query from a new port; an earlier port of the same ID is closed.
  void send(dns::BytesView query);
  // The next packet that may be an answer, into `buffer`; -1 with EAGAIN: none now. Zero-length
  // packets and packets with another ID are dropped.
  ssize_t receive(dns::MutableBytesView buffer);
  // The question is over: closes its port.
  void close(uint16_t id) { ports_.erase(id); }

 private:
  Descriptor open_port(uint16_t id) const;
  bool find_ready();
  ssize_t receive_from(uint16_t id, dns::MutableBytesView buffer);

  SocketAddress server_;
  std::function<void(uint16_t)> on_unreachable_;
  Descriptor epoll_;
  std::unordered_map<uint16_t, Descriptor> ports_;  // by ID
  std::vector<uint16_t> ready_;                     // IDs that epoll has reported
};

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A fresh UDP source port for every question to one server, behind one descriptor.
//
// c-ares before 1.20 keeps one UDP socket per server for as long as anything is open, and later
// versions walk over all sockets at each event when told to use each but once. To c-ares this
// object is that one socket: open() connects a socket for the question, fd() (an epoll) gets ready
// when any of them does, and receive() lets a packet through only where its ID is the one that left
// from that very port (RFC 5452 section 9.2). An ICMP error is told for its question alone.
//
// A socket serves many questions, each from another port. Its states:
//   asked    connected, waits for the answer to one question
//   resting  disconnected, so without a port; what came before that may still lie in its queue
//   idle     an epoll_wait after the disconnecting has found nothing in it: ready for the next one
// A socket that has had anything but its answer is closed, and so nothing that was sent to one
// port is ever read as the answer to a question from another.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "dns/wire.h"
#include "io/loop.h"
#include "io/socket.h"

namespace dnslet::io {

class UdpPorts {
 public:
  static constexpr std::size_t kMaxIdle = 256;  // sockets kept open, resting ones too
  static constexpr int kMaxRefused = 64;        // packets that one receive() drops

  // Number of a place for a socket.
  using Place = uint32_t;

  // `on_unreachable` hears that an ICMP error came for the question with this ID. Called from
  // receive() only.
  UdpPorts(const SocketAddress& server, std::function<void(uint16_t id)> on_unreachable);

  // False: the system has no descriptor left.
  bool is_open() const { return static_cast<bool>(epoll_); }
  int fd() const { return epoll_.get(); }

  // Opens a new port for a question with this ID, to be closed with close(). nullopt: the system
  // has no descriptor, or knows no way there; errno tells.
  std::optional<Place> open(uint16_t id);
  // Sends the question. False: the system refuses it, errno tells. REQUIRES: the place is open, for
  // its ID.
  [[nodiscard]] bool send(Place place, dns::BytesView query);
  // The next packet that may be an answer, into `buffer`; -1 with EAGAIN: none now. Zero-length
  // packets and packets with another ID are dropped, but not all of a flood at once: fd() is ready
  // for as long as there are more.
  ssize_t receive(dns::MutableBytesView buffer);
  // The question is over: its port is given back. REQUIRES: open() gave the place, once for each
  // call.
  void close(Place place);

  // Closes the idle sockets that nobody has needed since the last call. False: none is left.
  bool close_unneeded();

 private:
  struct Port {
    Descriptor socket;
    uint16_t id = 0;
    bool is_asked = false;
    bool is_clean = true;  // nothing but what was asked for has come
  };

  std::optional<Place> take_place();
  bool open_socket(Place place);
  bool disconnect(Port& port);
  void discard(Place place);
  bool find_ready();
  ssize_t receive_from(Port& port, dns::MutableBytesView buffer);

  SocketAddress server_;
  std::function<void(uint16_t)> on_unreachable_;
  Descriptor epoll_;
  std::vector<Port> ports_;
  std::vector<Place> ready_;  // epoll has reported them
  std::vector<Place> resting_;
  std::vector<Place> idle_;
  std::vector<Place> vacant_;  // without a socket
  std::size_t unneeded_ = 0;   // the fewest that were idle since close_unneeded()
  bool is_renewal_tested_ = false;
  bool can_renew_ = true;  // disconnecting gives the port back
};

}  // namespace dnslet::io

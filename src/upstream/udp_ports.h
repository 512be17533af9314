// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A fresh UDP source port for every question, behind one descriptor.
//
// open() connects a socket for the question, fd() (an epoll) gets ready when any of them does, and
// receive() tells for which question something has come (RFC 5452 section 9.2). An ICMP error is
// told for its question alone. What a packet is worth is judged by the caller, who says with
// refuse() that it was no answer.
//
// A socket serves many questions, each from another port. Its states:
//   asked    connected, waits for the answer to one question
//   resting  disconnected, so without a port; what came before that may still lie in its queue
//   idle     an epoll_wait after the disconnecting has found nothing in it: ready for the next one
// A socket that has had anything but its answer is closed, and so nothing that was sent to one
// port is ever read as the answer to a question from another.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "dns/wire.h"
#include "io/loop.h"
#include "io/socket.h"

namespace dnslet::upstream {

class UdpPorts {
 public:
  static constexpr std::size_t kMaxIdle = 256;  // sockets kept open, resting ones too

  // Number of a place for a socket.
  using Place = uint32_t;

  // What has come to a port. size: of the packet; -1: an error, which errno tells.
  struct Arrival {
    Place place = 0;
    uint64_t question = 0;
    ssize_t size = 0;
  };

  // Opens the epoll where it is not open. False: the system has no descriptor left.
  bool prepare();
  // -1: not prepared.
  int fd() const { return epoll_.get(); }

  // Opens a new port to the server for a question, to be closed with close(). nullopt: the system
  // has no descriptor, or knows no way there; errno tells. REQUIRES: prepare() was true.
  std::optional<Place> open(const io::SocketAddress& server, uint64_t question);
  // Sends the question. False: the system refuses it, errno tells. REQUIRES: the place is open.
  [[nodiscard]] bool send(Place place, dns::BytesView query);
  // Something that has come, a packet in `buffer`; nullopt: nothing now.
  std::optional<Arrival> receive(dns::MutableBytesView buffer);
  // False: everything that was there at the last look has been received. (fd() is ready for as long
  // as there is more: no need to look twice.)
  bool has_more() const { return !ready_.empty() || !is_all_told_; }
  // What came last was no answer: the socket will not be used again.
  void refuse(Place place) { ports_[place].is_clean = false; }
  // The question is over: its port is given back. REQUIRES: open() gave the place, once for each
  // call.
  void close(Place place);

  // Closes the idle sockets that nobody has needed since the last call. False: none is left.
  bool close_unneeded();
  // Closes everything. REQUIRES: nobody watches fd() any more.
  void end();

 private:
  struct Port {
    io::Descriptor socket;
    uint64_t question = 0;
    sa_family_t family = 0;
    bool is_asked = false;
    bool is_clean = true;  // nothing but what was asked for has come
  };

  std::optional<Place> take_place(sa_family_t family);
  bool has_sockets() const { return vacant_.size() < ports_.size(); }
  bool open_socket(Place place, sa_family_t family);
  bool disconnect(Port& port);
  void discard(Place place);
  void find_ready();
  std::optional<Arrival> receive_from(Place place, dns::MutableBytesView buffer);

  io::Descriptor epoll_;
  std::vector<Port> ports_;
  std::vector<Place> ready_;  // epoll has reported them
  std::vector<Place> resting_;
  std::vector<Place> idle_;
  std::vector<Place> vacant_;  // without a socket
  std::size_t unneeded_ = 0;   // the fewest that were idle since close_unneeded()
  bool is_all_told_ = false;   // the last epoll_wait has reported whatever was ready
  bool is_renewal_tested_ = false;
  bool can_renew_ = true;  // disconnecting gives the port back
};

}  // namespace dnslet::upstream

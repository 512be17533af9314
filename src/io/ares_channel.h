// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One c-ares channel to one server, with its UDP ports and TCP connection in the loop.
//
// What comes of questions is collected and told when c-ares has returned, never from inside it.
// c-ares keeps a question until it is answered or the channel is destroyed; whoever gives up on one
// earlier leaves an orphan behind (see Upstream, which retires channels that have some).

#include <ares.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "dns/wire.h"
#include "io/loop.h"
#include "io/raw_answers.h"
#include "io/socket.h"
#include "io/udp_ports.h"

struct iovec;

namespace dnslet::io {

// How questions travel.
enum class UpstreamTransport { UdpThenTcp, TcpOnly };

enum class UpstreamResult {
  Answer,
  Unreachable,  // refused, no route, no descriptor
  Unsendable,   // c-ares does not take the question; from 1.28 on it knows host names only
};

class AresChannel {
 public:
  struct Outcome {
    uint64_t sequence = 0;
    UpstreamResult result = UpstreamResult::Unreachable;
    dns::Bytes packet;  // as it came; empty but for an Answer
  };

  AresChannel(Loop& loop, const Endpoint& server, UpstreamTransport transport);
  ~AresChannel();
  AresChannel(const AresChannel&) = delete;
  AresChannel& operator=(const AresChannel&) = delete;

  // False: out of memory or descriptors, or too many questions are open.
  bool is_usable() const;
  // Sends a query of ours with a fresh random ID. An outcome may be there at once, untold.
  // REQUIRES: is_usable(), query.size() <= 512.
  void send(uint64_t sequence, dns::BytesView query);
  // Nobody waits for this question any more: its port is closed.
  void forget(uint64_t sequence);
  bool has_outcomes() const { return !outcomes_.empty(); }
  std::vector<Outcome> take_outcomes();
  // Called when an event has brought outcomes and c-ares has returned; not for what send() brings.
  void set_on_outcomes(std::function<void()> on_outcomes) { on_outcomes_ = std::move(on_outcomes); }

  // Questions that are over for everybody but c-ares.
  std::size_t orphans() const { return orphans_; }
  // Nobody waits for anything from here.
  bool is_idle() const { return sequences_.empty() && outcomes_.empty(); }

 private:
  struct Asked;
  struct Stream;  // what is left of a TCP connection's bytes, and what c-ares is yet to see

  void use_own_sockets();
  void note_id(uint16_t id, uint64_t sequence);
  void on_done(uint64_t sequence, int status, uint16_t id);
  void on_socket_state(int fd, int events);
  void on_ready(int fd, int events);
  void process(int fd, int events);
  void settle(uint16_t id, UpstreamResult result);

  int open_socket(int domain, int type);
  int connect_socket(int fd);
  ssize_t send_parts(int fd, const iovec* parts, int count);
  ssize_t receive(int fd, dns::MutableBytesView buffer, sockaddr* from, socklen_t* from_size);
  ssize_t receive_datagram(dns::MutableBytesView buffer);
  ssize_t receive_stream(int fd, dns::MutableBytesView buffer);
  void read_frames(Stream& stream);
  int close_socket(int fd);

  Loop& loop_;
  SocketAddress server_;
  std::function<void()> on_outcomes_;
  UdpPorts ports_;
  RawAnswers answers_;
  uint64_t sending_ = 0;                              // the question c-ares is being given
  std::unordered_map<uint16_t, uint64_t> sequences_;  // open questions by ID
  std::unordered_map<uint64_t, uint16_t> ids_;        // the other way round
  std::vector<Outcome> outcomes_;
  std::unordered_map<int, std::unique_ptr<Watch>> watches_;
  std::unordered_map<int, Stream> streams_;
  std::size_t orphans_ = 0;
  ares_channel channel_ = nullptr;
};

}  // namespace dnslet::io

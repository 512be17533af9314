// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One UDP socket that moves packets in batches: recvmmsg of up to kBatch questions, the answers
// written into the batch's own slots, sendmmsg. Judges nothing.
//
// The socket is our own under a uv_poll_t, because uv_udp_t cannot tell the address that a packet
// came to; an answer leaves from there, also on a wildcard address (IP_PKTINFO, IPV6_PKTINFO).

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "dns/wire.h"
#include "io/loop.h"
#include "io/socket.h"

namespace dnslet::io {

// Who asked, and at which of our addresses. Owns its bytes; may be kept for a later answer.
struct UdpPeer {
  SocketAddress remote;
  bool has_local = false;
  IpAddress local;
  unsigned interface = 0;  // of a link-local address, which means nothing without; else 0
};

class UdpListener {
 public:
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kMaxQuestion = 1536;  // a longer one is cut and then unreadable
  static constexpr std::size_t kMaxAnswer = 1232;

  // Writes an answer into `slot` (kMaxAnswer bytes) and returns its size, or 0 for none now. The
  // packet is valid during the call only.
  using OnQuestion = std::function<std::size_t(dns::BytesView packet, const UdpPeer& peer,
                                               dns::MutableBytesView slot)>;

  // Shows several questions that have come together, before the first of them is answered. They are
  // valid until the last one is.
  using OnBatch = std::function<void(std::span<const dns::BytesView> packets)>;
  struct Callbacks {
    OnQuestion on_question;
    OnBatch on_batch;
  };

  // `socket`: as from bind_socket().
  UdpListener(Loop& loop, Descriptor socket, Callbacks callbacks);
  ~UdpListener();
  UdpListener(const UdpListener&) = delete;
  UdpListener& operator=(const UdpListener&) = delete;

  const Endpoint& endpoint() const { return endpoint_; }
  // Queues a late answer; it is sent at the end of this turn of the loop. What is longer than
  // kMaxAnswer or finds the queue full is lost, as any datagram may be.
  void send(const UdpPeer& peer, dns::BytesView answer);

  // Reads what has come and has not been read in this turn. Not from inside a callback.
  void read_waiting() {
    if (!is_blocked_) receive();
  }

  uint64_t send_errors() const { return send_errors_; }

 private:
  struct Batch;

  void on_ready(int events);
  void receive();
  void answer(std::size_t received);
  void queue(std::size_t size, const UdpPeer& peer);
  void flush();

  Descriptor socket_;
  Endpoint endpoint_;
  std::size_t control_size_;  // 0: every packet comes to the endpoint's own address
  Callbacks callbacks_;
  std::unique_ptr<Batch> batch_;
  std::size_t queued_ = 0;   // answers in the batch's slots
  bool is_blocked_ = false;  // the kernel's send buffer is full: waiting for room, not reading
  uint64_t send_errors_ = 0;
  Watch watch_;  // paused before the loop first waits, and while much is sent
  BeforeWaiting before_waiting_;
};

}  // namespace dnslet::io

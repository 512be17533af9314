// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// IPv4 packets of one interface with all their headers, beside the kernel's own way to sockets:
// what comes is seen whoever has the port, and whatever addresses the interface has.

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "dns/wire.h"
#include "io/loop.h"

namespace dnslet::io {

class PacketSocket {
 public:
  // What is heard: UDP to this port, with these four bytes at a place behind the IP header.
  struct Wanted {
    uint16_t port = 0;
    std::size_t place = 0;
    uint32_t value = 0;
  };

  // Needs CAP_NET_RAW, which nothing below does. Fails with the system's reason, and the remedy.
  // Until hear() all that comes is dropped in the kernel.
  Status open();
  int fd() const { return socket_.get(); }
  // Whose packets they are from now on, whatever it was before. 0, or an errno.
  int bind(int interface);
  void hear(const Wanted& wanted);
  void hear_nothing();
  // Sends a packet to everybody on the link. 0, or an errno.
  int broadcast(dns::BytesView packet);
  // The next packet, in `room`; empty: there is none. A longer one is cut.
  dns::BytesView receive(dns::MutableBytesView room);

 private:
  Descriptor socket_;
  int interface_ = 0;
};

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One TCP connection to a server: whole messages out and in (RFC 1035 section 4.2.2), and the bytes
// that c-ares is to read in their place.

#include <sys/types.h>

#include <cstddef>
#include <optional>

#include "dns/wire.h"

namespace dnslet::io {

class ServerStream {
 public:
  // Borrows the descriptor, which is connected, or about to be.
  explicit ServerStream(int fd) : fd_(fd) {}

  // Queues a message for the server.
  void add(dns::BytesView message);
  // Writes what the kernel takes. False: the connection is broken, errno tells.
  bool flush();
  // Something waits until the kernel takes more.
  bool is_blocked() const { return !outgoing_.empty(); }

  // Reads once. False: nothing there, or the connection is broken; errno tells.
  bool read();
  // The next whole message; valid until the next read(). nullopt: none.
  std::optional<dns::BytesView> next();

  // Queues a message for c-ares.
  void show(dns::BytesView message);
  bool has_shown() const { return taken_ < shown_.size(); }
  // What a recv() of c-ares gets: bytes, 0 at the end of the connection, -1 with EAGAIN.
  ssize_t give(dns::MutableBytesView buffer);

 private:
  int fd_;
  dns::Bytes outgoing_;
  dns::Bytes incoming_;
  std::size_t read_ = 0;  // of incoming_: before it are messages that next() has given
  dns::Bytes shown_;
  std::size_t taken_ = 0;   // of shown_
  bool is_closed_ = false;  // the server has closed its side
};

}  // namespace dnslet::io

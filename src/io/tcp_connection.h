// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A TCP connection that we open, for bytes out and bytes in. Knows no protocol and tries once.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/address.h"
#include "io/loop.h"
#include "io/tcp_stream.h"

namespace dnslet::io {

class TcpConnection final : private Stream::User {
 public:
  // Never called from inside a function of the connection. Each may destroy it.
  struct Events {
    std::function<void()> on_open;
    std::function<void(std::string_view bytes)> on_data;
    // It could not be opened, was closed or failed; the last that is heard of it.
    std::function<void(const std::string& reason)> on_gone;
  };

  TcpConnection(Loop& loop, const Endpoint& server, Events events);

  // REQUIRES: it is open.
  void send(std::string_view bytes);
  // Bytes that the system has not taken yet.
  std::size_t unsent() const { return stream_.unsent(); }

 private:
  void on_open() override;
  void on_bytes(dns::BytesView bytes) override;
  void on_end(int status) override;

  Events events_;
  TcpStream stream_;
};

}  // namespace dnslet::io

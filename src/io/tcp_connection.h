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

namespace dnslet::io {

class TcpConnection {
 public:
  // Never called from inside a function of the connection. Each may destroy it.
  struct Events {
    std::function<void()> on_open;
    std::function<void(std::string_view bytes)> on_data;
    // It could not be opened, was closed or failed; the last that is heard of it.
    std::function<void(const std::string& reason)> on_gone;
  };

  TcpConnection(Loop& loop, const Endpoint& server, Events events);
  ~TcpConnection();
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  // REQUIRES: it is open.
  void send(std::string bytes);
  // Bytes that the system has not taken yet.
  std::size_t unsent() const;

 private:
  void on_connected(int status);
  void on_read(ssize_t count);
  void fail(const char* reason);

  Events events_;
  std::string incoming_;
  int failed_ = 0;  // at once: told in the next turn of the loop
  Timer failed_timer_;
  Handle<uv_tcp_t> handle_;
};

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/tcp_connection.h"

#include <utility>

#include "io/socket.h"

namespace dnslet::io {

TcpConnection::TcpConnection(Loop& loop, const Endpoint& server, Events events)
    : events_(std::move(events)), stream_(loop, {SocketAddress(server)}, *this) {}

void TcpConnection::send(std::string_view bytes) {
  stream_.write({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

// What is called may destroy *this, and its function with it: so a copy is called.
void TcpConnection::on_open() {
  const auto call = events_.on_open;
  call();
}

void TcpConnection::on_bytes(dns::BytesView bytes) {
  const auto call = events_.on_data;
  call({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void TcpConnection::on_end(int status) {
  const auto call = events_.on_gone;
  call(status == UV_EOF ? "closed by the server" : uv_strerror(status));
}

}  // namespace dnslet::io

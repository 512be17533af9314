// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/tcp_connection.h"

#include <memory>
#include <utility>

#include "io/socket.h"

namespace dnslet::io {
namespace {

constexpr std::size_t kBuffer = 4096;

// A write owns its bytes until its callback.
struct Write {
  uv_write_t request;
  std::string bytes;
};

}  // namespace

TcpConnection::TcpConnection(Loop& loop, const Endpoint& server, Events events)
    : events_(std::move(events)),
      incoming_(kBuffer, '\0'),
      failed_timer_(loop, [this] { fail(uv_strerror(failed_)); }),
      handle_(new uv_tcp_t) {
  uv_tcp_init(loop.get(), handle_.get());
  handle_->data = this;
  const SocketAddress address(server);
  auto* const request = new uv_connect_t;
  const auto call = [](uv_connect_t* connected, int status) {
    const std::unique_ptr<uv_connect_t> owned(connected);
    auto* const connection = static_cast<TcpConnection*>(connected->handle->data);
    if (connection) connection->on_connected(status);
  };
  failed_ = uv_tcp_connect(request, handle_.get(), &address.any, call);
  if (failed_ == 0) return;
  delete request;
  failed_timer_.start_once(Milliseconds(0));
}

TcpConnection::~TcpConnection() = default;

void TcpConnection::on_connected(int status) {
  if (status < 0) {
    fail(uv_strerror(status));
    return;
  }
  const auto allocate = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    auto* const connection = static_cast<TcpConnection*>(handle->data);
    if (!connection) return;
    buffer->base = connection->incoming_.data();
    buffer->len = connection->incoming_.size();
  };
  const auto read = [](uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
    if (auto* const connection = static_cast<TcpConnection*>(stream->data))
      connection->on_read(count);
  };
  (void)uv_read_start(reinterpret_cast<uv_stream_t*>(handle_.get()), allocate, read);
  const auto on_open = events_.on_open;  // a copy: the call may destroy *this
  on_open();
}

void TcpConnection::on_read(ssize_t count) {
  if (count < 0) {
    fail(count == UV_EOF ? "closed by the server" : uv_strerror(static_cast<int>(count)));
    return;
  }
  const auto on_data = events_.on_data;
  const std::string bytes = incoming_.substr(0, static_cast<std::size_t>(count));
  on_data(bytes);
}

void TcpConnection::send(std::string bytes) {
  auto* const write = new Write{{}, std::move(bytes)};
  write->request.data = write;
  const uv_buf_t buffer =
      uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  // A failure shows in reading too, where it is told.
  const auto done = [](uv_write_t* request, int) { delete static_cast<Write*>(request->data); };
  auto* const stream = reinterpret_cast<uv_stream_t*>(handle_.get());
  if (uv_write(&write->request, stream, &buffer, 1, done) != 0) delete write;
}

std::size_t TcpConnection::unsent() const {
  return uv_stream_get_write_queue_size(reinterpret_cast<const uv_stream_t*>(handle_.get()));
}

void TcpConnection::fail(const char* reason) {
  const auto on_gone = events_.on_gone;
  on_gone(reason);
}

}  // namespace dnslet::io

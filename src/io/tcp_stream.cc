// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/tcp_stream.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <memory>
#include <utility>

namespace dnslet::io {
namespace {

template <typename T>
TcpStream* owner_of(const T* handle) {
  return static_cast<TcpStream*>(handle->data);
}

// A connection that a firewall has forgotten must not swallow what is written until it is too late.
void end_when_unacknowledged(const uv_tcp_t* handle) {
  uv_os_fd_t fd = -1;
  const auto limit = static_cast<unsigned>(TcpStream::kUnacknowledged.count());
  if (uv_fileno(reinterpret_cast<const uv_handle_t*>(handle), &fd) == 0)
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
}

}  // namespace

// A write owns its bytes until its callback.
struct TcpStream::Write {
  uv_write_t request;
  dns::Bytes bytes;
};

TcpStream::TcpStream(Handle<uv_tcp_t> connection, User& user)
    : user_(user), handle_(std::move(connection)) {
  handle_->data = this;
}

TcpStream::TcpStream(Loop& loop, std::vector<SocketAddress> addresses, User& user, Traffic* traffic)
    : user_(user), loop_(&loop), traffic_(traffic), addresses_(std::move(addresses)) {
  assert(!addresses_.empty());
  timer_.emplace(loop, [this] { on_time(); });
  trying_.reserve(addresses_.size());
  try_next();
}

TcpStream::~TcpStream() = default;

// Tries addresses until one is under way. Where none is, that is told in the next turn of the loop.
void TcpStream::try_next() {
  while (tried_ < addresses_.size()) {
    failed_ = try_address(addresses_[tried_++]);
    if (failed_ != 0) continue;
    if (tried_ < addresses_.size()) timer_->start_once(kNextAddress);
    return;
  }
  if (trying_.empty()) timer_->start_once(Milliseconds(0));
}

int TcpStream::try_address(const SocketAddress& address) {
  Handle<uv_tcp_t> handle(new uv_tcp_t);
  uv_tcp_init(loop_->get(), handle.get());
  handle->data = this;
  auto request = std::make_unique<uv_connect_t>();
  const auto call = [](uv_connect_t* connected, int status) {
    const std::unique_ptr<uv_connect_t> owned(connected);
    auto* const tried = reinterpret_cast<uv_tcp_t*>(connected->handle);
    if (TcpStream* const owner = owner_of(tried)) owner->on_connected(tried, status);
  };
  const auto connect = [&] {
    return uv_tcp_connect(request.get(), handle.get(), &address.any, call);
  };
  int status = connect();
  if (loop_->free_descriptor(-status)) status = connect();
  if (status != 0) return status;
  (void)request.release();  // belongs to the callback
  trying_.push_back(std::move(handle));
  return 0;
}

void TcpStream::on_connected(uv_tcp_t* tried, int status) {
  const auto found =
      std::ranges::find_if(trying_, [&](const auto& handle) { return handle.get() == tried; });
  if (status < 0) {
    failed_ = status;
    trying_.erase(found);
    if (trying_.empty() || tried_ < addresses_.size()) try_next();
    return;
  }
  handle_ = std::move(*found);
  trying_.clear();
  timer_.reset();
  (void)uv_tcp_nodelay(handle_.get(), 1);
  end_when_unacknowledged(handle_.get());
  start_reading();
  user_.on_open();
}

void TcpStream::on_time() {
  if (tried_ < addresses_.size())
    try_next();
  else if (trying_.empty())
    user_.on_end(failed_);
}

void TcpStream::start_reading() {
  // One buffer for all streams of the thread: what is read is handed on before anything else is.
  // libuv would fill it 32 times in a turn of the loop, in which others wait: once is enough.
  const auto allocate = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    static thread_local std::array<char, kMostAtOnce> incoming;
    TcpStream* const owner = owner_of(handle);
    const bool has_had_enough = owner && std::exchange(owner->has_filled_, false);
    *buffer = uv_buf_init(incoming.data(), has_had_enough ? 0 : incoming.size());
  };
  const auto read = [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
    if (TcpStream* const owner = owner_of(stream)) owner->on_read(count, buffer->base);
  };
  is_reading_ = uv_read_start(stream(), allocate, read) == 0;
}

void TcpStream::stop_reading() {
  is_reading_ = false;
  uv_read_stop(stream());
}

void TcpStream::write(dns::BytesView bytes) {
  if (traffic_) traffic_->sent += bytes.size();
  uv_buf_t buffer = uv_buf_init(
      const_cast<char*>(reinterpret_cast<const char*>(bytes.data())),  // NOLINT: it is only read
      static_cast<unsigned>(bytes.size()));
  const int taken = uv_try_write(stream(), &buffer, 1);  // an error comes back with the request
  const dns::BytesView rest = bytes.subspan(static_cast<std::size_t>(std::max(taken, 0)));
  if (rest.empty()) return;

  auto write = std::make_unique<Write>();
  write->bytes.assign(rest.begin(), rest.end());
  write->request.data = write.get();
  buffer = uv_buf_init(reinterpret_cast<char*>(write->bytes.data()),
                       static_cast<unsigned>(write->bytes.size()));
  const auto done = [](uv_write_t* request, int status) {
    const std::unique_ptr<Write> owned(static_cast<Write*>(request->data));
    if (TcpStream* const owner = owner_of(request->handle)) owner->on_written(status);
  };
  if (uv_write(&write->request, stream(), &buffer, 1, done) == 0) (void)write.release();
}

// A failure is found by reading, behind what has arrived, while that goes on.
void TcpStream::on_written(int status) {
  if (status < 0 && !is_reading_)
    user_.on_end(status);
  else if (status == 0 && unsent() == 0)
    user_.on_written();
}

// See tcp(7) on TCP_INFO; times there are in milliseconds, as good as the kernel's ticks, round
// trips in microseconds.
bool TcpStream::is_path_dead(Milliseconds ago) const {
  constexpr Milliseconds kTick{10};
  tcp_info info{};
  socklen_t size = sizeof info;
  uv_os_fd_t fd = -1;
  if (uv_fileno(reinterpret_cast<const uv_handle_t*>(handle_.get()), &fd) != 0 ||
      getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
    return false;
  const auto heard = Milliseconds(std::min(info.tcpi_last_ack_recv, info.tcpi_last_data_recv));
  const auto patience = std::max(kPathDead, Milliseconds(3 * info.tcpi_rtt / 1000));
  if (info.tcpi_unacked == 0) sent_again_ = info.tcpi_total_retrans;
  // What has just been written is not acknowledged on a good path either, but nothing is sent
  // again.
  const bool is_in_doubt = info.tcpi_unacked > 0 && info.tcpi_total_retrans > sent_again_;
  return is_in_doubt && ago >= patience && heard + kTick >= ago;
}

std::size_t TcpStream::unsent() const {
  return handle_ ? uv_stream_get_write_queue_size(stream()) : 0;
}

void TcpStream::finish() {
  auto request = std::make_unique<uv_shutdown_t>();
  const auto done = [](uv_shutdown_t* ended, int) { delete ended; };
  if (uv_shutdown(request.get(), stream(), done) == 0) (void)request.release();
}

void TcpStream::on_read(ssize_t count, const char* bytes) {
  if (count == 0 || count == UV_ENOBUFS) return;  // nothing was there, or enough for this turn
  has_filled_ = count == kMostAtOnce;
  if (count < 0) {
    stop_reading();
    user_.on_end(static_cast<int>(count));
    return;
  }
  const dns::BytesView arrived(reinterpret_cast<const uint8_t*>(bytes),
                               static_cast<std::size_t>(count));
  if (traffic_) traffic_->received += arrived.size();
  user_.on_bytes(arrived);
}

}  // namespace dnslet::io

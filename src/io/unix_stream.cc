// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/unix_stream.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>

namespace dnslet::io {

UnixStream::UnixStream(Loop& loop, const std::string& path, User& user)
    : loop_(loop), user_(user), timer_(loop, [this] { tell(); }) {
  connect(path);
  timer_.start_once(Milliseconds(0));
}

// It is there at once or not at all: EAGAIN says that too many others wait.
void UnixStream::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy_n(path.data(), std::min(path.size(), sizeof address.sun_path - 1), address.sun_path);
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket ||
      ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    failed_ = -errno;
    return;
  }
  auto made = std::make_unique<uv_tcp_t>();
  if ((failed_ = uv_tcp_init(loop_.get(), made.get())) != 0) return;
  Handle<uv_tcp_t> handle(made.release());
  if ((failed_ = uv_tcp_open(handle.get(), socket.get())) != 0) return;
  (void)socket.release();
  stream_.emplace(std::move(handle), user_);
}

void UnixStream::tell() {
  if (!stream_) return user_.on_end(failed_);
  stream_->start_reading();
  user_.on_open();
}

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/server_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace dnslet::io {
namespace {

void append_frame(dns::Bytes& stream, dns::BytesView message) {
  stream.push_back(static_cast<uint8_t>(message.size() >> 8));
  stream.push_back(static_cast<uint8_t>(message.size()));
  stream.insert(stream.end(), message.begin(), message.end());
}

void erase_front(dns::Bytes& bytes, std::size_t count) {
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace

void ServerStream::add(dns::BytesView message) { append_frame(outgoing_, message); }

bool ServerStream::flush() {
  std::size_t done = 0;
  while (done < outgoing_.size()) {
    const ssize_t count =
        send(fd_, outgoing_.data() + done, outgoing_.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    done += static_cast<std::size_t>(count);
  }
  erase_front(outgoing_, done);
  return outgoing_.empty() || errno == EAGAIN || errno == EWOULDBLOCK;
}

bool ServerStream::read() {
  std::array<uint8_t, 65536> chunk;
  const ssize_t count = recv(fd_, chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (count < 0) return false;
  is_closed_ = count == 0;
  erase_front(incoming_, std::exchange(read_, 0));
  incoming_.insert(incoming_.end(), chunk.begin(), chunk.begin() + count);
  return true;
}

std::optional<dns::BytesView> ServerStream::next() {
  dns::Reader reader(dns::BytesView(incoming_).subspan(read_));
  const dns::BytesView message = reader.bytes(reader.u16());
  if (!reader.ok()) return std::nullopt;
  read_ += reader.offset();
  return message;
}

void ServerStream::show(dns::BytesView message) {
  erase_front(shown_, std::exchange(taken_, 0));
  append_frame(shown_, message);
}

ssize_t ServerStream::give(dns::MutableBytesView buffer) {
  const std::size_t size = std::min(shown_.size() - taken_, buffer.size());
  dns::copy_bytes(dns::BytesView(shown_).subspan(taken_, size), buffer);
  taken_ += size;
  if (size > 0) return static_cast<ssize_t>(size);
  if (is_closed_) return 0;
  errno = EAGAIN;
  return -1;
}

}  // namespace dnslet::io

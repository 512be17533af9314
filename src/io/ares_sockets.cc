// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of an AresChannel that c-ares takes for sockets: UDP goes through ports of our own, TCP
// through streams; queries and answers stay here, c-ares sees stand-ins (io/stand_in).

#include <netinet/tcp.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "io/ares_channel.h"

namespace dnslet::io {
namespace {

uint16_t id_of(dns::BytesView message) { return dns::Reader(message).u16(); }

}  // namespace

int AresChannel::open_socket(int domain, int type) {
  if (type == SOCK_DGRAM) return ports_.fd();
  const auto open = [&] { return socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); };
  int fd = open();
  if (fd < 0 && loop_.free_descriptor(errno)) fd = open();
  socket_error_ = fd < 0 ? errno : 0;
  if (fd < 0) return fd;
  // A connection that a firewall has forgotten must not swallow questions until they are too late:
  // the kernel ends it, and c-ares tries once more on a new one.
  constexpr unsigned kUnacknowledgedMs = 800;
  constexpr int kOn = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnacknowledgedMs, sizeof kUnacknowledgedMs);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);  // questions are written whole
  ++connections_;
  streams_.emplace(fd, ServerStream(fd));
  return fd;
}

int AresChannel::connect_socket(int fd) {
  return fd == ports_.fd() ? 0 : connect(fd, &server_.any, server_.size);
}

int AresChannel::close_socket(int fd) {
  if (fd == ports_.fd()) return 0;
  streams_.erase(fd);
  return ::close(fd);
}

// Sends the queries for which c-ares writes stand-ins, and takes all of these: what the kernel does
// not take at once waits in the stream.
ssize_t AresChannel::send_parts(int fd, const iovec* parts, int count) {
  std::size_t size = 0;
  const auto stream = streams_.find(fd);
  for (const iovec& part : std::span(parts, static_cast<std::size_t>(count))) {
    size += part.iov_len;
    dns::Reader reader(dns::BytesView(static_cast<const uint8_t*>(part.iov_base), part.iov_len));
    if (stream == streams_.end()) {
      queue_datagram(reader.u16());
      continue;
    }
    while (reader.remaining() > 0) {  // ends: every turn reads at least one byte
      const dns::BytesView stand_in = reader.bytes(reader.u16());
      Asked* const asked = find_sent(id_of(stand_in));
      if (!asked) continue;
      stream->second.add(asked->query.view());
      asked->connection = connections_;
    }
  }
  if (stream != streams_.end()) {
    // A broken connection is found by reading, behind the answers that it has brought.
    (void)stream->second.flush();
    watch(fd);
  }
  return static_cast<ssize_t>(size);
}

ssize_t AresChannel::receive(int fd, dns::MutableBytesView buffer, sockaddr* from,
                             socklen_t* from_size) {
  const auto stream = streams_.find(fd);
  if (stream != streams_.end()) return receive_stream(stream->second, buffer);
  if (from && from_size && *from_size >= server_.size) {  // the ports are connected to it
    std::memcpy(from, &server_.any, server_.size);
    *from_size = server_.size;
  }
  return receive_datagram(buffer);
}

ssize_t AresChannel::receive_datagram(dns::MutableBytesView buffer) {
  static thread_local std::array<uint8_t, dns::kMaxMessage> packet;
  for (int left = UdpPorts::kMaxRefused; left > 0; --left) {
    const ssize_t size = ports_.receive(packet);
    if (size < 0) return size;
    const auto shown = keep_answer(dns::BytesView(packet).first(static_cast<std::size_t>(size)),
                                   Carrier::Datagram);
    if (!shown) continue;
    dns::copy_bytes(*shown, buffer);
    return static_cast<ssize_t>(shown->size());
  }
  errno = EAGAIN;
  return -1;
}

ssize_t AresChannel::receive_stream(ServerStream& stream, dns::MutableBytesView buffer) {
  if (!stream.has_shown()) {
    if (!stream.read()) return -1;
    while (const auto packet = stream.next())
      if (const auto shown = keep_answer(*packet, Carrier::Stream)) stream.show(*shown);
  }
  return stream.give(buffer);
}

// Keeps an answer to an open question. The first one counts, and what came over UDP with TC does
// so until TCP has brought another. Returns what c-ares is to see of it.
std::optional<StandIn> AresChannel::keep_answer(dns::BytesView packet, Carrier carrier) {
  Asked* const asked = find_open(id_of(packet));
  const bool is_datagram = carrier == Carrier::Datagram;
  if (!asked || asked->is_answered || asked->port.has_value() != is_datagram) return std::nullopt;
  if (!answers(packet, asked->query.view())) return std::nullopt;
  asked->packet = {arrived_.size(), packet.size()};
  arrived_.insert(arrived_.end(), packet.begin(), packet.end());
  asked->is_answered = !is_datagram || !is_truncated(packet);
  if (!is_datagram) fruitful_ = connections_;
  if (is_datagram) ports_.close(*std::exchange(asked->port, std::nullopt));
  if (!asked->is_answered)
    outcomes_.push_back({asked->token, UpstreamResult::Truncated, asked->packet});
  return answer_stand_in(asked->id, !asked->is_answered);
}

}  // namespace dnslet::io

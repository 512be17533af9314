// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/udp_ports.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <utility>

namespace dnslet::io {

UdpPorts::UdpPorts(const SocketAddress& server, std::function<void(uint16_t)> on_unreachable)
    : server_(server),
      on_unreachable_(std::move(on_unreachable)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

void UdpPorts::send(dns::BytesView query) {
  dns::Reader reader(query);
  const uint16_t id = reader.u16();
  Descriptor port = open_port(id);
  if (port && ::send(port.get(), query.data(), query.size(), MSG_NOSIGNAL) >= 0) {
    ports_.insert_or_assign(id, std::move(port));
  } else {
    ports_.erase(id);
    on_unreachable_(id);
  }
}

// A connected socket that epoll watches; none where the system has none or knows no way there.
Descriptor UdpPorts::open_port(uint16_t id) const {
  Descriptor port(socket(server_.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!port || connect(port.get(), &server_.any, server_.size) != 0) return {};
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.u32 = id;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, port.get(), &interest) != 0) return {};
  return port;
}

ssize_t UdpPorts::receive(dns::MutableBytesView buffer) {
  while (!ready_.empty() || find_ready()) {  // ends: a turn takes an ID off ready_
    const uint16_t id = ready_.back();
    ready_.pop_back();
    const ssize_t size = receive_from(id, buffer);
    if (size > 0) return size;
  }
  errno = EAGAIN;
  return -1;
}

// Asks epoll which ports have something. False: none.
bool UdpPorts::find_ready() {
  std::array<epoll_event, 64> events;
  const int count = epoll_wait(epoll_.get(), events.data(), events.size(), 0);
  for (int i = 0; i < count; ++i)
    ready_.push_back(static_cast<uint16_t>(events[static_cast<std::size_t>(i)].data.u32));
  return count > 0;
}

// The packet's size, or 0 where this port has nothing that could be an answer.
ssize_t UdpPorts::receive_from(uint16_t id, dns::MutableBytesView buffer) {
  const auto port = ports_.find(id);
  if (port == ports_.end()) return 0;  // closed since epoll reported it
  const ssize_t size = recv(port->second.get(), buffer.data(), buffer.size(), 0);
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return 0;
    ports_.erase(port);
    on_unreachable_(id);
    return 0;
  }
  dns::Reader reader(dns::BytesView(buffer.data(), static_cast<std::size_t>(size)));
  const uint16_t answered = reader.u16();
  return reader.ok() && answered == id ? size : 0;
}

}  // namespace dnslet::io

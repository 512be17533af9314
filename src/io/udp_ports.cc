// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/udp_ports.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace dnslet::io {

UdpPorts::UdpPorts(const SocketAddress& server, std::function<void(uint16_t)> on_unreachable)
    : server_(server),
      on_unreachable_(std::move(on_unreachable)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

std::optional<UdpPorts::Place> UdpPorts::open(uint16_t id) {
  const auto place = take_place();
  if (!place) return std::nullopt;
  Port& port = ports_[*place];
  port.id = id;
  if (connect(port.socket.get(), &server_.any, server_.size) == 0) return place;
  const int error = errno;
  port.is_clean = false;
  close(*place);
  errno = error;
  return std::nullopt;
}

bool UdpPorts::send(Place place, dns::BytesView query) {
  Port& port = ports_[place];
  const bool is_sent = ::send(port.socket.get(), query.data(), query.size(), MSG_NOSIGNAL) >= 0;
  port.is_clean = port.is_clean && is_sent;
  return is_sent;
}

// An idle socket, or a new one.
std::optional<UdpPorts::Place> UdpPorts::take_place() {
  std::vector<Place>& places = idle_.empty() ? vacant_ : idle_;
  if (places.empty()) {
    vacant_.push_back(static_cast<Place>(ports_.size()));
    ports_.emplace_back();
  }
  const Place place = places.back();
  if (!ports_[place].socket && !open_socket(place)) return std::nullopt;
  places.pop_back();
  unneeded_ = std::min(unneeded_, idle_.size());
  ports_[place].is_asked = true;
  return place;
}

bool UdpPorts::open_socket(Place place) {
  Descriptor socket(::socket(server_.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.u32 = place;
  if (!socket || epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &interest) != 0) return false;
  ports_[place] = {.socket = std::move(socket)};
  return true;
}

void UdpPorts::close(Place place) {
  Port& port = ports_[place];
  port.is_asked = false;
  if (port.is_clean && idle_.size() + resting_.size() < kMaxIdle && disconnect(port)) {
    resting_.push_back(place);
  } else {
    discard(place);
  }
}

// Gives the port back. The next connect() takes another one, at random, and chooses the source
// address anew. Kernels that keep the port are found out with the first one.
bool UdpPorts::disconnect(Port& port) {
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  if (!can_renew_ || connect(port.socket.get(), &nowhere, sizeof nowhere) != 0) return false;
  if (!is_renewal_tested_) can_renew_ = bound_endpoint(port.socket).port == 0;
  is_renewal_tested_ = true;
  return can_renew_;
}

void UdpPorts::discard(Place place) {
  ports_[place].socket = Descriptor();
  vacant_.push_back(place);
}

bool UdpPorts::close_unneeded() {
  (void)find_ready();  // what it finds is received later
  // The first ones have been idle for longest.
  const auto end = idle_.begin() + static_cast<std::ptrdiff_t>(std::min(unneeded_, idle_.size()));
  std::for_each(idle_.begin(), end, [this](Place place) { discard(place); });
  idle_.erase(idle_.begin(), end);
  unneeded_ = idle_.size();
  return !idle_.empty() || !resting_.empty();
}

ssize_t UdpPorts::receive(dns::MutableBytesView buffer) {
  // Ends, however fast others send: the epoll stays ready for what is left.
  for (int left = kMaxRefused; left > 0 && (!ready_.empty() || find_ready()); --left) {
    Port& port = ports_[ready_.back()];
    ready_.pop_back();
    const ssize_t size = port.is_asked ? receive_from(port, buffer) : 0;  // closed meanwhile
    if (size > 0) return size;
  }
  errno = EAGAIN;
  return -1;
}

// Asks epoll which ports have something. False: none that is asked.
bool UdpPorts::find_ready() {
  std::array<epoll_event, 64> events;
  const int count = epoll_wait(epoll_.get(), events.data(), events.size(), 0);
  for (int i = 0; i < count; ++i) {
    const Place place = events[static_cast<std::size_t>(i)].data.u32;
    if (ports_[place].is_asked) {
      ready_.push_back(place);
    } else if (std::erase(resting_, place) + std::erase(idle_, place) > 0) {
      discard(place);
    }
  }
  if (static_cast<std::size_t>(count) < events.size()) {  // that was all: the others are empty
    idle_.insert(idle_.end(), resting_.begin(), resting_.end());
    resting_.clear();
  }
  return !ready_.empty();
}

// The packet's size, or 0 where this port has nothing that could be an answer.
ssize_t UdpPorts::receive_from(Port& port, dns::MutableBytesView buffer) {
  const ssize_t size = recv(port.socket.get(), buffer.data(), buffer.size(), 0);
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return 0;
    port.is_clean = false;
    on_unreachable_(port.id);
    return 0;
  }
  dns::Reader reader(dns::BytesView(buffer.data(), static_cast<std::size_t>(size)));
  const uint16_t answered = reader.u16();
  const bool is_expected = reader.ok() && answered == port.id;
  port.is_clean = port.is_clean && is_expected;
  return is_expected ? size : 0;
}

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/udp_ports.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace dnslet::upstream {

bool UdpPorts::prepare() {
  if (!epoll_) epoll_ = io::Descriptor(epoll_create1(EPOLL_CLOEXEC));
  return static_cast<bool>(epoll_);
}

void UdpPorts::end() { *this = UdpPorts(); }

std::optional<UdpPorts::Place> UdpPorts::open(const io::SocketAddress& server, uint64_t question) {
  const auto place = take_place(server.any.sa_family);
  if (!place) return std::nullopt;
  Port& port = ports_[*place];
  port.question = question;
  if (connect(port.socket.get(), &server.any, server.size) == 0) return place;
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
std::optional<UdpPorts::Place> UdpPorts::take_place(sa_family_t family) {
  std::vector<Place>& places = idle_.empty() ? vacant_ : idle_;
  if (places.empty()) {
    vacant_.push_back(static_cast<Place>(ports_.size()));
    ports_.emplace_back();
  }
  const Place place = places.back();
  Port& port = ports_[place];
  const bool is_usable = port.socket && port.family == family;
  if (!is_usable && !open_socket(place, family)) return std::nullopt;
  places.pop_back();
  unneeded_ = std::min(unneeded_, idle_.size());
  ports_[place].is_asked = true;
  return place;
}

bool UdpPorts::open_socket(Place place, sa_family_t family) {
  io::Descriptor socket(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.u32 = place;
  if (!socket || epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &interest) != 0) return false;
  ports_[place] = Port();  // closes one of the other family
  ports_[place].socket = std::move(socket);
  ports_[place].family = family;
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
  if (!is_renewal_tested_) can_renew_ = io::bound_endpoint(port.socket).port == 0;
  is_renewal_tested_ = true;
  return can_renew_;
}

void UdpPorts::discard(Place place) {
  ports_[place].socket = io::Descriptor();
  vacant_.push_back(place);
}

bool UdpPorts::close_unneeded() {
  if (!epoll_) return false;
  find_ready();  // what it finds is received later
  // The first ones have been idle for longest.
  const auto end = idle_.begin() + static_cast<std::ptrdiff_t>(std::min(unneeded_, idle_.size()));
  std::for_each(idle_.begin(), end, [this](Place place) { discard(place); });
  idle_.erase(idle_.begin(), end);
  unneeded_ = idle_.size();
  return has_sockets();
}

std::optional<UdpPorts::Arrival> UdpPorts::receive(dns::MutableBytesView buffer) {
  if (ready_.empty()) find_ready();
  while (!ready_.empty()) {
    const Place place = ready_.back();
    ready_.pop_back();
    if (!ports_[place].is_asked) continue;  // closed meanwhile
    if (const auto arrival = receive_from(place, buffer)) return arrival;
  }
  return std::nullopt;
}

// Asks epoll which ports have something.
void UdpPorts::find_ready() {
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
  is_all_told_ = count < static_cast<int>(events.size());
  if (!is_all_told_) return;
  idle_.insert(idle_.end(), resting_.begin(), resting_.end());  // these have nothing in them
  resting_.clear();
}

std::optional<UdpPorts::Arrival> UdpPorts::receive_from(Place place, dns::MutableBytesView buffer) {
  Port& port = ports_[place];
  const ssize_t size = recv(port.socket.get(), buffer.data(), buffer.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  port.is_clean = port.is_clean && size > 0;
  return Arrival{place, port.question, size};
}

}  // namespace dnslet::upstream

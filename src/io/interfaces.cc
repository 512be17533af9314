// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/interfaces.h"

#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

namespace dnslet::io {
namespace {

// The structures of the system are copied, never pointed to: bytes have no alignment.
template <typename T>
T copy_of(const void* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

void read_link(const ifaddrs& entry, Interface& found) {
  const auto link = copy_of<sockaddr_ll>(entry.ifa_addr);
  found.index = link.sll_ifindex;
  found.is_running = (entry.ifa_flags & IFF_UP) != 0 && (entry.ifa_flags & IFF_RUNNING) != 0;
  if (link.sll_hatype != ARPHRD_ETHER || link.sll_halen != 6) return;
  found.hardware.emplace();
  std::copy_n(link.sll_addr, found.hardware->size(), found.hardware->begin());
}

void read_address(const ifaddrs& entry, Interface& found) {
  constexpr uint32_t kLinkLocal = 0xa9fe;  // 169.254.0.0/16 (RFC 3927): no server knows it
  const auto address = copy_of<sockaddr_in>(entry.ifa_addr);
  const uint32_t number = ntohl(address.sin_addr.s_addr);
  if (found.address || number >> 16 == kLinkLocal) return;
  found.address.emplace();
  std::memcpy(found.address->bytes.data(), &address.sin_addr, sizeof address.sin_addr);
}

// What stands behind the header of a message; nullopt: it is cut.
template <typename T>
std::optional<T> body_of(std::span<const uint8_t> message) {
  if (message.size() < NLMSG_HDRLEN + sizeof(T)) return std::nullopt;
  return copy_of<T>(message.data() + NLMSG_HDRLEN);
}

}  // namespace

std::optional<Interface> find_interface(const std::string& name) {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return std::nullopt;
  std::optional<Interface> found;
  for (const ifaddrs* entry = all; entry; entry = entry->ifa_next) {
    if (!entry->ifa_addr || name != entry->ifa_name) continue;
    if (!found) found.emplace();
    if (entry->ifa_addr->sa_family == AF_PACKET) read_link(*entry, *found);
    if (entry->ifa_addr->sa_family == AF_INET) read_address(*entry, *found);
  }
  freeifaddrs(all);
  return found;
}

Status InterfaceWatch::open() {
  socket_ =
      Descriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR;
  const auto* const any = reinterpret_cast<const sockaddr*>(&address);
  if (socket_ && bind(socket_.get(), any, sizeof address) == 0) return Done();
  return Error{std::string("cannot watch interfaces by netlink: ") + uv_strerror(-errno)};
}

void InterfaceWatch::start(Loop& loop, OnChange on_change) {
  moment_ = std::make_unique<Timer>(
      loop, [this, on_change = std::move(on_change)] { on_change(std::exchange(changes_, {})); });
  watch_ = std::make_unique<Watch>(loop, socket_.get(), [this](int) { read(); });
  watch_->start(UV_READABLE);
}

// What has been lost, as the kernel had no room (ENOBUFS), is a change too.
void InterfaceWatch::read() {
  std::array<uint8_t, 8192> room;
  const ssize_t size = recv(socket_.get(), room.data(), room.size(), 0);
  watch_->start(UV_READABLE);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  std::span<const uint8_t> rest(room.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  while (rest.size() >= NLMSG_HDRLEN) {
    const std::size_t length = copy_of<nlmsghdr>(rest.data()).nlmsg_len;
    if (length < NLMSG_HDRLEN || length > rest.size()) break;
    note(rest.first(length));
    rest = rest.subspan(std::min<std::size_t>(NLMSG_ALIGN(length), rest.size()));
  }
  if (!moment_->is_active()) moment_->start_once(kMoment);
}

void InterfaceWatch::note(std::span<const uint8_t> message) {
  const auto type = copy_of<nlmsghdr>(message.data()).nlmsg_type;
  if (type == RTM_NEWADDR) {
    const auto address = body_of<ifaddrmsg>(message);
    if (address && static_cast<int>(address->ifa_index) == followed_) changes_.is_renewed = true;
  } else if (type == RTM_NEWLINK || type == RTM_DELLINK) {
    const auto link = body_of<ifinfomsg>(message);
    const bool is_ours = link && link->ifi_index == followed_;
    if (is_ours && (type == RTM_DELLINK || (link->ifi_flags & IFF_RUNNING) == 0))
      changes_.was_lost = true;
  }
}

}  // namespace dnslet::io

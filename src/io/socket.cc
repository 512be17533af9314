// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/socket.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace dnslet::io {
namespace {

// A burst of a thousand questions must fit (the default holds a few hundred). The kernel caps it at
// net.core.rmem_max and wmem_max.
constexpr int kSocketBuffer = 4 << 20;

// 0: no such interface.
uint32_t scope_id(const std::string& scope) {
  if (scope.empty()) return 0;
  if (const unsigned index = if_nametoindex(scope.c_str()); index != 0) return index;
  uint32_t number = 0;
  const char* const end = scope.data() + scope.size();
  const auto [stop, code] = std::from_chars(scope.data(), end, number);
  return code == std::errc() && stop == end ? number : 0;
}

// 0 stands for no scope, so binding would succeed elsewhere.
bool has_its_scope(const Endpoint& endpoint, const SocketAddress& address) {
  if (endpoint.scope.empty() || address.v6.sin6_scope_id != 0) return true;
  errno = ENODEV;
  return false;
}

bool set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

int option_of(int fd, int level, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, level, option, &value, &size) == 0 ? value : 0;
}

// A smaller one only loses bursts; what was passed with a larger one keeps it.
void enlarge(int fd, int option) {
  if (option_of(fd, SOL_SOCKET, option) < kSocketBuffer)
    (void)set(fd, SOL_SOCKET, option, kSocketBuffer);
}

// What a UDP socket needs, bound or not. False: errno tells why.
bool prepare_udp(int fd, const IpAddress& address) {
  enlarge(fd, SO_RCVBUF);
  enlarge(fd, SO_SNDBUF);
  if (!address.is_wildcard()) return true;
  return address.family == Family::V6 ? set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                                      : set(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

// What has to be done before a socket is bound. False: errno tells why.
bool prepare(int fd, const Endpoint& endpoint, SocketKind kind) {
  const bool is_v6 = endpoint.address.family == Family::V6;
  if (is_v6 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) return false;
  if (kind == SocketKind::Tcp) return set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  return prepare_udp(fd, endpoint.address);
}

std::string hex_text(std::span<const uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) text += {kDigits[byte >> 4], kDigits[byte & 15]};
  return text;
}

enum class Port { Own, Shared };

Result<Descriptor> bind_with(const Endpoint& endpoint, SocketKind kind, Port port) {
  const SocketAddress address(endpoint);
  const bool is_udp = kind == SocketKind::Udp;
  const int type = (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  Descriptor socket(::socket(address.any.sa_family, type, 0));
  if (has_its_scope(endpoint, address) && socket && prepare(socket.get(), endpoint, kind) &&
      (port == Port::Own || set(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1)) &&
      bind(socket.get(), &address.any, address.size) == 0)
    return socket;
  const std::string reason = uv_strerror(-errno);
  return Error{"cannot bind " + endpoint.to_text() + (is_udp ? "/udp: " : "/tcp: ") + reason};
}

}  // namespace

SocketAddress::SocketAddress(const Endpoint& endpoint) : SocketAddress() {
  const auto& bytes = endpoint.address.bytes;
  if (endpoint.address.family == Family::V4) {
    v4 = sockaddr_in();
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, bytes.data(), 4);
    size = sizeof v4;
    return;
  }
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  v6.sin6_scope_id = scope_id(endpoint.scope);
  std::memcpy(&v6.sin6_addr, bytes.data(), 16);
}

IpAddress SocketAddress::address() const {
  IpAddress address;
  if (any.sa_family == AF_INET) {
    std::memcpy(address.bytes.data(), &v4.sin_addr, 4);
    return address;
  }
  address.family = Family::V6;
  std::memcpy(address.bytes.data(), &v6.sin6_addr, 16);
  return address;
}

Endpoint SocketAddress::endpoint() const {
  if (any.sa_family == AF_INET) return {address(), ntohs(v4.sin_port), ""};
  const uint32_t scope = v6.sin6_scope_id;
  return {address(), ntohs(v6.sin6_port), scope == 0 ? "" : std::to_string(scope)};
}

Result<Descriptor> bind_socket(const Endpoint& endpoint, SocketKind kind) {
  return bind_with(endpoint, kind, Port::Own);
}

bool is_free(const Endpoint& endpoint) {
  return static_cast<bool>(bind_socket(endpoint, SocketKind::Udp));
}

AddressState state_of(const Endpoint& endpoint) {
  if (endpoint.address.family != Family::V6) return AddressState::Unknown;
  const SocketAddress wanted(endpoint);
  const std::unique_ptr<FILE, int (*)(FILE*)> table(std::fopen("/proc/net/if_inet6", "re"), fclose);
  std::array<char, 33> digits{};
  unsigned index = 0;
  unsigned flags = 0;
  // Address, interface, prefix, scope, flags, name. Ends: every turn reads a line.
  while (table &&
         std::fscanf(table.get(), "%32s %x %*x %*x %x %*s", digits.data(), &index, &flags) == 3) {
    const bool is_there = wanted.v6.sin6_scope_id == 0 || wanted.v6.sin6_scope_id == index;
    if (!is_there || digits.data() != hex_text(endpoint.address.bytes)) continue;
    if (flags & IFA_F_DADFAILED) return AddressState::Duplicate;
    return flags & IFA_F_TENTATIVE ? AddressState::Tentative : AddressState::Usable;
  }
  return AddressState::Unknown;
}

Result<Descriptor> bind_beside(const BoundSocket& first) {
  (void)set(first.socket.get(), SOL_SOCKET, SO_REUSEPORT, 1);  // else the second one can't bind
  return bind_with(bound_endpoint(first.socket), first.kind, Port::Shared);
}

Result<Descriptor> duplicate(const Descriptor& socket) {
  Descriptor copy(fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return Error{std::string("cannot duplicate a socket: ") + uv_strerror(-errno)};
  return copy;
}

bool adopt_socket(const BoundSocket& bound) {
  const int fd = bound.socket.get();
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return false;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return false;
  return bound.kind == SocketKind::Tcp || prepare_udp(fd, bound_endpoint(bound.socket).address);
}

bool takes_both_families(const Descriptor& socket) {
  return bound_endpoint(socket).address.family == Family::V6 &&
         option_of(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY) == 0;
}

Endpoint bound_endpoint(const Descriptor& socket) {
  SocketAddress address;
  (void)getsockname(socket.get(), &address.any, &address.size);  // fails for no bound socket
  return address.endpoint();
}

std::vector<IpAddress> local_addresses() {
  std::vector<IpAddress> addresses;
  uv_interface_address_t* interfaces = nullptr;
  int count = 0;
  if (uv_interface_addresses(&interfaces, &count) != 0) return addresses;
  for (int i = 0; i < count; ++i) {
    SocketAddress address;
    std::memcpy(&address.v6, &interfaces[i].address, sizeof address.v6);
    addresses.push_back(address.address());
  }
  uv_free_interface_addresses(interfaces, count);
  return addresses;
}

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/systemd.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>
#include <string>
#include <utility>

#include "io/log_line.h"

namespace dnslet::io {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr int kMaxPassed = 256;
constexpr int kMultipathTcp = 262;  // IPPROTO_MPTCP

// A variable's text, and the variable no more: it was for this process alone.
std::string take_variable(const char* name) {
  const char* const value = std::getenv(name);
  std::string text = value ? value : "";
  (void)unsetenv(name);  // fails for bad names only
  return text;
}

std::optional<int> to_number(std::string_view text) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc() || stop != end) return std::nullopt;
  return number;
}

// How many LISTEN_FDS promises to this process.
Result<int> count_passed() {
  const std::string pid = take_variable("LISTEN_PID");
  const std::string count = take_variable("LISTEN_FDS");
  if (pid.empty() || count.empty())
    return Error{"no sockets were passed (LISTEN_FDS or LISTEN_PID is unset): start dnslet.socket"};
  if (to_number(pid) != getpid())
    return Error{"the sockets were passed to another process (LISTEN_PID is " + io::quoted(pid) +
                 ", this is " + std::to_string(getpid()) + "): start dnslet without a wrapper"};
  const auto number = to_number(count);
  if (!number || *number < 1 || *number > kMaxPassed)
    return Error{"LISTEN_FDS is " + io::quoted(count) + " where a number of sockets from 1 to " +
                 std::to_string(kMaxPassed) + " is expected: start dnslet.socket"};
  return *number;
}

// The first of names separated by colons, which is taken off.
std::string take_name(std::string& names) {
  const std::size_t colon = names.find(':');
  std::string name = names.substr(0, colon);
  names.erase(0, colon == std::string::npos ? colon : colon + 1);
  return name;
}

// What is wrong with a descriptor that should be a socket to serve; empty: nothing.
std::string fault_of(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return "is not open: LISTEN_FDS counts too many";
  if (!S_ISSOCK(status.st_mode))
    return "is no socket: use ListenDatagram= and ListenStream= with a port";

  SocketAddress address;
  if (getsockname(fd, &address.any, &address.size) != 0) return uv_strerror(-errno);
  if (address.any.sa_family != AF_INET && address.any.sa_family != AF_INET6)
    return "is neither IPv4 nor IPv6: use ListenDatagram= and ListenStream= with a port";
  if (address.endpoint().port == 0) return "is not bound to a port";

  SocketAddress peer;
  if (getpeername(fd, &peer.any, &peer.size) == 0)
    return "is connected to one client: set Accept=no";
  return {};
}

Result<BoundSocket> take_socket(int fd) {
  const auto value_of = [fd](int option) {
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
  };
  if (std::string fault = fault_of(fd); !fault.empty()) return Error{std::move(fault)};
  const int type = value_of(SO_TYPE);
  const int protocol = value_of(SO_PROTOCOL);
  const bool is_udp = type == SOCK_DGRAM && protocol == IPPROTO_UDP;
  const bool is_tcp = type == SOCK_STREAM && (protocol == IPPROTO_TCP || protocol == kMultipathTcp);
  if (!is_udp && !is_tcp)
    return Error{"is neither UDP nor TCP: use ListenDatagram= and ListenStream="};
  if (is_tcp && value_of(SO_ACCEPTCONN) != 1)
    return Error{"does not listen for connections: set Accept=no and ListenStream="};

  BoundSocket bound = {is_udp ? SocketKind::Udp : SocketKind::Tcp, Descriptor(fd)};
  if (!adopt_socket(bound)) return Error{std::string("can't be set up: ") + uv_strerror(-errno)};
  return bound;
}

}  // namespace

Result<std::vector<BoundSocket>> take_passed_sockets() {
  std::string names = take_variable("LISTEN_FDNAMES");
  const auto count = count_passed();
  if (!count) return count.error();
  std::vector<BoundSocket> sockets;
  for (int fd = kFirst; fd < kFirst + *count; ++fd) {
    const std::string name = take_name(names);
    auto taken = take_socket(fd);
    if (!taken)
      return Error{"descriptor " + std::to_string(fd) +
                   (name.empty() ? "" : " " + io::quoted(name)) + ' ' + taken.error().text};
    sockets.push_back(std::move(*taken));
  }
  return sockets;
}

void notify_systemd(std::string_view state) {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = path ? std::strlen(path) : 0;
  if (length < 2 || length >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = '\0';  // the abstract namespace, unix(7)

  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  constexpr timeval kPatience = {0, 100'000};  // a full queue is not worth a READY=1 lost
  (void)setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  (void)sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), size);  // not ours to mend
}

void notify_reloading() {
  timespec now{};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);  // always there
  const int64_t microseconds = int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
  notify_systemd("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds));
}

}  // namespace dnslet::io

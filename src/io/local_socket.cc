// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/local_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.h"

namespace dnslet::io {
namespace {

constexpr int kBacklog = 128;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  static_assert(LocalSocket::kMaxPath + 1 == sizeof address.sun_path);
  address.sun_family = AF_UNIX;
  std::ranges::copy(path, address.sun_path);
  return address;
}

Descriptor make_socket() {
  return Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// connect() or bind(). False: errno tells why.
bool call_with(int (*call)(int, const sockaddr*, socklen_t), const Descriptor& socket,
               const std::string& path) {
  const sockaddr_un address = address_of(path);
  return call(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Error failed(const std::string& path, const std::string& reason) {
  return Error{"cannot listen at " + in_quotes(path) + ": " + reason};
}

// Takes away a socket that nobody listens at. Fails where something else is in the way.
Status make_room(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return Done();  // bind() will tell what is wrong
  if (!S_ISSOCK(status.st_mode))
    return failed(path, "it is no socket, and nothing else is replaced; name another path");
  const Descriptor probe = make_socket();
  const bool is_dead =
      !call_with(connect, probe, path) && (errno == ECONNREFUSED || errno == ENOENT);
  if (!is_dead) return failed(path, "another process listens there; stop it, or name another path");
  (void)unlink(path.c_str());  // likewise
  return Done();
}

}  // namespace

Result<LocalSocket> LocalSocket::listen(const std::string& path) {
  if (Status status = make_room(path); !status) return status.error();
  Descriptor socket = make_socket();
  // Of a socket that is not bound yet, so that it never has another mode (unix(7), Linux only).
  const bool is_bound =
      socket && fchmod(socket.get(), 0600) == 0 && call_with(::bind, socket, path);
  if (!is_bound) return failed(path, uv_strerror(-errno));
  LocalSocket local(std::move(socket), path);
  if (::listen(local.fd(), kBacklog) != 0) return failed(path, uv_strerror(-errno));
  return local;
}

LocalSocket::LocalSocket(Descriptor socket, const std::string& path)
    : socket_(std::move(socket)), path_(path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

LocalSocket::~LocalSocket() {
  struct stat status {};
  const bool is_ours = socket_ && lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
                       status.st_ino == inode_;
  if (is_ours) (void)unlink(path_.c_str());  // who may not: the next start replaces it
}

Status LocalSocket::give_to(const UserIds& user) const {
  if (lchown(path_.c_str(), user.user, user.group) == 0 || errno == EPERM) return Done();
  return failed(path_, uv_strerror(-errno));
}

Result<Descriptor> connect_local(const std::string& path) {
  Descriptor socket = make_socket();
  if (socket && call_with(connect, socket, path)) return socket;
  return Error{uv_strerror(-errno)};
}

}  // namespace dnslet::io

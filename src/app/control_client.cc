// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The other end of --control: --dump-cache, --flush, --lists.

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "app/control.h"
#include "base/text.h"

namespace dnslet::app {
namespace {

constexpr int kSilenceMs = 2000;  // "2 seconds" below

bool is_readable(int fd) {
  pollfd entry = {fd, POLLIN, 0};
  int count = -1;
  while ((count = poll(&entry, 1, kSilenceMs)) < 0 && errno == EINTR) {  // ends: with the signals
  }
  return count > 0;
}

// Prints all but the last line, whether that has its end or not, and returns it. Fails where the
// other side is silent.
Result<std::string> pass_on(int fd) {
  std::string held;
  std::array<char, 65536> bytes;
  while (is_readable(fd)) {  // ends: with the answer, or at silence
    const ssize_t count = recv(fd, bytes.data(), bytes.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count <= 0) return held;
    held.append(bytes.data(), static_cast<std::size_t>(count));
    const std::size_t before_last =
        held.size() < 2 ? std::string::npos : held.rfind('\n', held.size() - 2);
    if (before_last == std::string::npos) continue;
    (void)std::fwrite(held.data(), 1, before_last + 1, stdout);
    held.erase(0, before_last + 1);
  }
  return Error{"has said nothing for 2 seconds"};
}

}  // namespace

Status ask_running(const std::string& path, const std::string& request) {
  const auto failed = [&path](const std::string& what) {
    return Error{"the dnslet of --control (DNSMASQ_CONTROL) " + in_quotes(path) + ' ' + what};
  };
  const auto socket = io::connect_local(path);
  if (!socket)
    return failed("can't be asked: " + socket.error().text +
                  "; does it run, and may this user ask it?");
  const std::string line = request + '\n';
  (void)send(socket->get(), line.data(), line.size(), MSG_NOSIGNAL);  // else nothing comes back
  std::signal(SIGPIPE, SIG_DFL);  // whoever reads what is printed may have had enough
  const auto last = pass_on(socket->get());
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return failed("is heard, but its answer can't be written");
  if (!last) return failed(last.error().text);
  constexpr std::string_view kError = "error: ";
  if (*last == "ok\n") return Done();
  if (last->empty()) return failed("has said nothing; may this user ask it?");
  if (!last->starts_with(kError) || !last->ends_with('\n'))
    return failed("has broken off its answer");
  return Error{escaped(std::string_view(*last).substr(kError.size(), last->size() - 8))};
}

}  // namespace dnslet::app

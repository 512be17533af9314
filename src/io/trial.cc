// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/trial.h"

#include <unistd.h>
#include <uv.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include "io/loop.h"

namespace dnslet::io {
namespace {

Error refused(const std::string& what, int status) {
  const bool is_scarce = status == UV_EMFILE || status == UV_ENFILE || status == UV_ENOMEM;
  return Error{"cannot " + what + ": " + uv_strerror(status) +
               (is_scarce ? "; raise the limit of open files (ulimit -n) or of memory"
                          : "; allow it in the sandbox (seccomp) that dnslet runs in")};
}

// What the handles of the program need: a signal, a wake-up, a watched descriptor.
int make_handles(uv_loop_t& loop) {
  int status = 0;
  const auto made = [&status](int result, auto* handle) {
    if (result == 0) uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
    if (status == 0) status = result;
  };
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return -errno;
  const Descriptor in(ends[0]);
  const Descriptor out(ends[1]);
  uv_signal_t signal;
  uv_async_t async;
  uv_poll_t poll;
  made(uv_signal_init(&loop, &signal), &signal);
  made(uv_async_init(&loop, &async, nullptr), &async);
  made(uv_poll_init(&loop, &poll, in.get()), &poll);
  uv_run(&loop, UV_RUN_DEFAULT);  // until all are closed
  return status;
}

}  // namespace

Status try_system() {
  std::array<unsigned char, 8> bytes{};
  if (getentropy(bytes.data(), bytes.size()) != 0)
    return refused("draw random numbers (getrandom)", -errno);
  uv_loop_t loop;
  int status = uv_loop_init(&loop);
  if (status == 0) {
    status = make_handles(loop);
    (void)uv_loop_close(&loop);  // nothing is open in it
  }
  if (status != 0) return refused("make an event loop (epoll, eventfd, pipe)", status);
  return Done();
}

}  // namespace dnslet::io

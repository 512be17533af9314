// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Owners for libuv handles, file descriptors, timers and signals; the clocks.
//
// A uv handle may be freed only in its close callback, which runs in a later turn of the loop. The
// owner types here do that: destroying one closes the handle and takes its callbacks' target away,
// so nothing runs for an owner that is gone.

#include <uv.h>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

namespace dnslet::io {

using Milliseconds = std::chrono::milliseconds;

// The wall clock: since the beginning of 1970, UTC.
Milliseconds wall_clock();

struct CloseHandle {  // `data` is cleared: a callback that still runs finds no owner
  template <typename T>
  void operator()(T* handle) const {
    handle->data = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) { delete reinterpret_cast<T*>(closed); });
  }
};
// REQUIRES: uv_*_init has succeeded.
template <typename T>
using Handle = std::unique_ptr<T, CloseHandle>;

// Owns a file descriptor; -1: none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();

  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }
  // Gives the ownership away.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

class Loop {
 public:
  Loop();
  // Runs what is still closing, then ends the loop. REQUIRES: every handle's owner is gone.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  uv_loop_t* get() { return &loop_; }
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }
  void stop() { uv_stop(&loop_); }
  // The monotonic clock as of this turn of the loop: read once a turn.
  Milliseconds now() const { return Milliseconds(uv_now(&loop_)); }

  // What to do when the process has no descriptor left: `close_one` closes something of little use.
  // False: there is nothing of that kind.
  void set_on_shortage(std::function<bool()> close_one) { close_one_ = std::move(close_one); }
  // For whoever was refused something with this errno. True: it was a descriptor, and one is free
  // now.
  bool free_descriptor(int error);

 private:
  uv_loop_t loop_;
  std::function<bool()> close_one_;
};

class Timer {
 public:
  Timer(Loop& loop, std::function<void()> on_time);

  void start_once(Milliseconds after) { start(after, Milliseconds(0)); }
  // First after one `period`. REQUIRES: period > 0.
  void start_every(Milliseconds period) { start(period, period); }
  void stop();
  bool is_active() const;

 private:
  void start(Milliseconds after, Milliseconds period);

  std::unique_ptr<std::function<void()>> on_time_;  // its place must not move
  Handle<uv_timer_t> handle_;
};

// Calls back in the loop whenever the signal arrives.
class Signal {
 public:
  Signal(Loop& loop, int number, std::function<void()> on_signal);

 private:
  std::unique_ptr<std::function<void()>> on_signal_;
  Handle<uv_signal_t> handle_;
};

// Calls back once a turn, when all events and timers of the turn have been handled and the loop is
// about to wait. (Not uv_check: before libuv 1.45 timers run behind it, and what they leave to be
// done would lie until the next event.)
class BeforeWaiting {
 public:
  BeforeWaiting(Loop& loop, std::function<void()> on_turn);

 private:
  std::unique_ptr<std::function<void()>> on_turn_;
  Handle<uv_prepare_t> handle_;
};

// Calls back with UV_READABLE and UV_WRITABLE bits while the descriptor is ready. The descriptor
// stays the caller's and must stay open until the watch is gone. An error of the descriptor is
// UV_READABLE, so that it is found by reading, and pauses the watch.
class Watch {
 public:
  Watch(Loop& loop, int fd, std::function<void(int events)> on_ready);

  // `events` 0: pause. Costs nothing where these are watched already.
  void start(int events);

 private:
  bool is_active() const;

  int events_ = 0;  // while it is active
  std::unique_ptr<std::function<void(int)>> on_ready_;
  Handle<uv_poll_t> handle_;
};

}  // namespace dnslet::io

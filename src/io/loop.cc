// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/loop.h"

#include <unistd.h>

#include <cassert>
#include <cerrno>

namespace dnslet::io {
namespace {

// The owner's function behind a handle; null once the owner is gone.
template <typename Function, typename T>
Function* target(T* handle) {
  return static_cast<Function*>(handle->data);
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Milliseconds wall_clock() {
  return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
}

Loop::Loop() {
  const int status = uv_loop_init(&loop_);
  assert(status == 0);  // fails for lack of memory or descriptors only: nothing can run then
  (void)status;
}

Loop::~Loop() {
  uv_run(&loop_, UV_RUN_DEFAULT);
  const int status = uv_loop_close(&loop_);
  assert(status == 0);
  (void)status;
}

bool Loop::free_descriptor(int error) {
  return (error == EMFILE || error == ENFILE) && close_one_ && close_one_();
}

Timer::Timer(Loop& loop, std::function<void()> on_time)
    : on_time_(std::make_unique<std::function<void()>>(std::move(on_time))),
      handle_(new uv_timer_t) {
  uv_timer_init(loop.get(), handle_.get());
  handle_->data = on_time_.get();
}

void Timer::start(Milliseconds after, Milliseconds period) {
  const auto call = [](uv_timer_t* handle) {
    if (auto* on_time = target<std::function<void()>>(handle)) (*on_time)();
  };
  uv_timer_start(handle_.get(), call, static_cast<uint64_t>(after.count()),
                 static_cast<uint64_t>(period.count()));
}

void Timer::stop() { uv_timer_stop(handle_.get()); }

bool Timer::is_active() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_.get())) != 0;
}

Signal::Signal(Loop& loop, int number, std::function<void()> on_signal)
    : on_signal_(std::make_unique<std::function<void()>>(std::move(on_signal))),
      handle_(new uv_signal_t) {
  uv_signal_init(loop.get(), handle_.get());
  handle_->data = on_signal_.get();
  const auto call = [](uv_signal_t* handle, int) {
    if (auto* function = target<std::function<void()>>(handle)) (*function)();
  };
  uv_signal_start(handle_.get(), call, number);
}

BeforeWaiting::BeforeWaiting(Loop& loop, std::function<void()> on_turn)
    : on_turn_(std::make_unique<std::function<void()>>(std::move(on_turn))),
      handle_(new uv_prepare_t) {
  uv_prepare_init(loop.get(), handle_.get());
  handle_->data = on_turn_.get();
  uv_prepare_start(handle_.get(), [](uv_prepare_t* handle) {
    if (auto* function = target<std::function<void()>>(handle)) (*function)();
  });
}

Watch::Watch(Loop& loop, int fd, std::function<void(int)> on_ready)
    : on_ready_(std::make_unique<std::function<void(int)>>(std::move(on_ready))),
      handle_(new uv_poll_t) {
  const int status = uv_poll_init(loop.get(), handle_.get(), fd);
  assert(status == 0);  // fails for regular files only
  (void)status;
  handle_->data = on_ready_.get();
}

bool Watch::is_active() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_.get())) != 0;
}

void Watch::start(int events) {
  if (events == (is_active() ? events_ : 0)) return;
  events_ = events;
  if (events == 0) {
    uv_poll_stop(handle_.get());
    return;
  }
  const auto call = [](uv_poll_t* handle, int status, int ready) {
    // An error on the descriptor is found by reading it.
    if (auto* on_ready = target<std::function<void(int)>>(handle))
      (*on_ready)(status < 0 ? UV_READABLE : ready);
  };
  uv_poll_start(handle_.get(), events, call);
}

}  // namespace dnslet::io

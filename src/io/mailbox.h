// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The way from one thread into another's loop: tasks that it calls in its own turn.

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "io/loop.h"

namespace dnslet::io {

class Mailbox {
 public:
  // Made and destroyed by the thread of the loop, or while that does not run.
  explicit Mailbox(Loop& loop);

  // From any thread: the loop's thread calls `task` soon, in the order of posting. A task that is
  // left when the mailbox goes is never called.
  void post(std::function<void()> task);

 private:
  void open();

  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;
  Handle<uv_async_t> handle_;
};

// A thread of its own, with the stack of a main thread also under musl. At its end it gives back
// what it keeps for c-ares.
class Thread {
 public:
  // Fails with "cannot start a thread: reason".
  static Result<std::unique_ptr<Thread>> start(std::function<void()> run);
  // Waits until it has ended.
  ~Thread();
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

 private:
  explicit Thread(std::function<void()> run) : run_(std::move(run)) {}

  std::function<void()> run_;
  uv_thread_t thread_{};
  bool is_running_ = false;
};

}  // namespace dnslet::io

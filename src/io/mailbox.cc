// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/mailbox.h"

#include <cassert>
#include <string>
#include <utility>

namespace dnslet::io {

Mailbox::Mailbox(Loop& loop) : handle_(new uv_async_t) {
  const auto call = [](uv_async_t* handle) {
    if (auto* const mailbox = static_cast<Mailbox*>(handle->data)) mailbox->open();
  };
  const int status = uv_async_init(loop.get(), handle_.get(), call);
  assert(status == 0);  // fails for lack of descriptors only, at the start
  (void)status;
  handle_->data = this;
}

void Mailbox::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  uv_async_send(handle_.get());
}

void Mailbox::open() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) task();
}

Result<std::unique_ptr<Thread>> Thread::start(std::function<void()> run) {
  std::unique_ptr<Thread> thread(new Thread(std::move(run)));
  const auto body = [](void* self) { static_cast<Thread*>(self)->run_(); };
  const int status = uv_thread_create(&thread->thread_, body, thread.get());
  if (status != 0) return Error{std::string("cannot start a thread: ") + uv_strerror(status)};
  thread->is_running_ = true;
  return thread;
}

Thread::~Thread() {
  if (is_running_) uv_thread_join(&thread_);
}

}  // namespace dnslet::io

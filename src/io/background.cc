// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/background.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <utility>

namespace dnslet::io {
namespace {

// Has this thread give way to all others of the process. On one processor they would share it with
// what is built here for as long as that takes. Where that is refused it goes without. Beside
// threads of real-time priority this one would not run at all while they wait for it to hand
// something over, and stays one of them.
void step_back() {
  constexpr int kNice = 10;  // of a tenth of the weight: it gets on, too
  int policy = SCHED_OTHER;
  sched_param param{};
  (void)pthread_getschedparam(pthread_self(), &policy, &param);
  if (policy != SCHED_OTHER) return;
  (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &param);
  (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + kNice);  // of the thread alone
}

}  // namespace

Background::~Background() {
  constexpr Milliseconds kMoment{100};
  while (!end(kMoment)) continue;
}

void Background::run(Work work, std::function<void()> on_done) {
  if (is_set(stop_)) return;
  pieces_.push_back({std::move(work), std::move(on_done)});
  if (pieces_.size() == 1) begin_first();
}

void Background::begin_first() {
  if (!thread_) {
    auto thread = Thread::start([this] { serve(); });
    if (thread) thread_ = std::move(*thread);
  }
  if (!thread_) {
    std::exchange(pieces_.front().work, nullptr)(stop_);
    mailbox_.post([this] { on_first_done(); });
    return;
  }
  const std::lock_guard lock(mutex_);
  handed_over_ = std::exchange(pieces_.front().work, nullptr);
  changed_.notify_all();
}

void Background::on_first_done() {
  if (const auto on_done = std::exchange(pieces_.front().on_done, nullptr)) on_done();
  pieces_.pop_front();
  if (!pieces_.empty()) begin_first();
}

void Background::serve() {
  step_back();
  std::unique_lock lock(mutex_);
  while (true) {  // ends: when it is told to, between two pieces
    changed_.wait(lock, [this] { return handed_over_ || is_ending_; });
    if (!handed_over_) return;
    const Work& work = handed_over_;  // nobody else touches it until it is done
    lock.unlock();
    work(stop_);
    lock.lock();
    handed_over_ = nullptr;
    changed_.notify_all();
    mailbox_.post([this] { on_first_done(); });
  }
}

bool Background::end(Milliseconds patience) {
  stop_ = true;
  {
    std::unique_lock lock(mutex_);
    is_ending_ = true;
    changed_.notify_all();
    if (!changed_.wait_for(lock, patience, [this] { return !handed_over_; })) return false;
  }
  thread_.reset();  // waits for its last steps
  pieces_.clear();
  return true;
}

}  // namespace dnslet::io

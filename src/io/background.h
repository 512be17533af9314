// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Work that takes long, beside a loop: files that are read and what is built of them. One piece
// after the other on one thread, which the first piece starts and which gives way to all others of
// the process. Whoever needs two at once has two.
//
// The next piece does not begin before on_done() of the one before has returned: what one piece and
// the loop's thread both use needs no lock, as long as the loop leaves it alone while is_busy().

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "base/stop_flag.h"
#include "io/loop.h"
#include "io/mailbox.h"

namespace dnslet::io {

class Background {
 public:
  // Looks at the flag now and then: once it is set, nobody waits for the outcome.
  using Work = std::function<void(const StopFlag& stop)>;

  // All is for the thread of the loop, or for another while that does not run.
  explicit Background(Loop& loop) : mailbox_(loop) {}
  // As end(), but waits for as long as it takes.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Has the thread do the work, and destroy it, and then calls `on_done` in the loop; not at all
  // after end(). Where no thread can be had the work is done here and now.
  void run(Work work, std::function<void()> on_done);
  bool is_busy() const { return !pieces_.empty(); }
  // Tells the work to stop, forgets what waits, and waits for `patience` at most. False: the thread
  // is still at it; call again, or end the process without waiting.
  [[nodiscard]] bool end(Milliseconds patience);

 private:
  struct Piece {
    Work work;
    std::function<void()> on_done;
  };

  void begin_first();
  void on_first_done();
  void serve();

  std::deque<Piece> pieces_;  // the first is under way
  StopFlag stop_ = false;

  std::mutex mutex_;  // over the next three
  std::condition_variable changed_;
  Work handed_over_;  // none: the thread waits
  bool is_ending_ = false;

  Mailbox mailbox_;
  std::unique_ptr<Thread> thread_;
};

}  // namespace dnslet::io

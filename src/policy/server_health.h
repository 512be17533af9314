// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What is remembered of one server over all questions, each fact by itself: whether it failed,
// whether it knows EDNS, whether it leads back to where its questions come from.

#include <algorithm>
#include <chrono>

namespace dnslet::policy {

using Milliseconds = std::chrono::milliseconds;

// A server that failed is put behind the others, and is tried again with a live question when its
// pause is over.
class Health {
 public:
  static constexpr Milliseconds kFirstPause{1000};
  static constexpr Milliseconds kLongestPause{30000};
  // Whoever is left alone is asked all the same after it, where nobody else is there.
  static constexpr Milliseconds kLongestAlone{5000};

  bool has_failed() const { return pause_.count() != 0; }
  bool may_be_tried(Milliseconds now) const { return now >= try_at_; }

  // Returns whether this is news: a failure during a pause is none, as many questions may have been
  // under way.
  bool on_failure(Milliseconds now) {
    if (has_failed()) return false;
    pause_ = kFirstPause;
    try_at_ = now + pause_;
    return true;
  }
  // It is tried: the pause is doubled in advance, so that the next question leaves it alone.
  void on_trial(Milliseconds now) {
    pause_ = std::min(pause_ * 2, kLongestPause);
    try_at_ = now + pause_;
  }
  // Returns whether this is news. Who has asked to be left alone may answer what was under way.
  bool on_answer(Milliseconds now) {
    const bool had_failed = has_failed();
    pause_ = try_at_ = Milliseconds(0);
    if (may_be_disturbed(now)) left_alone_until_ = Milliseconds(0);
    return had_failed;
  }
  // It has asked to be left alone from now on.
  void leave_alone(Milliseconds now, Milliseconds until) {
    left_alone_since_ = now;
    left_alone_until_ = std::max(left_alone_until_, until);
    try_at_ = std::max(try_at_, left_alone_until_);
  }
  bool is_left_alone(Milliseconds now) const { return now < left_alone_until_; }
  Milliseconds left_alone_since() const { return left_alone_since_; }
  bool may_be_disturbed(Milliseconds now) const { return now - left_alone_since_ >= kLongestAlone; }

 private:
  Milliseconds pause_{0};  // 0: healthy
  Milliseconds try_at_{0};
  Milliseconds left_alone_since_{0};
  Milliseconds left_alone_until_{0};
};

// Some servers, and boxes before them, are silent to a query with OPT. One that was gets its next
// try without; where it answers that, it gets none for 10 minutes. A server that has shown that it
// knows EDNS has to do so three times in a row: the query may just have been lost, and with the OPT
// goes what a client that validates needs.
class EdnsKnowledge {
 public:
  static constexpr Milliseconds kTimeWithout = std::chrono::minutes(10);
  static constexpr int kLosses = 3;

  bool asks_without(Milliseconds now) const { return is_suspected_ || now < without_until_; }

  void on_silence_to_opt() { is_suspected_ = true; }
  void on_answer_to_opt() {
    *this = EdnsKnowledge();
    knows_ = true;
  }
  void on_answer_without(Milliseconds now) {
    if (!is_suspected_) return;
    is_suspected_ = false;
    if (knows_ && ++losses_ < kLosses) return;
    knows_ = false;
    losses_ = 0;
    without_until_ = now + kTimeWithout;
  }

 private:
  bool is_suspected_ = false;
  bool knows_ = false;  // it has answered a query with OPT
  int losses_ = 0;      // in a row
  Milliseconds without_until_{0};
};

// A server that leads back to dnslet is silent, as its question comes in once more and waits for
// itself. Three such questions in a row are reason to find out, by a question whose name nobody
// else can know.
class LoopSuspicion {
 public:
  static constexpr Milliseconds kTimeOut = std::chrono::seconds(60);
  static constexpr int kSilences = 3;

  enum class CameBack { No, Yes };
  // It was silent to a question, which came in once more meanwhile or did not. Returns whether to
  // find out now.
  bool on_silence(CameBack came_back) {
    silences_ = came_back == CameBack::Yes ? silences_ + 1 : 0;
    if (silences_ < kSilences) return false;
    silences_ = 0;
    return true;
  }
  void on_answer() { silences_ = 0; }
  // It does lead back.
  void on_loop(Milliseconds now) { left_out_until_ = now + kTimeOut; }

  bool is_left_out(Milliseconds now) const { return now < left_out_until_; }

 private:
  int silences_ = 0;  // in a row, to questions that came back
  Milliseconds left_out_until_{0};
};

}  // namespace dnslet::policy

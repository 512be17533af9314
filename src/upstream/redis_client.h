// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A Redis or Valkey that keeps values for many: one connection of one thread, on which commands
// follow each other without waiting. Knows nothing of what the values are.
//
// Nobody waits for it: whoever asks goes on when it likes. Where it is down, refuses or is silent
// it is left alone for a second, then two, up to half a minute. A store that is full, or may not be
// written, still gives what it has.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/redis_server.h"
#include "io/loop.h"
#include "io/redis.h"
#include "io/stream.h"

namespace dnslet::upstream {

class RedisClient final : io::Stream::User {
 public:
  static constexpr io::Milliseconds kConnecting{1000};
  static constexpr io::Milliseconds kSilent{100};
  static constexpr int kMostSilent = 3;  // in a row
  static constexpr io::Milliseconds kFirstPause{1000};
  static constexpr io::Milliseconds kLongestPause{30'000};
  // Bytes of a value that are asked for. A longer one is none of ours.
  static constexpr std::size_t kMaxValue = 66'000;
  // Bytes that it has not taken: values beyond that are not kept.
  static constexpr std::size_t kMaxUnsent = std::size_t{1} << 20;

  enum class Result { Value, Nothing, Failed };  // with Failed nobody has answered
  // What came of get(). Borrows the value.
  struct Outcome {
    uint64_t token = 0;
    Result result = Result::Failed;
    dns::BytesView value{};
    std::chrono::nanoseconds taken{0};
  };
  // None of them is called from inside get() or set(), and none may destroy the client.
  struct Callbacks {
    std::function<void(const Outcome& outcome)> on_outcome;  // once for each get()
    std::function<void(bool is_kept)> on_set;  // once for each set() that it has taken
    // Whether it can be asked, from now on.
    std::function<void(bool is_up)> on_change;
    // Why it can't. In words, those of the other side escaped, and without a password.
    std::function<void(const std::string& reason)> on_trouble;
    // Why nothing can be kept for a while, likewise.
    std::function<void(const std::string& reason)> on_full;
    // No address of it can be connected to.
    std::function<void()> on_unreachable;
  };

  // Connects when it has been told how, and the loop runs, which must outlive it.
  RedisClient(io::Loop& loop, const RedisServer& server, Callbacks callbacks);
  ~RedisClient();
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  // How connections are opened from now on.
  void use_way(io::OpenStream open);
  // Leaves the connection that it has for a new one.
  void reconnect();

  bool is_up() const { return state_ == State::Up; }
  // REQUIRES: is_up(). Bytes are copied.
  void get(uint64_t token, dns::BytesView key);
  // Keeps the value for so long. False: it is not, as too much waits, or nothing can be kept now.
  // REQUIRES: is_up().
  bool set(dns::BytesView key, dns::BytesView value, std::chrono::milliseconds lifetime);

 private:
  enum class State { Wayless, Pausing, Connecting, Greeting, Up };
  enum class What : uint8_t { Greet, LastGreet, Get, Set };
  // A command whose reply has not come.
  struct Pending {
    What what = What::Greet;
    uint64_t token = 0;
    io::Milliseconds sent{0};
    uint64_t sent_ns = 0;  // once it has left
  };

  void connect();
  void greet();
  void flush();
  void on_time();
  void look_for_silence();
  void on_reply(const io::RedisReply& reply);
  void on_value(const Pending& pending, const io::RedisReply& reply);
  void note_pending(What what, uint64_t token = 0);
  void leave(io::Milliseconds pause);
  void go_down(const std::string& reason);
  std::string words_of(dns::BytesView text) const;
  void refuse_values(const std::string& reason);

  void on_open() override;
  void on_bytes(dns::BytesView bytes) override;
  void on_end(int status) override;

  io::Loop& loop_;
  RedisServer server_;
  Callbacks callbacks_;
  io::OpenStream open_;
  State state_ = State::Wayless;
  io::OpenStream opened_;  // by which the stream was opened: it holds what that needs
  std::unique_ptr<io::Stream> stream_;
  std::unique_ptr<io::RedisReplies> replies_;
  std::deque<Pending> pending_;
  std::size_t stamped_ = 0;    // of them: have left
  std::size_t looked_at_ = 0;  // of them, for silence
  int silent_ = 0;             // in a row
  dns::Bytes unsent_;          // of this turn
  uint64_t heard_ns_ = 0;      // when what is being read has come
  io::Milliseconds pause_ = kFirstPause;
  io::Milliseconds up_since_{0};
  io::Milliseconds no_values_until_{0};
  io::Milliseconds value_pause_ = kFirstPause;
  bool* is_gone_ = nullptr;  // set where the connection ends inside a call of its own
  io::Timer timer_;          // to connect, and for silence
  io::BeforeWaiting before_waiting_;
};

}  // namespace dnslet::upstream

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/redis_client.h"

#include <uv.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace dnslet::upstream {
namespace {

using io::Milliseconds;
using io::redis_word;
using Kind = io::RedisReply::Kind;

// As GETRANGE wants its end, which belongs to the range: so much of a value is no risk.
constexpr std::string_view kLastByte = "65999";
static_assert(RedisClient::kMaxValue == 66'000);
constexpr Milliseconds kQuick{1000};    // what ends sooner has not been idle
constexpr std::size_t kFirstWord = 20;  // of an error: WRONGPASS, NOAUTH, LOADING, ...

bool starts_with(dns::BytesView text, std::string_view start) {
  return text.size() >= start.size() &&
         dns::same_bytes(text.first(start.size()), redis_word(start));
}

}  // namespace

RedisClient::RedisClient(io::Loop& loop, const RedisServer& server, Callbacks callbacks)
    : loop_(loop),
      server_(server),
      callbacks_(std::move(callbacks)),
      timer_(loop, [this] { on_time(); }),
      before_waiting_(loop, [this] { flush(); }) {}

RedisClient::~RedisClient() = default;

void RedisClient::use_way(io::OpenStream open) {
  open_ = std::move(open);
  if (state_ != State::Wayless) return;
  state_ = State::Pausing;
  timer_.start_once(Milliseconds(0));
}

void RedisClient::connect() {
  state_ = State::Connecting;
  replies_ = std::make_unique<io::RedisReplies>();
  timer_.start_once(kConnecting);
  opened_ = open_;
  stream_ = opened_(*this);
}

void RedisClient::reconnect() {
  if (state_ > State::Pausing) leave(Milliseconds(0));
}

void RedisClient::on_open() {
  state_ = State::Greeting;
  greet();
  flush();
}

// What it says to the last of these tells whether it can be used.
void RedisClient::greet() {
  if (!server_.password.empty()) {
    if (server_.user.empty())
      io::append_redis_command(unsent_, {redis_word("AUTH"), redis_word(server_.password)});
    else
      io::append_redis_command(
          unsent_, {redis_word("AUTH"), redis_word(server_.user), redis_word(server_.password)});
    note_pending(What::Greet);
  }
  if (server_.database != 0) {
    io::append_redis_command(unsent_,
                             {redis_word("SELECT"), redis_word(std::to_string(server_.database))});
    note_pending(What::Greet);
  }
  io::append_redis_command(unsent_, {redis_word("PING")});
  note_pending(What::LastGreet);
}

void RedisClient::note_pending(What what, uint64_t token) {
  pending_.push_back({what, token, loop_.now()});
}

void RedisClient::get(uint64_t token, dns::BytesView key) {
  io::append_redis_command(unsent_,
                           {redis_word("GETRANGE"), key, redis_word("0"), redis_word(kLastByte)});
  note_pending(What::Get, token);
  if (!timer_.is_active()) timer_.start_once(kSilent);
}

bool RedisClient::set(dns::BytesView key, dns::BytesView value, Milliseconds lifetime) {
  const std::size_t size = stream_->unsent() + unsent_.size() + key.size() + value.size();
  if (loop_.now() < no_values_until_ || size > kMaxUnsent) return false;
  const std::string time = std::to_string(lifetime.count());
  io::append_redis_command(unsent_,
                           {redis_word("SET"), key, value, redis_word("PX"), redis_word(time)});
  note_pending(What::Set);
  return true;
}

void RedisClient::flush() {
  if (unsent_.empty() || !stream_ || state_ < State::Greeting) return;
  const uint64_t now_ns = uv_hrtime();
  for (; stamped_ < pending_.size(); ++stamped_) pending_[stamped_].sent_ns = now_ns;
  stream_->write(unsent_);
  unsent_.clear();
}

void RedisClient::on_time() {
  if (state_ == State::Pausing) return connect();
  if (state_ == State::Connecting) callbacks_.on_unreachable();
  if (state_ != State::Up) return go_down("no answer");
  look_for_silence();
}

// Replies come in the order of the commands: the first ones are the oldest.
void RedisClient::look_for_silence() {
  for (; looked_at_ < pending_.size(); ++looked_at_) {
    const Pending& pending = pending_[looked_at_];
    const Milliseconds due = pending.sent + kSilent;
    if (due > loop_.now()) return timer_.start_once(due - loop_.now());
    if (pending.what == What::Get && ++silent_ >= kMostSilent) return go_down("silent");
  }
}

void RedisClient::on_bytes(dns::BytesView bytes) {
  bool is_gone = false;
  is_gone_ = &is_gone;
  heard_ns_ = uv_hrtime();
  replies_->feed(bytes);
  while (const auto reply = replies_->next()) {
    if (stamped_ == 0) return go_down("it says what nobody has asked for");
    on_reply(*reply);
    if (is_gone) return;
  }
  is_gone_ = nullptr;
  if (replies_->is_broken()) go_down("it does not speak the protocol of Redis");
}

void RedisClient::on_reply(const io::RedisReply& reply) {
  const Pending pending = pending_.front();
  pending_.pop_front();
  if (looked_at_ > 0) --looked_at_;
  --stamped_;
  if (loop_.now() - pending.sent < kSilent) silent_ = 0;
  const bool has_failed = reply.kind == Kind::Error;
  switch (pending.what) {
    case What::Greet:
    case What::LastGreet:
      if (has_failed) return go_down(words_of(reply.text));
      if (pending.what == What::Greet) return;
      state_ = State::Up;
      up_since_ = loop_.now();
      timer_.stop();
      callbacks_.on_change(true);
      return;
    case What::Get:
      return on_value(pending, reply);
    case What::Set:
      callbacks_.on_set(!has_failed);
      if (has_failed) return refuse_values(words_of(reply.text));
      value_pause_ = kFirstPause;
      return;
  }
}

void RedisClient::on_value(const Pending& pending, const io::RedisReply& reply) {
  // Somebody has put something else there, which is no fault of the server's.
  const bool is_other = reply.kind == Kind::Error && starts_with(reply.text, "WRONGTYPE");
  if (reply.kind == Kind::Error && !is_other) {
    callbacks_.on_outcome({pending.token});
    return go_down(words_of(reply.text));
  }
  const bool is_there = reply.kind == Kind::Text && !reply.text.empty();
  callbacks_.on_outcome({pending.token, is_there ? Result::Value : Result::Nothing,
                         is_there ? reply.text : dns::BytesView(),
                         std::chrono::nanoseconds(heard_ns_ - pending.sent_ns)});
}

// One that nobody has used for long is no loss: many are told to close such connections.
void RedisClient::on_end(int status) {
  const bool is_idle = state_ == State::Up && pending_.empty() && loop_.now() - up_since_ >= kQuick;
  if (status == UV_EOF && is_idle) return leave(Milliseconds(0));
  if (state_ == State::Connecting) callbacks_.on_unreachable();
  if (status == UV_EPROTO) return go_down("no TLS with it: see the line above");
  go_down(status == UV_EOF ? "it has closed the connection" : uv_strerror(status));
}

// Those that wait are told when all else is as it will be.
void RedisClient::leave(Milliseconds pause) {
  const bool was_up = std::exchange(state_, State::Pausing) == State::Up;
  if (is_gone_) *std::exchange(is_gone_, nullptr) = true;
  stream_.reset();
  unsent_.clear();
  stamped_ = looked_at_ = 0;
  silent_ = 0;
  timer_.start_once(pause);
  const auto pending = std::exchange(pending_, {});
  if (was_up) callbacks_.on_change(false);
  for (const Pending& one : pending) {
    if (one.what == What::Get) callbacks_.on_outcome({one.token});
    if (one.what == What::Set) callbacks_.on_set(false);
  }
}

void RedisClient::go_down(const std::string& reason) {
  const bool was_good = state_ == State::Up && loop_.now() - up_since_ >= kLongestPause;
  if (was_good) pause_ = kFirstPause;
  const Milliseconds pause = pause_;
  pause_ = std::min(2 * pause_, kLongestPause);
  callbacks_.on_trouble(reason);
  leave(pause);
}

// Of an error. Some repeat what they do not like, and that may be a password: then the first word,
// which is a code, has to do.
std::string RedisClient::words_of(dns::BytesView text) const {
  constexpr std::size_t kMost = 100;
  const std::string_view all(reinterpret_cast<const char*>(text.data()), text.size());
  const auto has = [all](const std::string& secret) {
    return !secret.empty() && all.find(secret) != std::string_view::npos;
  };
  const bool is_secret = state_ == State::Greeting || has(server_.password) || has(server_.user);
  return escaped(is_secret ? all.substr(0, std::min(all.find(' '), kFirstWord))
                           : all.substr(0, kMost));
}

void RedisClient::refuse_values(const std::string& reason) {
  if (loop_.now() < no_values_until_) return;  // one that was under way
  no_values_until_ = loop_.now() + value_pause_;
  value_pause_ = std::min(2 * value_pause_, kLongestPause);
  callbacks_.on_full(reason);
}

}  // namespace dnslet::upstream

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One connection to a server: messages behind two bytes of length (RFC 1035 section 4.2.2), the IDs
// that are in use on it, and what it has shown of the server so far. Which questions it carries,
// and what becomes of them at its end, is MessageStream's.
//
// An ID stays in use until its answer has come, also where nobody waits for that any more.

#include <functional>
#include <memory>
#include <optional>

#include "base/number_map.h"
#include "base/slots.h"
#include "io/loop.h"
#include "io/stream.h"
#include "upstream/keepalive.h"
#include "upstream/random_ids.h"

namespace dnslet::upstream {

// Opens a stream whose events go to the user: plain TCP, TLS. nullptr is no answer: failures are
// told by on_end().
using OpenStream = std::function<std::unique_ptr<io::Stream>(io::Stream::User& user)>;

class Connection final : private io::Stream::User {
 public:
  // Questions that one connection carries at most, so that random IDs are found quickly.
  static constexpr std::size_t kMaxSent = 32768;
  static constexpr std::size_t kNoLimit = SIZE_MAX;

  // Who hears what happens. May forget, add and flush; may destroy the connection in the last two.
  class Owner {
   public:
    // Whether the message, which has the question's ID, is its answer.
    virtual bool is_answer(uint64_t question, dns::BytesView message) = 0;
    // It is, and the question is not known here any more.
    virtual void on_answer(uint64_t question, dns::BytesView message) = 0;
    // All that has arrived has been handed over, or the connection has opened.
    virtual void on_turn(Connection& from) = 0;
    // It has ended, or could not be opened. `status`: of libuv's.
    virtual void on_end(Connection& ended, int status) = 0;

   protected:
    ~Owner() = default;
  };
  struct Sent {
    uint64_t question = 0;  // 0: nobody waits for its answer
    uint16_t id = 0;
    io::Milliseconds at{0};
  };

  // `number`: those of later connections are higher.
  Connection(io::Loop& loop, uint64_t number, Owner& owner, const OpenStream& open,
             Padding padding);
  ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Takes a question: draws its ID, puts it into the query, and queues that with
  // edns-tcp-keepalive in its OPT (RFC 7828), and padding. Returns the question's number here.
  uint64_t add(uint64_t question, dns::MutableBytesView query, RandomIds& ids);
  // Writes what is queued, once it is open.
  void flush();
  // Nobody waits for the answer any more.
  void forget(uint64_t sent);
  // Takes out a question that waits, the oldest first, when it has ended. 0: none is left.
  uint64_t take_question();

  uint64_t number() const { return number_; }
  bool is_open() const { return is_open_; }
  // Questions that somebody waits for.
  std::size_t waiting() const { return waiting_; }
  std::size_t answered() const { return answered_; }
  bool has_room() const { return waiting_ < limit_ && sent_.size() < kMaxSent; }
  // It carries so many questions at once, and one more with each answer.
  void limit(std::size_t questions) { limit_ = questions; }
  // Gets no more questions. It lives on for those that it has.
  bool is_retired() const { return is_retired_; }
  void retire() { is_retired_ = true; }

  // Since when its oldest question has been unanswered; nullopt: none is.
  std::optional<io::Milliseconds> unanswered_since();
  io::Milliseconds begun() const { return begun_; }
  io::Milliseconds last_answer() const { return last_answer_; }
  io::Milliseconds last_traffic() const { return last_traffic_; }
  // What the server's edns-tcp-keepalive has said last.
  std::optional<io::Milliseconds> keepalive() const { return keepalive_; }

 private:
  void on_open() override;
  void on_bytes(dns::BytesView bytes) override;
  void on_end(int status) override;

  std::optional<std::size_t> take_messages(dns::BytesView bytes);
  void on_message(dns::BytesView message);
  void note_answer(dns::BytesView message);

  io::Loop& loop_;
  uint64_t number_;
  Owner& owner_;
  Padding padding_;
  io::Milliseconds begun_;
  Slots<Sent> sent_;
  NumberMap by_id_;  // numbers in sent_
  std::size_t waiting_ = 0;
  std::size_t answered_ = 0;
  std::size_t limit_ = kNoLimit;
  dns::Bytes outgoing_;
  dns::Bytes incoming_;  // the beginning of a message
  bool is_open_ = false;
  bool is_retired_ = false;
  io::Milliseconds last_answer_{0};
  io::Milliseconds last_traffic_;
  std::optional<io::Milliseconds> keepalive_;
  std::unique_ptr<io::Stream> stream_;
};

}  // namespace dnslet::upstream

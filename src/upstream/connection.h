// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One connection to a server: the questions that are under way on it, and what it has shown of the
// server so far. How a message travels is that of the class behind it: in a frame
// (upstream/framed_connection), or as a request (upstream/request_connection). Which questions it
// carries, and what becomes of them at its end, is MessageStream's.
//
// What a question travels by, an ID, stays in use until its answer has come, also where nobody
// waits for that any more.

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/slots.h"
#include "io/loop.h"
#include "upstream/transport.h"

namespace dnslet::upstream {

class Connection {
 public:
  // Questions that one connection carries at most, so that random IDs are found quickly.
  static constexpr std::size_t kMaxSent = 32768;
  static constexpr std::size_t kNoLimit = SIZE_MAX;

  struct Failure {
    Outcome outcome = Outcome::Failed;
    std::chrono::seconds pause{0};  // as in Report
  };
  // Who hears what happens. May forget, add and flush; may destroy the connection in the last two.
  class Owner {
   public:
    // Whether the message, which has the question's ID, is its answer.
    virtual bool is_answer(uint64_t question, dns::BytesView message) = 0;
    // It is, and the question is not known here any more.
    virtual void on_answer(uint64_t question, dns::BytesView message) = 0;
    // The server has not looked at it: it may be sent again. It is not known here any more. Returns
    // false where that has happened too often: it has failed.
    virtual bool on_refused(Connection& from, uint64_t question) = 0;
    // The server has no answer to it, for a reason that is no matter of the connection; likewise.
    virtual void on_failure(uint64_t question, const Failure& failure) = 0;
    // All that has arrived has been handed over, or the connection has opened.
    virtual void on_turn(Connection& from) = 0;
    // It has ended, or could not be opened. `status`: of libuv's.
    virtual void on_end(Connection& ended, int status) = 0;

   protected:
    ~Owner() = default;
  };
  // What belongs to every connection. All of it must outlive it.
  struct Place {
    io::Loop& loop;
    uint64_t number;  // those of later connections are higher
    Owner& owner;
  };

  explicit Connection(const Place& place)
      : loop_(place.loop),
        number_(place.number),
        owner_(place.owner),
        begun_(loop_.now()),
        last_traffic_(begun_) {}
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Takes a question: writes the ID by which it travels into the query, and queues that. Returns
  // the question's number here.
  virtual uint64_t add(uint64_t question, dns::MutableBytesView query) = 0;
  // Writes what is queued, once it is open.
  virtual void flush() = 0;

  // Nobody waits for the answer any more.
  void forget(uint64_t sent);
  // As of io::Stream. REQUIRES: it is open.
  virtual bool is_path_dead(io::Milliseconds ago) const = 0;
  // Something of its own is to be written.
  virtual bool has_unwritten() const { return false; }
  // Takes out a question that waits, the oldest first, when it has ended. 0: none is left.
  uint64_t take_question();

  uint64_t number() const { return number_; }
  bool is_open() const { return is_open_; }
  // Questions that somebody waits for.
  std::size_t waiting() const { return waiting_; }
  std::size_t answered() const { return answered_; }
  bool has_room() const { return waiting_ < limit_ && !is_full(); }
  // It carries as many as the server takes at once.
  bool is_full() const { return sent_.size() >= most_; }
  // Since when the server has taken none at all; nullopt: that is not so.
  std::optional<io::Milliseconds> closed_since() const { return closed_since_; }
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
  // How long the server keeps it idle, as it has said last.
  std::optional<io::Milliseconds> keepalive() const { return keepalive_; }

 protected:
  struct Sent {
    uint64_t question = 0;  // 0: nobody waits for its answer
    uint16_t id = 0;
    io::Milliseconds at{0};
  };

  // Notes a question that is under way from now on. Returns its number here.
  uint64_t note_sent(uint64_t question, uint16_t id);
  // Null: there is none.
  Sent* find_sent(uint64_t sent) { return sent_.find(sent); }
  std::size_t sent() const { return sent_.size(); }
  // What it travelled by is free again. Returns the question; 0: nobody waits for it.
  uint64_t take_sent(uint64_t sent);
  void note_open() { is_open_ = true; }
  void carry_at_most(std::size_t questions);
  void note_traffic() { last_traffic_ = loop_.now(); }
  // An answer has come: the server does answer on this connection.
  void note_answer();
  void note_keepalive(io::Milliseconds told) { keepalive_ = told; }

  Owner& owner() { return owner_; }

 private:
  io::Loop& loop_;
  uint64_t number_;
  Owner& owner_;
  io::Milliseconds begun_;
  Slots<Sent> sent_;
  std::size_t waiting_ = 0;
  std::size_t answered_ = 0;
  std::size_t limit_ = kNoLimit;
  std::size_t most_ = kMaxSent;
  std::optional<io::Milliseconds> closed_since_;
  bool is_open_ = false;
  bool is_retired_ = false;
  io::Milliseconds last_answer_{0};
  io::Milliseconds last_traffic_;
  std::optional<io::Milliseconds> keepalive_;
};

}  // namespace dnslet::upstream

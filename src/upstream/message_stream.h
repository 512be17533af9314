// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A server reached over streams: many questions on one connection, what one turn has for it in one
// write, answers in any order (RFC 7766). What a connection is made of is not known here.
//
// Connections. There is one, and a second one while the first has many questions; up to three where
// the server takes no more on one for some time. Each is in one of these states:
//   connecting  carries questions, which leave when it opens
//   open        carries questions; ends when it has been idle for so long as the server keeps it
//               or when the system knows that its path is dead, without a word about the server
//   retired     its oldest question has been unanswered for too long: new ones (so the same one,
//               asked again) go to a fresh connection; it ends when nobody waits for it any more
// A question whose connection ended is asked again on a connection that was opened later. Where
// that brought an answer the server is slow, not dead; a question that was lost twice without one
// is Unreachable.

#include <memory>
#include <vector>

#include "base/number_map.h"
#include "base/slots.h"
#include "io/loop.h"
#include "io/socket.h"
#include "io/stream.h"
#include "upstream/connection.h"
#include "upstream/outbox.h"
#include "upstream/transport.h"

namespace dnslet::upstream {

struct StreamSettings {
  // An unanswered question of this age retires its connection (--upstream-retry).
  io::Milliseconds silence{800};
  // A connection that has not opened after it is given up (--upstream-timeout).
  io::Milliseconds connecting{4500};
  // No other server can be asked: a question that was lost is worth waiting for this one's return.
  bool is_only_server = false;
  io::Milliseconds idle{30'000};           // where the server says nothing
  io::Milliseconds longest_idle{120'000};  // whatever it says
  // A server that closed an idle connection after at least `shortest_learnt` is left `margin`
  // before it would do so again, for `learnt_for`.
  io::Milliseconds shortest_learnt{3000};
  io::Milliseconds margin{1000};
  io::Milliseconds learnt_for{600'000};
};

class MessageStream : public Transport, private Connection::Owner {
 public:
  static constexpr std::size_t kMany = 200;  // questions, above which a second connection helps
  static constexpr std::size_t kMaxConnections = 16;  // retired ones too
  // So many help where each carries as many questions as the server takes at once, when that has
  // been so for a while.
  static constexpr std::size_t kMaxFull = 3;
  static constexpr io::Milliseconds kFull{50};
  // How often the path of a connection is looked at whose oldest question is older than
  // io::Stream::kPathDead.
  static constexpr io::Milliseconds kBetweenLooks{25};
  // An end that comes so soon after an answer belongs to it.
  static constexpr io::Milliseconds kRightBehind{50};

  // Opens a connection to the first of the addresses that takes it.
  using Dial = std::function<std::unique_ptr<Connection>(
      const Connection::Place& place, const std::vector<io::SocketAddress>& addresses)>;

  // `loop` and `outbox` must outlive it.
  MessageStream(io::Loop& loop, Outbox& outbox, const StreamSettings& settings, Dial dial,
                OnReport on_report);
  ~MessageStream() override;
  MessageStream(const MessageStream&) = delete;
  MessageStream& operator=(const MessageStream&) = delete;

  // Where connections are opened from now on. Before the first call, and while there are none,
  // questions wait.
  void use_addresses(std::vector<io::SocketAddress> addresses);

  void send(uint64_t token, const dns::QueryBytes& query) override;
  void flush() override;
  void forget(uint64_t token) override;
  std::size_t open() const override { return questions_.size(); }

  std::size_t connections() const { return connections_.size(); }

 private:
  struct Question {
    uint64_t token = 0;
    uint64_t sent_ns = 0;
    Connection* connection = nullptr;  // that carries it; null: it waits for one
    uint64_t sent = 0;                 // its number there
    uint64_t after = 0;                // its connection must have a higher number
    int losses = 0;                    // on connections that brought no answer
    std::size_t refusals = 0;          // addresses that are not the server's
    unsigned unseen = 0;               // how often it was not looked at
    unsigned retries = 0;              // of those that a lost question has
    io::Milliseconds lost{0};          // when; 0: never
    dns::KeptBytes query;
  };
  // A lost question that is asked again later.
  struct Delayed {
    io::Milliseconds due{0};
    uint64_t question = 0;
  };

  bool is_answer(uint64_t question, dns::BytesView message) override;
  void on_answer(uint64_t question, dns::BytesView message) override;
  bool on_refused(Connection& from, uint64_t number) override;
  void on_failure(uint64_t question, const Connection::Failure& failure) override;
  void on_turn(Connection& from) override;
  void on_end(Connection& ended, int status) override;

  void wait_for_flush();
  void join_outbox();
  void note_full();
  void sweep_unsent();
  void retire_silent();
  Connection* choose(const Question& question);
  Connection* dial();
  void limit_next(const Connection& ended);
  void learn_from(const Connection& ended, int status);
  void lose(Connection& ended, int status);
  void give_up(Connection& refused, int status);
  bool try_later(uint64_t number);
  void end(uint64_t number, Report report);

  io::Milliseconds idle_limit(const Connection& connection) const;
  // When the connection is to be closed, as things are; never: Milliseconds::max().
  io::Milliseconds end_of(Connection& connection) const;
  io::Milliseconds next_silence();
  io::Milliseconds next_look(Connection& connection) const;
  bool is_path_dead(Connection& connection) const;
  void close_finished();
  void on_time();
  void wake_by(io::Milliseconds due);
  void arm();

  io::Loop& loop_;
  Outbox& outbox_;
  StreamSettings settings_;
  Dial dial_;
  OnReport on_report_;
  std::vector<io::SocketAddress> addresses_;
  Slots<Question> questions_;
  NumberMap by_token_;            // numbers in questions_
  std::vector<uint64_t> unsent_;  // likewise; some may be gone
  std::vector<Delayed> delayed_;
  std::vector<std::unique_ptr<Connection>> connections_;
  uint64_t last_number_ = 0;                       // of the connections so far
  std::size_t next_limit_ = Connection::kNoLimit;  // with which the next one starts
  io::Milliseconds learnt_idle_{0};                // 0: nothing learnt
  io::Milliseconds learnt_until_{0};
  io::Milliseconds full_since_{0};  // nobody has room, as the server takes no more; 0: not so
  bool is_in_outbox_ = false;
  io::Milliseconds wakes_{io::Milliseconds::max()};  // when the timer is due
  io::Timer timer_;
};

}  // namespace dnslet::upstream

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/message_stream.h"

#include <algorithm>
#include <array>
#include <utility>

#include "upstream/answers.h"
#include "upstream/failures.h"

namespace dnslet::upstream {
namespace {

using io::Milliseconds;

constexpr Milliseconds kNever = Milliseconds::max();
// Unsent questions that are over are swept out when so many numbers have gathered.
constexpr std::size_t kManyUnsent = 64;
constexpr std::size_t kMaxConnecting = 2;
constexpr int kMaxLosses = 2;
// Who asks counts silence from an earlier turn of the loop than the connection.
constexpr Milliseconds kTurn{25};
// When a lost question is tried again where connecting is refused, from its loss on.
constexpr std::array<Milliseconds, 4> kRetries = {Milliseconds(250), Milliseconds(750),
                                                  Milliseconds(1750), Milliseconds(3750)};

// When a question is tried again that the server has not looked at, from the second time on.
constexpr std::array<Milliseconds, 4> kLooks = {Milliseconds(20), Milliseconds(80),
                                                Milliseconds(250), Milliseconds(500)};

}  // namespace

// NOLINTNEXTLINE(readability-function-size): five things that have nothing in common
MessageStream::MessageStream(io::Loop& loop, Outbox& outbox, const StreamSettings& settings,
                             Dial dial, OnReport on_report)
    : loop_(loop),
      outbox_(outbox),
      settings_(settings),
      dial_(std::move(dial)),
      on_report_(std::move(on_report)),
      timer_(loop, [this] { on_time(); }) {}

MessageStream::~MessageStream() { outbox_.remove(*this); }

void MessageStream::use_addresses(std::vector<io::SocketAddress> addresses) {
  addresses_ = std::move(addresses);
  wait_for_flush();
}

void MessageStream::send(uint64_t token, const dns::QueryBytes& query) {
  const uint64_t number = questions_.add({.token = token, .query = dns::KeptBytes(query.view())});
  by_token_.put(token, number);
  if (unsent_.size() >= kManyUnsent && unsent_.size() > 2 * questions_.size()) sweep_unsent();
  unsent_.push_back(number);
  wait_for_flush();
}

void MessageStream::sweep_unsent() {
  std::erase_if(unsent_, [this](uint64_t number) { return questions_.find(number) == nullptr; });
}

void MessageStream::wait_for_flush() {
  if (!addresses_.empty() && !unsent_.empty()) join_outbox();
}

void MessageStream::join_outbox() {
  if (std::exchange(is_in_outbox_, true)) return;
  outbox_.add(*this);
}

// What finds no room waits, and everything behind it, until a connection has shown more.
void MessageStream::flush() {
  is_in_outbox_ = false;
  if (addresses_.empty()) return;
  retire_silent();
  const uint64_t now_ns = uv_hrtime();
  auto next = unsent_.begin();
  for (; next != unsent_.end(); ++next) {
    Question* const question = questions_.find(*next);
    if (!question) continue;
    Connection* const connection = choose(*question);
    if (!connection) break;
    question->connection = connection;
    question->sent_ns = now_ns;
    question->sent = connection->add(*next, question->query.view());
  }
  unsent_.erase(unsent_.begin(), next);
  note_full();
  for (const auto& connection : connections_) connection->flush();
  arm();
}

void MessageStream::note_full() {
  const bool is_full = !unsent_.empty() && std::ranges::any_of(connections_, [](const auto& one) {
    return !one->is_retired() && one->is_full();
  });
  if (!is_full)
    full_since_ = Milliseconds(0);
  else if (full_since_ == Milliseconds(0))
    full_since_ = loop_.now();
}

void MessageStream::retire_silent() {
  const Milliseconds silence = settings_.silence - std::min(kTurn, settings_.silence / 32);
  for (const auto& connection : connections_) {
    const auto since = connection->unanswered_since();
    const auto closed = connection->closed_since();
    const auto first = std::min(since.value_or(kNever), closed.value_or(kNever));
    if (first != kNever && loop_.now() - first >= silence) connection->retire();
  }
}

// The connection for a question, perhaps a fresh one; null: it has to wait.
Connection* MessageStream::choose(const Question& question) {
  Connection* best = nullptr;
  std::size_t usable = 0;
  std::size_t connecting = 0;
  for (const auto& connection : connections_) {
    connecting += connection->is_open() ? 0U : 1U;
    if (connection->is_retired() || connection->number() <= question.after) continue;
    ++usable;
    const bool is_better = !best || connection->waiting() < best->waiting();
    if (!connection->has_room()) continue;
    if (connection->waiting() < kMany) return connection.get();
    if (is_better) best = connection.get();
  }
  const bool is_full = !best && full_since_ > Milliseconds(0) && loop_.now() - full_since_ >= kFull;
  const bool is_enough = is_full ? usable >= kMaxFull : usable > 1 || (usable == 1 && !best);
  if (is_enough || connections_.size() >= kMaxConnections) return best;
  return connecting < kMaxConnecting ? dial() : best;
}

Connection* MessageStream::dial() {
  connections_.push_back(dial_({loop_, ++last_number_, *this}, addresses_));
  full_since_ = Milliseconds(0);
  connections_.back()->limit(std::exchange(next_limit_, Connection::kNoLimit));
  wake_by(loop_.now() + settings_.connecting);
  return connections_.back().get();
}

void MessageStream::forget(uint64_t token) {
  const uint64_t number = by_token_.take(token);
  if (number == 0) return;
  const Question& question = *questions_.find(number);
  if (Connection* const connection = question.connection) {
    connection->forget(question.sent);
    wake_by(end_of(*connection));
  }
  questions_.remove(number);
}

bool MessageStream::is_answer(uint64_t question, dns::BytesView message) {
  return answers(message, questions_.find(question)->query.view());
}

void MessageStream::on_answer(uint64_t question, dns::BytesView message) {
  questions_.find(question)->connection = nullptr;
  const Outcome outcome = is_truncated(message) ? Outcome::Truncated : Outcome::Answer;
  end(question, {.outcome = outcome, .packet = message});
}

// The question is over before anybody hears of it.
void MessageStream::end(uint64_t number, Report report) {
  const Question& question = *questions_.find(number);
  report.token = question.token;
  if (!report.packet.empty())
    report.taken = std::chrono::nanoseconds(uv_hrtime() - question.sent_ns);
  forget(report.token);
  on_report_(report);
}

// Who looks at others on this connection, and at no more, is slow, not dead; the next connection
// starts with as many.
bool MessageStream::on_refused(Connection& from, uint64_t number) {
  Question& question = *questions_.find(number);
  question.connection = nullptr;
  const std::size_t looked_at = from.answered() + from.waiting();
  if (from.is_retired()) next_limit_ = looked_at > 0 ? looked_at : Connection::kNoLimit;
  const unsigned before = looked_at > 0 ? 0 : question.unseen++;
  if (before == 0) {
    unsent_.push_back(number);
  } else if (before <= kLooks.size()) {
    delayed_.push_back({loop_.now() + kLooks[before - 1], number});
  } else {
    end(number, {.outcome = Outcome::Failed});
    return false;
  }
  return true;
}

void MessageStream::on_failure(uint64_t question, const Connection::Failure& failure) {
  questions_.find(question)->connection = nullptr;
  end(question, {.outcome = failure.outcome, .pause = failure.pause});
}

void MessageStream::on_turn(Connection& from) {
  if (from.has_unwritten()) join_outbox();
  wait_for_flush();
  close_finished();
}

void MessageStream::on_end(Connection& ended, int status) {
  const auto found = std::ranges::find_if(
      connections_, [&](const auto& connection) { return connection.get() == &ended; });
  const std::unique_ptr<Connection> owned = std::move(*found);
  connections_.erase(found);
  if (!ended.is_open()) {
    give_up(ended, status);
  } else {
    limit_next(ended);
    if (ended.unanswered_since())
      lose(ended, status);
    else
      learn_from(ended, status);
  }
  wait_for_flush();
  arm();
}

// Who ends right behind an answer may do so again, whether something waits for the next one or not.
void MessageStream::limit_next(const Connection& ended) {
  const bool is_right_behind =
      ended.answered() > 0 && loop_.now() - ended.last_answer() <= kRightBehind;
  next_limit_ = is_right_behind ? ended.answered() : Connection::kNoLimit;
}

// The server has closed an idle connection, and will do so again.
void MessageStream::learn_from(const Connection& ended, int status) {
  const Milliseconds kept = loop_.now() - ended.last_traffic();
  if (status == UV_EPROTO || kept < settings_.shortest_learnt) return;
  learnt_idle_ = kept - settings_.margin;
  learnt_until_ = loop_.now() + settings_.learnt_for;
}

// Asks again, on a fresh connection, what an ended one has left unanswered.
void MessageStream::lose(Connection& ended, int status) {
  // A path that is dead says nothing about the server.
  const bool is_no_loss = ended.answered() > 0 || status == UV_ETIMEDOUT;
  std::vector<uint64_t> again;
  while (const uint64_t number = ended.take_question()) {  // ends: every turn takes one out
    Question& question = *questions_.find(number);
    question.connection = nullptr;
    question.after = last_number_;
    question.lost = loop_.now();
    question.retries = 0;
    if (is_no_loss || ++question.losses < kMaxLosses)
      again.push_back(number);
    else
      end(number, {.outcome = Outcome::Unreachable});
  }
  unsent_.insert(unsent_.begin(), again.begin(), again.end());
}

// The connection could not be opened. Who takes connections and is not the server, or says nothing,
// is followed by the next address: one that refuses them is no matter of ours.
void MessageStream::give_up(Connection& refused, int status) {
  const Outcome outcome = outcome_of(-status);
  const bool has_next = addresses_.size() > 1 && (status == UV_EPROTO || status == UV_ETIMEDOUT);
  if (has_next) std::rotate(addresses_.begin(), addresses_.begin() + 1, addresses_.end());
  while (const uint64_t number = refused.take_question()) {  // ends: as above
    Question& question = *questions_.find(number);
    question.connection = nullptr;
    if (has_next && ++question.refusals < addresses_.size()) {
      unsent_.push_back(number);
      continue;
    }
    if (outcome == Outcome::NoResources || !try_later(number)) end(number, {.outcome = outcome});
  }
}

// Whether a question that was lost is tried once more: the server may be starting again.
bool MessageStream::try_later(uint64_t number) {
  Question& question = *questions_.find(number);
  if (!settings_.is_only_server || question.lost == Milliseconds(0)) return false;
  if (question.retries == kRetries.size()) return false;
  delayed_.push_back({question.lost + kRetries[question.retries++], number});
  return true;
}

Milliseconds MessageStream::idle_limit(const Connection& connection) const {
  const Milliseconds told = connection.keepalive().value_or(settings_.idle);
  const bool is_learnt = learnt_idle_ > Milliseconds(0) && loop_.now() < learnt_until_;
  return std::min({told, settings_.longest_idle, is_learnt ? learnt_idle_ : kNever});
}

Milliseconds MessageStream::end_of(Connection& connection) const {
  if (!connection.is_open()) return connection.begun() + settings_.connecting;
  if (connection.waiting() > 0) return kNever;
  if (connection.is_retired()) return loop_.now();
  return connection.last_traffic() + idle_limit(connection);
}

void MessageStream::close_finished() {
  const Milliseconds now = loop_.now();
  std::erase_if(connections_, [&](const auto& connection) {
    return connection->is_open() && end_of(*connection) <= now;
  });
  arm();
}

void MessageStream::on_time() {
  wakes_ = kNever;
  const Milliseconds now = loop_.now();
  std::erase_if(delayed_, [&](const Delayed& delayed) {
    if (delayed.due > now) return false;
    if (questions_.find(delayed.question)) unsent_.push_back(delayed.question);
    return true;
  });
  // What is told of one may end no other.
  for (std::size_t i = 0; i < connections_.size();) {
    Connection& connection = *connections_[i];
    const bool is_late = !connection.is_open() && end_of(connection) <= now;
    if (is_late || is_path_dead(connection))
      on_end(connection, UV_ETIMEDOUT);
    else
      ++i;
  }
  wait_for_flush();
  close_finished();
}

void MessageStream::arm() {
  Milliseconds due = kNever;
  for (const auto& connection : connections_)
    due = std::min({due, end_of(*connection), next_look(*connection)});
  for (const Delayed& delayed : delayed_) due = std::min(due, delayed.due);
  if (!unsent_.empty() && !is_in_outbox_) {
    due = std::min(due, next_silence());
    // What could not be had then comes with an answer, or silence.
    if (full_since_ + kFull > loop_.now()) due = std::min(due, full_since_ + kFull);
  }
  wake_by(due);
}

// When a connection will be retired, so that what waits for room gets another.
Milliseconds MessageStream::next_silence() {
  Milliseconds due = kNever;
  for (const auto& connection : connections_) {
    if (connection->is_retired()) continue;
    for (const auto& since : {connection->unanswered_since(), connection->closed_since()})
      if (since) due = std::min(due, *since + settings_.silence);
  }
  return due;
}

// When to look at its path. Behind the time of silence it gets no new questions anyway.
Milliseconds MessageStream::next_look(Connection& connection) const {
  const auto since = connection.unanswered_since();
  if (!connection.is_open() || connection.is_retired() || !since) return kNever;
  if (loop_.now() - *since >= settings_.silence) return kNever;
  const Milliseconds first = *since + io::Stream::kPathDead;
  return first > loop_.now() ? first : loop_.now() + kBetweenLooks;
}

bool MessageStream::is_path_dead(Connection& connection) const {
  const auto since = connection.unanswered_since();
  if (!connection.is_open() || connection.is_retired() || !since) return false;
  const Milliseconds ago = loop_.now() - *since;
  return ago >= io::Stream::kPathDead && connection.is_path_dead(ago);
}

// A timer that comes too early looks again: it is not moved with every question.
void MessageStream::wake_by(Milliseconds due) {
  if (due >= wakes_) return;
  wakes_ = due;
  timer_.start_once(std::max(due - loop_.now(), Milliseconds(0)));
}

}  // namespace dnslet::upstream

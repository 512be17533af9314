// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of Outstanding that waits: for servers that are silent, for the answer of the other
// address family, and for what time brings.

#include <algorithm>
#include <utility>

#include "policy/outstanding.h"
#include "policy/preference.h"

namespace dnslet::policy {

using State = OpenQuestion::State;

void Outstanding::on_time(Milliseconds now) {
  now_ = now;
  const auto is_open = [this](uint64_t number) { return questions_.find(number) != nullptr; };
  const auto is_query = [this](uint64_t token) { return queries_.find(token) != nullptr; };
  for (auto due = silences_.front(is_open); due && due->at <= now; due = silences_.front(is_open)) {
    const uint64_t number = due->thing;
    silences_.pop();
    on_silence(*questions_.find(number));
  }
  while (!own_silences_.empty() && own_silences_.begin()->first <= now) {
    const uint64_t number = own_silences_.extract(own_silences_.begin()).mapped();
    if (OpenQuestion* const open = questions_.find(number)) on_silence(*open);
  }
  for (auto due = sharing_.front(is_open); due && due->at <= now; due = sharing_.front(is_open)) {
    OpenQuestion& open = *questions_.find(due->thing);
    sharing_.pop();
    if (!open.is_sharing) continue;
    tell(Exchange::What::SilentShared, open, kNoServer);
    begin(open);
  }
  for (Dues* const dues : {&held_, &yielding_}) {
    for (auto due = dues->front(is_open); due && due->at <= now; due = dues->front(is_open)) {
      const uint64_t number = due->thing;
      dues->pop();
      finish_kept(*questions_.find(number));
    }
  }
  for (auto due = late_.front(is_query); due && due->at <= now; due = late_.front(is_query)) {
    const uint64_t token = due->thing;
    late_.pop();
    const Query query = *queries_.find(token);
    actions_.emplace_back(Forget{token, query.server, query.way, true});
    end_query(token);
  }
  for (OpenQuestion* open = questions_.oldest(); open && open->started + settings_.timeout <= now;
       open = questions_.oldest()) {
    open->was_silent = true;
    finish_failed(*open);
  }
  drop_servers();
}

std::optional<Milliseconds> Outstanding::wake_at() {
  const auto is_open = [this](uint64_t number) { return questions_.find(number) != nullptr; };
  const auto is_query = [this](uint64_t token) { return queries_.find(token) != nullptr; };
  constexpr Milliseconds kNever = Milliseconds::max();
  Milliseconds next = kNever;
  if (const auto* const due = silences_.front(is_open)) next = std::min(next, due->at);
  if (!own_silences_.empty()) next = std::min(next, own_silences_.begin()->first);
  for (Dues* const dues : {&sharing_, &held_, &yielding_})
    if (const auto* const due = dues->front(is_open)) next = std::min(next, due->at);
  if (const auto* const due = late_.front(is_query)) next = std::min(next, due->at);
  if (const OpenQuestion* const open = questions_.oldest())
    next = std::min(next, open->started + settings_.timeout);
  told_ = next;
  wakes_ = kNever;
  return next == kNever ? std::nullopt : std::optional(next);
}

// When so much time has passed: something is due then.
Milliseconds Outstanding::due_after(Milliseconds time) {
  wakes_ = std::min(wakes_, now_ + time);
  return now_ + time;
}

// The question is looked at once more when a server that is asked now has been silent.
void Outstanding::look_again(const OpenQuestion& open) {
  if (open.retry != settings_.retry) {  // not in the order of the others
    own_silences_.emplace(due_after(open.retry), open.number);
    return;
  }
  silences_.add({due_after(open.retry), open.number},
                [this](uint64_t number) { return questions_.find(number) != nullptr; });
}

bool Outstanding::is_late(const OpenQuestion& open) const {
  return now_ >= open.started + open.retry;
}

bool Outstanding::is_silent(const UpstreamQuestion& question, Milliseconds now) {
  now_ = now;
  const OpenQuestion* const open = questions_.find(question, questions_.hash_of(question));
  return open && is_late(*open);
}

void Outstanding::on_silence(OpenQuestion& open) {
  if (open.state == State::Lost && now_ >= open.waits_until) finish_failed(open);
  if (open.state != State::Asking || open.is_sharing) return;
  if (!open.is_silent && is_late(open)) {
    open.is_silent = true;
    actions_.emplace_back(Silence{open.number, &open.question, &open.lookups});
  }
  note_silence(open);
  if (exists_by_sibling(open)) {
    finish_failed(open);
    return;
  }
  if (!open.was_heard && open.attempt.were_all_silent())
    actions_.emplace_back(Unreached{&open.question, &open.lookups});
  if (now_ < open.attempt.silent_at()) return;  // somebody was asked meanwhile
  if (open.cut && !open.attempt.has_unasked()) {
    actions_.emplace_back(Note{Note::What::CutIsAllOf, open.cut->via});
    finish_failed(open);
    return;
  }
  if (!open.attempt.has_unasked()) {
    if (!queues_.add_repeat(open.list)) return look_again(open);
    ++open.repeats;
  }
  follow(open, open.attempt.on_silence(now_));
}

void Outstanding::note_silence(OpenQuestion& open) {
  open.attempt.for_each_silent(now_, [&](Attempt::Candidate& candidate) {
    const ServerNumber server = candidate.server;
    open.was_silent = true;
    // A rule may be less patient than others are, who count on the server, and on its EDNS.
    const bool is_for_all = now_ - candidate.asked >= settings_.retry;
    if (is_for_all) fail(server, Note::What::Failed);
    tell(Exchange::What::Silent, open, server);
    const bool had_opt = !std::exchange(candidate.without_edns, true);
    if (had_opt && is_for_all) servers_.edns(server).on_silence_to_opt();
    if (candidate.was_silent) return;
    const auto came_back =
        open.came_back ? LoopSuspicion::CameBack::Yes : LoopSuspicion::CameBack::No;
    if (servers_.loop(server).on_silence(came_back)) probe(server);
  });
}

void Outstanding::probe(ServerNumber server) {
  if (server >= kept_.size()) kept_.resize(server + 1);
  if (kept_[server].probe != 0) return;
  const Way way = servers_.address(server).way;
  const uint64_t token = queries_.add({.server = server, .way = way, .sent = now_});
  kept_[server].probe = token;
  late_.add({due_after(settings_.timeout), token},
            [this](uint64_t there) { return queries_.find(there) != nullptr; });
  actions_.emplace_back(Probe{token, server, way});
}

void Outstanding::on_loop(ServerNumber server, Milliseconds now) {
  now_ = now;
  if (server >= kept_.size() || kept_[server].probe == 0) return;
  const uint64_t token = kept_[server].probe;
  actions_.emplace_back(Forget{token, server, queries_.find(token)->way, false});
  end_query(token);
  servers_.loop(server).on_loop(now);
  actions_.emplace_back(Note{Note::What::LeadsBack, server});
}

// The other family has shown that the name exists, and the servers have had their time: whoever
// asks for both need not wait any longer for one.
bool Outstanding::exists_by_sibling(const OpenQuestion& open) const {
  return open.sibling != Existence::Unknown && now_ >= open.sibling_shown + open.retry &&
         open.attempt.were_all_silent();
}

void Outstanding::sibling_shows(uint64_t question, Existence existence, Milliseconds now) {
  now_ = now;
  OpenQuestion* const open = questions_.find(question);
  if (!open || existence == Existence::Unknown || settings_.sibling_wait.count() == 0) return;
  if (open->sibling == Existence::Unknown) open->sibling_shown = open->started;
  open->sibling = existence;
  if (open->state == State::Asking && exists_by_sibling(*open)) finish_failed(*open);
  drop_servers();
}

// Whether there is, or may come, a question for the other address family that shows more.
bool Outstanding::may_depend_on_sibling(const OpenQuestion& open) {
  if (settings_.sibling_wait.count() == 0 || open.sibling != Existence::Unknown) return false;
  if (!sibling_of(open.question)) return false;
  const OpenQuestion* const sibling = questions_.find_sibling(open);
  return !sibling || sibling->state == State::Asking;  // else it waits for this one
}

// Keeps the answer back if another one may change what it means.
bool Outstanding::hold(OpenQuestion& open, Answer& answer, ServerNumber via) {
  if (!depends_on_sibling(answer, settings_.searching) || !may_depend_on_sibling(open))
    return false;
  open.held = questions_.make_kept(answer, via);
  wait_for_sibling(open);
  return true;
}

// Whether the answer counts shows when the preferred family's question has ended.
bool Outstanding::hold_for_preferred(OpenQuestion& open, Answer& answer, ServerNumber via) {
  constexpr Milliseconds kMost{500};
  if (!open.yields || !answer.has_records() || open.sibling != Existence::Unknown) return false;
  const auto other = preferred(open.question);
  const OpenQuestion* const asked =
      other ? questions_.find(*other, OpenQuestions::sibling_hash(open.hash)) : nullptr;
  if (!asked || asked->state != State::Asking) return false;
  open.held = questions_.make_kept(answer, via);
  forget_queries(open);
  open.state = State::Held;
  yielding_.add({due_after(kMost), open.number},
                [this](uint64_t number) { return questions_.find(number) != nullptr; });
  return true;
}

// The servers' part is over. Where the other question is not there it is looked for once more when
// all that clients have asked has been read.
void Outstanding::wait_for_sibling(OpenQuestion& open) {
  forget_queries(open);
  if (has_sibling_asking(open)) {
    wait_for_answer_of_sibling(open);
    return;
  }
  open.state = State::Undecided;
  undecided_.push_back(open.number);
  if (undecided_.size() == 1) actions_.emplace_back(ReadWaiting());
}

// An answer waits for a moment only, as there is one; without any, as long as for a server.
void Outstanding::wait_for_answer_of_sibling(OpenQuestion& open) {
  if (!open.held) {
    open.state = State::Lost;
    open.waits_until = now_ + open.retry;
    look_again(open);
    return;
  }
  open.state = State::Held;
  held_.add({due_after(settings_.sibling_wait), open.number},
            [this](uint64_t number) { return questions_.find(number) != nullptr; });
}

void Outstanding::decide(Milliseconds now) {
  now_ = now;
  for (const uint64_t number : undecided_) {
    OpenQuestion* const open = questions_.find(number);
    if (!open || open->state != State::Undecided) continue;
    if (has_sibling_asking(*open))
      wait_for_answer_of_sibling(*open);
    else
      finish_kept(*open);
  }
  undecided_.clear();
  drop_servers();
}

bool Outstanding::has_sibling_asking(const OpenQuestion& open) {
  if (settings_.sibling_wait.count() == 0) return false;
  const OpenQuestion* const sibling = questions_.find_sibling(open);
  return sibling && sibling->state == State::Asking;
}

// Tells the other family's question what this answer shows, also one that may come within a second.
// Returns it if it has waited for that.
OpenQuestion* Outstanding::tell_sibling(const OpenQuestion& open, const Answer& answer) {
  auto sibling = settings_.sibling_wait.count() > 0 ? sibling_of(open.question) : std::nullopt;
  const bool agree = sibling.has_value();
  if (!agree && open.question.route.yielding != Yielding::None)
    sibling = with_other_family(open.question);
  if (!sibling) return nullptr;
  const Existence shown = shown_by(answer);
  const uint64_t hash = OpenQuestions::sibling_hash(open.hash);
  if (agree && shown != Existence::Unknown) recent_.note(*sibling, hash, {shown, now_});
  OpenQuestion* const other = questions_.find(*sibling, hash);
  if (!other || (!agree && !other->yields)) return nullptr;
  if (shown != Existence::Unknown) {
    other->sibling = shown;
    other->sibling_shown = now_;
    look_again(*other);
  }
  return other->state == State::Asking ? nullptr : other;
}

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/connection.h"

#include <algorithm>
#include <utility>

namespace dnslet::upstream {

uint64_t Connection::note_sent(uint64_t question, uint16_t id) {
  ++waiting_;
  return sent_.add({.question = question, .id = id, .at = loop_.now()});
}

uint64_t Connection::take_sent(uint64_t sent) {
  const uint64_t question = sent_.find(sent)->question;
  sent_.remove(sent);
  if (question != 0) --waiting_;
  return question;
}

void Connection::forget(uint64_t sent) {
  sent_.find(sent)->question = 0;
  --waiting_;
}

uint64_t Connection::take_question() {
  while (const uint64_t oldest = sent_.oldest())  // ends: every turn removes one
    if (const uint64_t question = take_sent(oldest)) return question;
  return 0;
}

std::optional<io::Milliseconds> Connection::unanswered_since() {
  const Sent* const oldest = sent_.find(sent_.oldest());
  if (!oldest) return std::nullopt;
  return oldest->at;
}

void Connection::carry_at_most(std::size_t questions) {
  most_ = std::min(questions, kMaxSent);
  if (most_ > 0)
    closed_since_.reset();
  else if (!closed_since_)
    closed_since_ = loop_.now();
}

void Connection::note_answer() {
  ++answered_;
  last_answer_ = loop_.now();
  if (limit_ != kNoLimit) ++limit_;
}

}  // namespace dnslet::upstream

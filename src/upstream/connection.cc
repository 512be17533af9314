// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/connection.h"

#include <cassert>
#include <utility>

namespace dnslet::upstream {

Connection::Connection(io::Loop& loop, uint64_t number, Owner& owner, const OpenStream& open,
                       Padding padding)
    : loop_(loop),
      number_(number),
      owner_(owner),
      padding_(padding),
      begun_(loop.now()),
      last_traffic_(begun_),
      stream_(open(*this)) {}

uint64_t Connection::add(uint64_t question, dns::MutableBytesView query, RandomIds& ids) {
  assert(sent_.size() < kMaxSent);
  uint16_t id = ids.next();
  while (by_id_.contains(id)) id = ids.next();  // ends: every second one is free at least
  dns::Writer(query).u16(id);
  append_frame(outgoing_, query, padding_);
  ++waiting_;
  const uint64_t sent = sent_.add({.question = question, .id = id, .at = loop_.now()});
  by_id_.put(id, sent);
  return sent;
}

void Connection::flush() {
  if (!is_open_ || outgoing_.empty()) return;
  last_traffic_ = loop_.now();
  stream_->write(outgoing_);
  outgoing_.clear();
}

void Connection::forget(uint64_t sent) {
  sent_.find(sent)->question = 0;
  --waiting_;
}

uint64_t Connection::take_question() {
  while (const uint64_t oldest = sent_.oldest()) {  // ends: every turn removes one
    const uint64_t question = sent_.find(oldest)->question;
    sent_.remove(oldest);
    if (question == 0) continue;
    --waiting_;
    return question;
  }
  return 0;
}

std::optional<io::Milliseconds> Connection::unanswered_since() {
  const Sent* const oldest = sent_.find(sent_.oldest());
  if (!oldest) return std::nullopt;
  return oldest->at;
}

void Connection::on_open() {
  is_open_ = true;
  flush();
  owner_.on_turn(*this);
}

void Connection::on_end(int status) { owner_.on_end(*this, status); }

void Connection::on_bytes(dns::BytesView bytes) {
  last_traffic_ = loop_.now();
  const bool is_continued = !incoming_.empty();
  if (is_continued) incoming_.insert(incoming_.end(), bytes.begin(), bytes.end());
  const auto taken = take_messages(is_continued ? dns::BytesView(incoming_) : bytes);
  if (!taken) {
    owner_.on_end(*this, UV_EPROTO);  // may destroy *this
    return;
  }
  if (is_continued)
    incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<std::ptrdiff_t>(*taken));
  else
    incoming_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(*taken), bytes.end());
  owner_.on_turn(*this);
}

// Hands on every whole message. Returns the bytes used; nullopt: what claims to be a message has
// not even a header, so nothing behind it can be believed.
std::optional<std::size_t> Connection::take_messages(dns::BytesView bytes) {
  std::size_t taken = 0;
  while (true) {  // ends: every turn takes at least a header
    dns::Reader reader(bytes.subspan(taken));
    const uint16_t size = reader.u16();
    if (reader.ok() && size < dns::kHeaderSize) return std::nullopt;
    const dns::BytesView message = reader.bytes(size);
    if (!reader.ok()) return taken;
    taken += reader.offset();
    on_message(message);
  }
}

void Connection::on_message(dns::BytesView message) {
  const uint16_t id = dns::Reader(message).u16();
  const uint64_t number = by_id_.find(id);
  if (number == 0) return;  // it fits nothing outstanding
  const uint64_t question = sent_.find(number)->question;
  if (question != 0 && !owner_.is_answer(question, message)) return;
  sent_.remove(number);
  by_id_.take(id);
  if (question == 0) return;  // nobody waits for it
  --waiting_;
  note_answer(message);
  owner_.on_answer(question, message);
}

// Where the first answer says nothing of keepalive the others are not searched for it.
void Connection::note_answer(dns::BytesView message) {
  if (answered_ == 0 || keepalive_)
    if (const auto told = keepalive_of(message)) keepalive_ = told;
  ++answered_;
  last_answer_ = loop_.now();
  if (limit_ != kNoLimit) ++limit_;
}

}  // namespace dnslet::upstream

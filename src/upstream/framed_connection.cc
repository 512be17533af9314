// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/framed_connection.h"

#include <cassert>
#include <utility>

namespace dnslet::upstream {

FramedConnection::FramedConnection(const Place& place, const io::OpenStream& open,
                                   const Craft& craft)
    : Connection(place), craft_(craft), stream_(open(*this)) {}

uint64_t FramedConnection::add(uint64_t question, dns::MutableBytesView query) {
  assert(sent() < kMaxSent);
  uint16_t id = craft_.ids.next();
  while (by_id_.contains(id)) id = craft_.ids.next();  // ends: every second one is free at least
  dns::Writer(query).u16(id);
  append_frame(outgoing_, query, craft_.padding);
  const uint64_t sent = note_sent(question, id);
  by_id_.put(id, sent);
  return sent;
}

void FramedConnection::flush() {
  if (!is_open() || outgoing_.empty()) return;
  note_traffic();
  stream_->write(outgoing_);
  outgoing_.clear();
}

void FramedConnection::on_open() {
  note_open();
  flush();
  owner().on_turn(*this);
}

void FramedConnection::on_end(int status) { owner().on_end(*this, status); }

void FramedConnection::on_bytes(dns::BytesView bytes) {
  note_traffic();
  const bool is_continued = !incoming_.empty();
  if (is_continued) incoming_.insert(incoming_.end(), bytes.begin(), bytes.end());
  const auto taken = take_messages(is_continued ? dns::BytesView(incoming_) : bytes);
  if (!taken) {
    owner().on_end(*this, UV_EPROTO);  // may destroy *this
    return;
  }
  if (is_continued)
    incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<std::ptrdiff_t>(*taken));
  else
    incoming_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(*taken), bytes.end());
  owner().on_turn(*this);
}

// Hands on every whole message. Returns the bytes used; nullopt: what claims to be a message has
// not even a header, so nothing behind it can be believed.
std::optional<std::size_t> FramedConnection::take_messages(dns::BytesView bytes) {
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

// Where the first answer says nothing of keepalive the others are not searched for it.
void FramedConnection::on_message(dns::BytesView message) {
  const uint16_t id = dns::Reader(message).u16();
  const uint64_t sent = by_id_.find(id);
  if (sent == 0) return;  // it fits nothing outstanding
  const uint64_t waiting = find_sent(sent)->question;
  if (waiting != 0 && !owner().is_answer(waiting, message)) return;
  by_id_.take(id);
  const uint64_t question = take_sent(sent);
  if (question == 0) return;  // nobody waits for it
  if (answered() == 0 || keepalive())
    if (const auto told = keepalive_of(message)) note_keepalive(*told);
  note_answer();
  owner().on_answer(question, message);
}

}  // namespace dnslet::upstream

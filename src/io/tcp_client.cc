// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/tcp_client.h"

#include <uv.h>

#include <utility>

namespace dnslet::io {

TcpClient::TcpClient(const TcpPeer& peer, const OpenStream& open, std::unique_ptr<Framing> framing,
                     TcpBuffers& buffers, const Events& events)
    : peer_(peer),
      buffers_(buffers),
      events_(events),
      framing_(std::move(framing)),
      stream_(open(*this)) {}

TcpClient::~TcpClient() {
  if (!is_open_ || stream_->unsent() > 0) return;
  framing_->say_goodbye(outgoing_);
  if (!outgoing_.empty()) stream_->write(outgoing_);
}

void TcpClient::on_open() {
  is_open_ = true;
  framing_->on_open(stream_->protocol());
  flush();
}

void TcpClient::on_end(int status) {
  const bool waits = unanswered_ > 0 || !outgoing_.empty() || stream_->unsent() > 0;
  is_open_ = false;
  if (status != UV_EOF || !waits) return events_.on_gone(peer_.client);
  is_draining_ = true;
  flush();  // where a write has failed unheard, this one is heard
}

void TcpClient::on_bytes(dns::BytesView bytes) {
  barren_ += bytes.size();
  bool is_sound = true;
  if (partial_.empty()) {
    const auto taken = framing_->take(bytes, *this);
    is_sound = taken.has_value();
    if (taken) partial_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(*taken), bytes.end());
  } else {
    partial_.insert(partial_.end(), bytes.begin(), bytes.end());
    is_sound = take_partial();
  }
  if (!is_sound || barren_ > kMaxBarren) return end();
  pause_if_full();
  flush();  // may end the client: nothing behind it
}

// False: as of Framing::take().
bool TcpClient::take_partial() {
  const auto taken = framing_->take(partial_, *this);
  if (!taken) return false;
  partial_.erase(partial_.begin(), partial_.begin() + static_cast<std::ptrdiff_t>(*taken));
  return true;
}

// At once; the client is told why, where it reads.
void TcpClient::end() {
  (void)write();
  events_.on_gone(peer_.client);
}

void TcpClient::pause_if_full() {
  if (!is_full() || is_paused_) return;
  is_paused_ = true;
  stream_->stop_reading();
}

void TcpClient::on_question(uint64_t request, dns::BytesView packet) {
  barren_ = 0;
  events_.on_activity(peer_.client);
  ++unanswered_;  // already now: it is not idle, which would let it be closed under our feet
  peer_.request = request;
  const TcpOutcome outcome = events_.on_question(packet, peer_, buffers_.answer);
  if (outcome.later) return;
  --unanswered_;
  if (outcome.size > 0)
    framing_->add_answer(request, dns::BytesView(buffers_.answer).first(outcome.size), outgoing_);
  else if (!outcome.ends)
    framing_->refuse(request);
  else if (framing_->drop(request))
    on_last();
  is_answering_ = is_answering_ || outcome.size > 0;
  framing_->collect(outgoing_);  // it counts for is_full()
}

void TcpClient::send(uint64_t request, dns::BytesView answer) {
  if (unread() >= kMostUnread) return events_.on_gone(peer_.client);
  framing_->add_answer(request, answer, outgoing_);
  is_answering_ = true;
  if (unanswered_ > 0) --unanswered_;
  flush();
}

void TcpClient::drop(uint64_t request) {
  if (unanswered_ > 0) --unanswered_;
  if (framing_->drop(request)) on_last();
  flush();
}

// Whatever has come is still answered.
void TcpClient::on_last() {
  stream_->stop_reading();
  is_draining_ = true;
}

// Writes what is queued; goes on with what was left lying while paused; ends a client that has said
// its last. Ends: every turn takes a question at least, or fills the client up.
void TcpClient::flush() {
  while (write()) {
    if (is_paused_ && !is_full()) {
      is_paused_ = false;
      if (!is_draining_) stream_->start_reading();
      if (!take_partial()) return end();
      pause_if_full();
      framing_->collect(outgoing_);
      if (!outgoing_.empty()) continue;
    }
    if (is_draining_ && unanswered_ == 0) events_.on_gone(peer_.client);
    return;
  }
}

// One write at a time; what comes meanwhile goes with the next one. True: all of it is written.
bool TcpClient::write() {
  if (stream_->unsent() > 0) return false;
  framing_->collect(outgoing_);
  if (outgoing_.empty()) return true;
  stream_->write(outgoing_);
  empty_buffer(outgoing_);
  if (stream_->unsent() > 0) return false;
  note_written();
  return true;
}

void TcpClient::on_written() {
  note_written();
  flush();
}

// What else a framing says keeps no connection open.
void TcpClient::note_written() {
  if (std::exchange(is_answering_, false)) events_.on_activity(peer_.client);
}

bool TcpClient::is_full() const {
  return unanswered_ >= framing_->most_unanswered() || unread() >= kMaxUnread;
}

std::size_t TcpClient::unread() const { return outgoing_.size() + stream_->unsent(); }

}  // namespace dnslet::io

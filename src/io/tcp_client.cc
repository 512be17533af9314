// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/tcp_client.h"

#include <utility>

namespace dnslet::io {
namespace {

IpAddress peer_of(const uv_tcp_t* connection) {
  SocketAddress peer;
  int size = sizeof peer.v6;
  return uv_tcp_getpeername(connection, &peer.any, &size) == 0 ? peer.address() : IpAddress();
}

}  // namespace

TcpClient::TcpClient(const TcpPeer& peer, Handle<uv_tcp_t> connection, TcpBuffers& buffers,
                     const Events& events)
    : peer_{peer.client, peer_of(connection.get()), peer.listener},
      buffers_(buffers),
      events_(events),
      stream_(std::move(connection), *this) {}

void TcpClient::start() { stream_.start_reading(); }

void TcpClient::on_end(int status) {
  const bool waits = unanswered_ > 0 || !outgoing_.empty() || stream_.unsent() > 0;
  if (status == UV_EOF && waits)
    is_draining_ = true;
  else
    events_.on_gone(peer_.client);
}

void TcpClient::consume(dns::BytesView bytes) {
  if (partial_.empty()) {
    const std::size_t taken = take_frames(bytes);
    partial_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
  } else {
    partial_.insert(partial_.end(), bytes.begin(), bytes.end());
    const std::size_t taken = take_frames(partial_);
    partial_.erase(partial_.begin(), partial_.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  pause_if_full();
  flush();  // may end the client: nothing behind it
}

void TcpClient::pause_if_full() {
  if (!is_full() || is_paused_) return;
  is_paused_ = true;
  stream_.stop_reading();
}

// Hands every whole question on, until the client has had its share. Returns the bytes used.
std::size_t TcpClient::take_frames(dns::BytesView bytes) {
  std::size_t taken = 0;
  while (!is_full()) {  // ends: every turn takes at least the two bytes of the length
    dns::Reader reader(bytes.subspan(taken));
    const dns::BytesView packet = reader.bytes(reader.u16());
    if (!reader.ok()) break;
    taken += reader.offset();
    events_.on_activity(peer_.client);
    ++unanswered_;  // already now: it is not idle, which would let it be closed under our feet
    const TcpOutcome outcome = events_.on_question(packet, peer_, buffers_.answer);
    if (!outcome.later) --unanswered_;
    if (outcome.ends) end_soon();
    if (outcome.size > 0) queue(dns::BytesView(buffers_.answer).first(outcome.size));
  }
  return taken;
}

void TcpClient::send(dns::BytesView answer) {
  queue(answer);
  if (unanswered_ > 0) --unanswered_;
  flush();
}

void TcpClient::drop() {
  if (unanswered_ > 0) --unanswered_;
  end_soon();
  flush();
}

// Whatever has come is still answered.
void TcpClient::end_soon() {
  stream_.stop_reading();
  is_draining_ = true;
}

void TcpClient::queue(dns::BytesView answer) {
  // RFC 1035 section 4.2.2: two bytes of length in front.
  outgoing_.push_back(static_cast<uint8_t>(answer.size() >> 8));
  outgoing_.push_back(static_cast<uint8_t>(answer.size() & 0xff));
  outgoing_.insert(outgoing_.end(), answer.begin(), answer.end());
}

// Writes what is queued; goes on with what was left lying while paused; ends a client that has said
// its last. Ends: every turn takes a question at least, or fills the client up.
void TcpClient::flush() {
  while (write()) {
    if (is_paused_ && !is_full()) {
      is_paused_ = false;
      if (!is_draining_) stream_.start_reading();
      const std::size_t taken = take_frames(partial_);
      partial_.erase(partial_.begin(), partial_.begin() + static_cast<std::ptrdiff_t>(taken));
      pause_if_full();
      if (!outgoing_.empty()) continue;
    }
    if (is_draining_ && unanswered_ == 0) events_.on_gone(peer_.client);
    return;
  }
}

// One write at a time; what comes meanwhile goes with the next one. True: all of it is written.
bool TcpClient::write() {
  if (stream_.unsent() > 0) return false;
  if (outgoing_.empty()) return true;
  stream_.write(outgoing_);
  outgoing_.clear();
  if (stream_.unsent() > 0) return false;
  events_.on_activity(peer_.client);
  return true;
}

void TcpClient::on_written() {
  events_.on_activity(peer_.client);
  flush();
}

bool TcpClient::is_full() const {
  return unanswered_ >= kMaxUnanswered || outgoing_.size() + stream_.unsent() >= kMaxUnread;
}

}  // namespace dnslet::io

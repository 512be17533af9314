// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/tcp_client.h"

#include <memory>
#include <utility>

namespace dnslet::io {
namespace {

TcpClient* client_of(uv_handle_t* handle) { return static_cast<TcpClient*>(handle->data); }

}  // namespace

// A write owns its bytes until its callback.
struct TcpClient::Write {
  uv_write_t request;
  dns::Bytes bytes;
};

TcpClient::TcpClient(uint64_t id, Handle<uv_tcp_t> connection, TcpBuffers& buffers,
                     const Events& events)
    : id_(id), buffers_(buffers), events_(events), handle_(std::move(connection)) {
  SocketAddress peer;
  int size = sizeof peer.v6;
  if (uv_tcp_getpeername(handle_.get(), &peer.any, &size) == 0) address_ = peer.address();
  handle_->data = this;
}

void TcpClient::start() {
  const auto allocate = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    TcpClient* const client = client_of(handle);
    if (!client) return;
    buffer->base = client->buffers_.incoming.data();
    buffer->len = client->buffers_.incoming.size();
  };
  const auto read = [](uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
    TcpClient* const client = client_of(reinterpret_cast<uv_handle_t*>(stream));
    if (client) client->on_read(count);
  };
  is_paused_ = false;
  (void)uv_read_start(reinterpret_cast<uv_stream_t*>(handle_.get()), allocate, read);
}

void TcpClient::on_read(ssize_t count) {
  if (count == UV_EOF) {
    uv_read_stop(reinterpret_cast<uv_stream_t*>(handle_.get()));
    is_draining_ = true;
    end_if_done();
    return;
  }
  if (count < 0) {
    events_.on_gone(id_);
    return;
  }
  const auto* const bytes = reinterpret_cast<const uint8_t*>(buffers_.incoming.data());
  consume({bytes, static_cast<std::size_t>(count)});
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

  if (is_full() && !is_paused_) {
    is_paused_ = true;
    uv_read_stop(reinterpret_cast<uv_stream_t*>(handle_.get()));
  }
  flush();  // may end the client: nothing behind it
}

// Hands every whole question on, until the client has had its share. Returns the bytes used.
std::size_t TcpClient::take_frames(dns::BytesView bytes) {
  std::size_t taken = 0;
  while (!is_full()) {  // ends: every turn takes at least the two bytes of the length
    dns::Reader reader(bytes.subspan(taken));
    const dns::BytesView packet = reader.bytes(reader.u16());
    if (!reader.ok()) break;
    taken += reader.offset();
    events_.on_activity(id_);
    ++unanswered_;  // already now: it is not idle, which would let it be closed under our feet
    const TcpOutcome outcome = events_.on_question(packet, id_, address_, buffers_.answer);
    if (!outcome.later) --unanswered_;
    if (outcome.size > 0) queue(dns::BytesView(buffers_.answer).first(outcome.size));
  }
  return taken;
}

void TcpClient::send(dns::BytesView answer) {
  queue(answer);
  if (unanswered_ > 0) --unanswered_;
  flush();
}

void TcpClient::queue(dns::BytesView answer) {
  // RFC 1035 section 4.2.2: two bytes of length in front.
  outgoing_.push_back(static_cast<uint8_t>(answer.size() >> 8));
  outgoing_.push_back(static_cast<uint8_t>(answer.size() & 0xff));
  outgoing_.insert(outgoing_.end(), answer.begin(), answer.end());
}

// One write at a time; what comes meanwhile goes with the next one.
void TcpClient::flush() {
  if (writing_ > 0) return;
  if (outgoing_.empty()) {
    resume();
    return;
  }
  auto* const write = new Write{{}, std::move(outgoing_)};
  outgoing_.clear();
  writing_ = write->bytes.size();
  write->request.data = write;
  const uv_buf_t buffer = uv_buf_init(reinterpret_cast<char*>(write->bytes.data()),
                                      static_cast<unsigned>(write->bytes.size()));
  const auto done = [](uv_write_t* request, int status) {
    const std::unique_ptr<Write> owned(static_cast<Write*>(request->data));
    TcpClient* const client = client_of(reinterpret_cast<uv_handle_t*>(request->handle));
    if (client) client->on_written(status);
  };
  const int status =
      uv_write(&write->request, reinterpret_cast<uv_stream_t*>(handle_.get()), &buffer, 1, done);
  if (status == 0) return;
  delete write;
  events_.on_gone(id_);
}

void TcpClient::on_written(int status) {
  writing_ = 0;
  if (status < 0) {
    events_.on_gone(id_);
    return;
  }
  events_.on_activity(id_);
  flush();
}

// Goes on with what was left lying while paused; ends a client that has said its last.
void TcpClient::resume() {
  if (is_paused_ && !is_full()) {
    start();
    if (!partial_.empty()) {
      consume({});
      return;
    }
  }
  end_if_done();
}

bool TcpClient::is_full() const {
  return unanswered_ >= kMaxUnanswered || outgoing_.size() + writing_ >= kMaxUnread;
}

void TcpClient::end_if_done() {
  if (is_draining_ && unanswered_ == 0 && writing_ == 0 && outgoing_.empty()) events_.on_gone(id_);
}

}  // namespace dnslet::io

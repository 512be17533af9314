// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/quic_server_client.h"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <utility>

#include "io/framing.h"

namespace dnslet::io {
namespace {

constexpr std::size_t kMostUnanswered = 128;
constexpr std::size_t kMostStreams = 256;
// What else a datagram with a question has in it, and the one that acknowledges its answer.
constexpr std::size_t kAroundQuestion = 128;
// What keeps a stream unfinished for longer is no client: the library keeps what comes out of order
// at many times its size.
constexpr Milliseconds kMostReading{10000};

SSL_STREAM_RESET_ARGS reset_by(DoqError error) { return {static_cast<uint64_t>(error)}; }

// All that the client has been given of it has arrived.
bool is_acknowledged(SSL* stream) {
  uint64_t used = 0;
  return SSL_get_value_uint(stream, SSL_VALUE_CLASS_GENERIC, SSL_VALUE_STREAM_WRITE_BUF_USED,
                            &used) == 1 &&
         used == 0;
}

}  // namespace

DoqClient::DoqClient(Start start, const TcpPeer& peer, TcpBuffers& buffers, const Events& events)
    : host_(&start.host),
      path_(start.path),
      peer_(peer),
      buffers_(buffers),
      events_(events),
      connection_(std::move(start.connection)) {}

DoqClient::~DoqClient() {
  if (host_) detach();
}

void DoqClient::detach() {
  ERR_clear_error();
  streams_.clear();
  const SSL_SHUTDOWN_EX_ARGS why{static_cast<uint64_t>(error_), nullptr};
  (void)SSL_shutdown_ex(
      connection_.get(),
      SSL_SHUTDOWN_FLAG_RAPID | SSL_SHUTDOWN_FLAG_NO_STREAM_FLUSH | SSL_SHUTDOWN_FLAG_NO_BLOCK,
      &why, sizeof why);
  std::exchange(host_, nullptr)->on_gone(path_, std::move(connection_));
}

// At once; the client is told why.
void DoqClient::close(DoqError error) {
  error_ = error;
  events_.on_gone(peer_.client);
}

bool DoqClient::is_closed() const {
  SSL_CONN_CLOSE_INFO info{};
  return SSL_get_conn_close_info(connection_.get(), &info, sizeof info) == 1;
}

// It gets to ask no more for now.
bool DoqClient::is_busy() const { return unanswered_ >= kMostUnanswered || unread_ >= kMaxUnread; }

bool DoqClient::is_protocol_kept() const {
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(connection_.get(), &chosen, &size);
  return size > 0;
}

void DoqClient::on_events() {
  if (!host_) return;
  ERR_clear_error();
  if (is_closed()) return close(DoqError::None);
  if (!is_open_ && SSL_is_init_finished(connection_.get()) == 1) {
    if (!is_protocol_kept()) return close(DoqError::Protocol);
    is_open_ = true;
    host_->on_open(path_, connection_.get());
  }
  if (is_open_ && !serve()) return;
  if (has_too_much()) return close(DoqError::ExcessiveLoad);
  const bool is_done = is_draining_ && unanswered_ == 0 && unread_ == 0;
  if (is_done) close(DoqError::None);
}

// False: the connection has ended. Ends: the second time it is not busy at first.
bool DoqClient::serve() {
  bool was_busy = false;
  do {
    was_busy = is_busy();
    for (auto stream = streams_.begin(); stream != streams_.end();)
      if (!settle(stream, advance(stream->first, stream->second))) return false;
  } while (was_busy && !is_busy());
  return accept_all();
}

// Ends: every turn takes a stream, of which the library has a number that it has told the client.
bool DoqClient::accept_all() {
  while (!is_busy() && !is_draining_ && streams_.size() < kMostStreams) {
    Owned<SSL> ssl(SSL_accept_stream(connection_.get(), SSL_ACCEPT_STREAM_NO_BLOCK));
    if (!ssl) return true;
    if (SSL_get_stream_type(ssl.get()) != SSL_STREAM_TYPE_BIDI) {
      close(DoqError::Protocol);
      return false;
    }
    SSL_set_mode(ssl.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    const uint64_t id = SSL_get_stream_id(ssl.get());
    auto stream = streams_.insert_or_assign(id, Stream{std::move(ssl), host_->now()}).first;
    if (!settle(stream, read(id, stream->second))) return false;
  }
  return true;
}

// Goes on to the next stream. False: as of serve().
bool DoqClient::settle(Streams::iterator& stream, Fate fate) {
  if (fate == Fate::Breaks) {
    close(DoqError::Protocol);
    return false;
  }
  if (fate == Fate::Stays) {
    ++stream;
    return true;
  }
  forget(stream->second);
  stream = streams_.erase(stream);
  return true;
}

DoqClient::Fate DoqClient::advance(uint64_t id, Stream& stream) {
  if (stream.state == State::Reading) return is_busy() ? Fate::Stays : read(id, stream);
  if (stream.state == State::Answering) return write(stream);
  // Whoever does not want the answer any more does not get it (RFC 9250 section 4.3.1).
  return SSL_get_stream_write_state(stream.ssl.get()) == SSL_STREAM_STATE_OK ? Fate::Stays
                                                                             : Fate::Goes;
}

DoqClient::Fate DoqClient::read(uint64_t id, Stream& stream) {
  static thread_local std::array<uint8_t, 4096> clear;
  // Ends: every turn takes bytes, of which more than a message are too many.
  while (true) {
    std::size_t size = 0;
    ERR_clear_error();
    const int status = SSL_read_ex(stream.ssl.get(), clear.data(), clear.size(), &size);
    const int error = status == 1 ? SSL_ERROR_NONE : SSL_get_error(stream.ssl.get(), status);
    if (error == SSL_ERROR_WANT_READ) return Fate::Stays;
    if (error == SSL_ERROR_ZERO_RETURN) return ask(id, stream);
    if (error != SSL_ERROR_NONE) return Fate::Goes;  // the client has taken it back
    stream.bytes.insert(stream.bytes.end(), clear.begin(),
                        clear.begin() + static_cast<std::ptrdiff_t>(size));
    dns::Reader reader(stream.bytes);
    const std::size_t expected = reader.u16();
    if (reader.ok() && reader.remaining() > expected) return Fate::Breaks;
  }
}

// The client has said all: it has to be one message, with no ID (RFC 9250 sections 4.2 and 4.2.1).
DoqClient::Fate DoqClient::ask(uint64_t id, Stream& stream) {
  const dns::Bytes question = std::exchange(stream.bytes, {});
  dns::Reader reader(question);
  const dns::BytesView packet = reader.bytes(reader.u16());
  dns::Reader inside(packet);
  const bool has_id = inside.u16() != 0;
  if (!reader.ok() || reader.remaining() > 0 || packet.size() < dns::kHeaderSize || has_id ||
      !host_->is_sound(packet))
    return Fate::Breaks;

  excess_ -= std::min(excess_, question.size() + kAroundQuestion);
  stream.state = State::Asked;
  events_.on_activity(peer_.client);
  ++unanswered_;  // already now: it is not idle, which would let it be closed under our feet
  peer_.request = id;
  const TcpOutcome outcome = events_.on_question(packet, peer_, buffers_.answer);
  if (outcome.later) return Fate::Stays;
  --unanswered_;
  if (outcome.size > 0) return give(stream, dns::BytesView(buffers_.answer).first(outcome.size));
  is_draining_ = is_draining_ || outcome.ends;
  reset(stream, DoqError::Unspecified);
  return Fate::Goes;
}

DoqClient::Fate DoqClient::give(Stream& stream, dns::BytesView answer) {
  LengthFraming().add_answer(0, answer, stream.bytes);
  stream.state = State::Answering;
  stream.unread = stream.bytes.size();
  unread_ += stream.unread;
  return write(stream);
}

DoqClient::Fate DoqClient::write(Stream& stream) {
  if (stream.bytes.empty()) {
    if (!is_acknowledged(stream.ssl.get())) return Fate::Stays;
    events_.on_activity(peer_.client);
    return Fate::Goes;
  }
  std::size_t taken = 0;
  ERR_clear_error();
  const int status = SSL_write_ex2(stream.ssl.get(), stream.bytes.data(), stream.bytes.size(),
                                   SSL_WRITE_FLAG_CONCLUDE, &taken);
  if (status != 1)
    return SSL_get_error(stream.ssl.get(), status) == SSL_ERROR_WANT_WRITE ? Fate::Stays
                                                                           : Fate::Goes;
  stream.bytes.erase(stream.bytes.begin(),
                     stream.bytes.begin() + static_cast<std::ptrdiff_t>(taken));
  if (stream.bytes.empty()) stream.bytes = {};
  host_->wake(path_);
  return Fate::Stays;
}

void DoqClient::forget(Stream& stream) { unread_ -= std::exchange(stream.unread, 0); }

void DoqClient::reset(Stream& stream, DoqError error) {
  const SSL_STREAM_RESET_ARGS why = reset_by(error);
  (void)SSL_stream_reset(stream.ssl.get(), &why, sizeof why);
  host_->wake(path_);
}

void DoqClient::send(uint64_t request, dns::BytesView answer) {
  if (unanswered_ > 0) --unanswered_;
  const auto stream = streams_.find(request);
  if (!host_) return;
  host_->wake(path_);
  if (stream == streams_.end() || stream->second.state != State::Asked) return;
  if (unread_ >= kMostUnread) return close(DoqError::ExcessiveLoad);
  if (give(stream->second, answer) != Fate::Goes) return;
  forget(stream->second);
  streams_.erase(stream);
}

void DoqClient::drop(uint64_t request) {
  if (unanswered_ > 0) --unanswered_;
  is_draining_ = true;
  const auto stream = streams_.find(request);
  if (!host_) return;
  host_->wake(path_);
  if (stream == streams_.end()) return;
  reset(stream->second, DoqError::Unspecified);
  streams_.erase(stream);
}

// What has come and is in no question lies in the library, where some stream has no end yet. What
// has come otherwise is gone.
bool DoqClient::has_too_much() {
  const auto first = std::ranges::find_if(
      streams_, [](const auto& stream) { return stream.second.state == State::Reading; });
  const bool is_whole = first == streams_.end() && is_open_ &&
                        SSL_get_accept_stream_queue_len(connection_.get()) == 0;
  if (is_whole) excess_ = 0;
  const bool is_late =
      !is_busy() && first != streams_.end() && host_->now() - first->second.begun > kMostReading;
  return excess_ > kMaxBarren || is_late;
}

}  // namespace dnslet::io

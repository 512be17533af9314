// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include <uv.h>

#include <array>
#include <utility>

#include "io/doq.h"
#include "io/stream_requests.h"

namespace dnslet::io {
namespace {

constexpr std::size_t kLength = 2;  // bytes of it

// RFC 9250 section 8.4.
std::string text_of_code(uint64_t code) {
  constexpr std::array kNames = {"no error",          "internal error", "protocol error",
                                 "request cancelled", "excessive load", "unspecified error"};
  return code < kNames.size() ? kNames[code] : "error " + std::to_string(code);
}

class Client final : public RequestClient, private QuicConnection::User {
 public:
  Client(const OpenQuic& open, RequestClient::User& user) : user_(user), quic_(open(*this)) {}

  void post(uint64_t request, dns::BytesView body) override { requests_.post(request, body); }
  void flush() override;
  bool has_unwritten() const override {
    return quic_->has_unsent() || (requests_.is_waiting() && quic_->streams_left() > 0);
  }
  std::optional<std::size_t> most_at_once() const override {
    if (!is_open_) return std::nullopt;
    return requests_.open() + quic_->streams_left();
  }
  bool is_path_dead(std::chrono::milliseconds ago) const override {
    return quic_->is_path_dead(ago);
  }
  bool takes_more() const override { return violation_.empty(); }
  std::optional<std::chrono::milliseconds> idle_limit() const override {
    return quic_->idle_limit();
  }

 private:
  using End = StreamRequests::End;

  void on_open() override;
  void on_stream(uint64_t stream, dns::BytesView bytes, QuicConnection::Last last) override;
  void on_reset(uint64_t stream, uint64_t code) override;
  void on_turn() override;
  void on_end(int status, const std::string& reason) override;
  void violate(const std::string& how);

  RequestClient::User& user_;
  StreamRequests requests_;
  std::string violation_;  // of the protocol, by the server
  bool is_open_ = false;
  std::unique_ptr<QuicConnection> quic_;
};

void Client::flush() {
  while (requests_.is_waiting()) {
    const auto stream = quic_->open_stream(QuicConnection::Direction::Both);
    if (!stream) break;
    const dns::Bytes& body = requests_.begin(*stream).sent;
    dns::Bytes frame(kLength);
    dns::Writer(frame).u16(static_cast<uint16_t>(body.size()));
    frame.insert(frame.end(), body.begin(), body.end());
    if (quic_->write(*stream, frame, QuicConnection::Last::Yes)) continue;
    quic_->drop(*stream);
    requests_.finish(*stream, End::Failure, "it takes no question");
  }
  quic_->flush();
}

void Client::on_open() {
  is_open_ = true;
  user_.on_open();
}

// A stream that has no request is one that has been answered.
void Client::on_stream(uint64_t stream, dns::BytesView bytes, QuicConnection::Last last) {
  StreamRequests::Request* const request = requests_.find(stream);
  if (!request) return;
  dns::Bytes& received = request->received;
  received.insert(received.end(), bytes.begin(), bytes.end());
  dns::Reader reader(received);
  const std::size_t size = reader.u16();
  const bool has_length = reader.ok();
  if (has_length && received.size() > kLength + size)
    return violate("it says more than an answer on a stream");
  if (last == QuicConnection::Last::No) return;
  if (!has_length || received.size() < kLength + size)
    return violate("it ends a stream within an answer");
  received.erase(received.begin(), received.begin() + kLength);
  request->response.status = 200;
  requests_.finish(stream, End::Response);
}

void Client::on_reset(uint64_t stream, uint64_t code) {
  if (requests_.find(stream))
    requests_.finish(stream, End::Failure, "it has reset a stream: " + text_of_code(code));
}

// The connection is over (RFC 9250 section 4.3.3).
void Client::violate(const std::string& how) {
  if (!violation_.empty()) return;
  violation_ = how;
  quic_->abort(kDoqTerms.violated);
}

void Client::on_turn() {
  requests_.tell(user_);
  if (!violation_.empty()) return user_.on_end(UV_EPROTO, violation_);
  user_.on_turn();
}

void Client::on_end(int status, const std::string& reason) {
  requests_.tell(user_);
  user_.on_end(status, reason);
}

}  // namespace

std::unique_ptr<RequestClient> make_doq_client(const OpenQuic& open, RequestClient::User& user) {
  return std::make_unique<Client>(open, user);
}

}  // namespace dnslet::io

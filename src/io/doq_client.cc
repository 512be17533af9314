// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include <array>
#include <utility>

#include "io/doq.h"
#include "io/framing.h"
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

class Client final : public StreamRequester {
 public:
  Client(const OpenQuic& open, RequestClient::User& user) : StreamRequester(open, user) {}

  void flush() override;

 private:
  void on_stream(uint64_t stream, dns::BytesView bytes, QuicConnection::Last last) override;
  void on_reset(uint64_t stream, uint64_t code) override;
  // RFC 9250 section 4.3.3.
  void violate(const std::string& how) { StreamRequester::violate(how, kDoqTerms.violated); }
};

void Client::flush() {
  while (requests().is_waiting()) {
    const auto stream = quic().open_stream(QuicConnection::Direction::Both);
    if (!stream) break;
    const dns::Bytes& body = requests().begin(*stream).sent;
    dns::Bytes frame;
    LengthFraming().add_answer(0, body, frame);
    if (quic().write(*stream, frame, QuicConnection::Last::Yes)) continue;
    quic().drop(*stream);
    requests().finish(*stream, End::Failure, "it takes no question");
  }
  quic().flush();
}

// A stream that has no request is one that has been answered.
void Client::on_stream(uint64_t stream, dns::BytesView bytes, QuicConnection::Last last) {
  StreamRequests::Request* const request = requests().find(stream);
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
  requests().finish(stream, End::Response);
}

void Client::on_reset(uint64_t stream, uint64_t code) {
  if (requests().find(stream))
    requests().finish(stream, End::Failure, "it has reset a stream: " + text_of_code(code));
}

}  // namespace

std::unique_ptr<RequestClient> make_doq_client(const OpenQuic& open, RequestClient::User& user) {
  return std::make_unique<Client>(open, user);
}

}  // namespace dnslet::io

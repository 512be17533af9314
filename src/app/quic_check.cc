// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/quic_check.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "app/encrypted_check.h"
#include "io/framing.h"
#include "io/loop.h"
#include "io/quic.h"
#include "io/socket.h"

namespace dnslet::app {
namespace {

// One question in the only stream of one connection.
class Exchange final : private io::QuicConnection::User {
 public:
  Exchange(const EncryptedListener& listener, const io::KeyHash& key, dns::BytesView query)
      : client_(io::QuicClient::make({.name = listener.endpoint.address.to_text(),
                                      .pins = {key},
                                      .protocol = "doq",
                                      .has_to_choose_it = true},
                                     {[](const io::TlsOpened&) {}, [](const std::string&) {}})),
        addresses_{io::SocketAddress(listener.endpoint)},
        timer_(loop_, [this] { loop_.stop(); }) {
    dns::Bytes message(query.begin(), query.end());
    std::fill_n(message.begin(), 2, uint8_t{0});  // RFC 9250 section 4.2.1: there is no ID
    io::LengthFraming().add_answer(0, message, framed_);
  }

  bool run(std::chrono::milliseconds patience) {
    timer_.start_once(patience);
    connection_ = client_->open({loop_, addresses_}, {}, *this);
    loop_.run();
    dns::Reader reader(received_);
    const dns::BytesView answer = reader.bytes(reader.u16());
    return reader.ok() && is_answer(answer, 0);
  }

 private:
  void on_open() override {
    const auto stream = connection_->open_stream(io::QuicConnection::Direction::Both);
    if (!stream || !connection_->write(*stream, framed_, io::QuicConnection::Last::Yes))
      return loop_.stop();
    connection_->flush();
  }
  void on_stream(uint64_t, dns::BytesView bytes, io::QuicConnection::Last last) override {
    received_.insert(received_.end(), bytes.begin(), bytes.end());
    if (last == io::QuicConnection::Last::Yes) loop_.stop();
  }
  void on_reset(uint64_t, uint64_t) override { loop_.stop(); }
  void on_turn() override {}
  void on_end(int, const std::string&) override { loop_.stop(); }

  dns::Bytes framed_;
  dns::Bytes received_;
  io::Loop loop_;
  std::unique_ptr<io::QuicClient> client_;
  std::vector<io::SocketAddress> addresses_;
  std::unique_ptr<io::QuicConnection> connection_;
  io::Timer timer_;
};

}  // namespace

bool answers_over_quic(const EncryptedListener& listener, const io::KeyHash& key,
                       dns::BytesView query, std::chrono::milliseconds patience) {
  return Exchange(listener, key, query).run(patience);
}

}  // namespace dnslet::app

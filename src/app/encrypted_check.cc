// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/encrypted_check.h"

#include <memory>
#include <string>

#include "dns/message.h"
#include "io/framing.h"
#include "io/http_request.h"
#include "io/loop.h"
#include "io/tcp_stream.h"

namespace dnslet::app {
namespace {

// One question over one connection.
class Exchange final : private io::Stream::User {
 public:
  Exchange(const EncryptedListener& listener, const io::KeyHash& key, dns::BytesView query)
      : listener_(listener),
        query_(query),
        client_(io::TlsClient::make({.name = listener.endpoint.address.to_text(), .pins = {key}},
                                    {[](const io::TlsOpened&) {}, [](const std::string&) {}})),
        timer_(loop_, [this] { loop_.stop(); }) {}

  bool run(std::chrono::milliseconds patience) {
    const io::OpenStream below = [this](io::Stream::User& user) {
      return std::make_unique<io::TcpStream>(
          loop_, std::vector{io::SocketAddress(listener_.endpoint)}, user);
    };
    timer_.start_once(patience);
    stream_ = client_->open(loop_, {below}, *this);
    loop_.run();
    return has_answer_;
  }

 private:
  bool is_https() const { return listener_.protocol == Protocol::Https; }

  void on_open() override {
    dns::Bytes request;
    if (is_https()) {
      const std::string head = "POST " + listener_.path +
                               " HTTP/1.1\r\nHost: " + listener_.endpoint.to_text() +
                               "\r\nContent-Type: application/dns-message\r\nContent-Length: " +
                               std::to_string(query_.size()) + "\r\n\r\n";
      request.assign(head.begin(), head.end());
      request.insert(request.end(), query_.begin(), query_.end());
    } else {
      io::LengthFraming().add_answer(0, query_, request);
    }
    stream_->write(request);
  }

  void on_bytes(dns::BytesView bytes) override {
    received_.append(bytes.begin(), bytes.end());
    constexpr std::size_t kLength = 2;  // bytes in front of a message
    const auto start = is_https() ? io::size_of_head(received_, 0) : kLength;
    if (!start || received_.size() < *start + 4) return;
    const std::string_view answer = std::string_view(received_).substr(*start);
    dns::Reader sent(query_);
    has_answer_ =
        is_answer({reinterpret_cast<const uint8_t*>(answer.data()), answer.size()}, sent.u16());
    loop_.stop();
  }

  void on_end(int) override { loop_.stop(); }

  const EncryptedListener& listener_;
  dns::BytesView query_;
  std::string received_;
  bool has_answer_ = false;
  io::Loop loop_;
  std::unique_ptr<io::TlsClient> client_;
  std::unique_ptr<io::Stream> stream_;
  io::Timer timer_;
};

}  // namespace

bool answers_encrypted(const EncryptedListener& listener, const io::KeyHash& key,
                       dns::BytesView query, std::chrono::milliseconds patience) {
  return Exchange(listener, key, query).run(patience);
}

bool is_answer(dns::BytesView bytes, uint16_t id) {
  dns::Reader reader(bytes);
  const bool same_id = reader.u16() == id;
  return same_id && (reader.u16() & dns::flag::kQr) != 0 && reader.ok();
}

}  // namespace dnslet::app

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A server over QUIC that answers as it likes: true answers, more or less than one on a stream,
// resets, plain garbage, ends. See stream_game.h and fake_quic.h.

#include "fake_quic.h"
#include "io/doq.h"
#include "stream_game.h"
#include "upstream/request_connection.h"

namespace {

using namespace dnslet;
using dns::Bytes, dns::BytesView;

class Game final : public fuzz::StreamGame {
 public:
  Game()
      : StreamGame([this](const upstream::Connection::Place& place, const io::OpenStream& open) {
          const auto quic = [&](io::QuicConnection::User& user) {
            return std::make_unique<fuzz::FakeQuic>(open, user);
          };
          const auto requests = [&](io::RequestClient::User& user) {
            return io::make_doq_client(quic, user);
          };
          return std::make_unique<upstream::RequestConnection>(place, requests, server_);
        }) {}

 private:
  // Any bytes; or pieces of streams, among them an answer to some question, perhaps in two.
  void speak(fuzz::FakeStream& peer, int what, fuzz::Input& input) override {
    if (what == 5) return peer.deliver(input.block(input.byte()));
    Bytes bytes;
    const int pieces = input.byte() % 4;
    for (int i = 0; i <= pieces; ++i) {
      const uint8_t kind = input.byte();
      Bytes body = input.block(kind & 0x40 ? input.byte() : 0);
      if (kind & 0x80) {
        body = test::Packet("a" + std::to_string(input.byte() % 4) + ".test", dns::Type::A)
                   .id(0)
                   .flags(0x8180)
                   .bytes();
        const auto size = static_cast<uint16_t>(body.size() + (kind & 0x20 ? input.byte() : 0));
        body.insert(body.begin(), {static_cast<uint8_t>(size >> 8), static_cast<uint8_t>(size)});
        const uint8_t change = input.byte();
        if (change < body.size()) body[change] ^= input.byte();
      }
      bytes.push_back(kind % 5);
      bytes.push_back(input.byte());
      test::append_u16(bytes, body.size());
      test::append(bytes, body);
    }
    peer.deliver(bytes);
  }
  uint16_t id_of(BytesView) const override { return 0; }

  upstream::RequestServer server_{
      .on_failure = [](const std::string& reason) { assert(!reason.empty()); }};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::play_all<Game>(data, size);
  return 0;
}

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A server over HTTP/3 that answers as it likes: true answers, frames with anything in them on any
// stream, resets, plain garbage, ends. See stream_game.h and fake_quic.h.

#include "fake_quic.h"
#include "io/http3.h"
#include "stream_game.h"
#include "upstream/request_connection.h"

namespace {

using namespace dnslet;
using dns::Bytes, dns::BytesView;

void append_frame(Bytes& out, uint8_t type, const Bytes& payload) {
  out.push_back(type);
  test::append_u16(out, 0x4000U | (payload.size() & 0x3fff));  // a length of two bytes
  test::append(out, payload);
}

class Game final : public fuzz::StreamGame {
 public:
  Game()
      : StreamGame([this](const upstream::Connection::Place& place, const io::OpenStream& open) {
          const auto quic = [&](io::QuicConnection::User& user) {
            return std::make_unique<fuzz::FakeQuic>(open, user);
          };
          const auto requests = [&](io::RequestClient::User& user) {
            return io::make_http3_client(server_.target, quic, user);
          };
          return std::make_unique<upstream::RequestConnection>(place, requests, server_);
        }) {}

 private:
  // Any bytes; or pieces of streams: settings, an answer to some question, any frame, anything.
  void speak(fuzz::FakeStream& peer, int what, fuzz::Input& input) override {
    if (what == 5) return peer.deliver(input.block(input.byte()));
    constexpr uint8_t kData = 0, kHeaders = 1, kSettings = 4, kControl = 3;
    Bytes bytes;
    const int pieces = input.byte() % 4;
    for (int i = 0; i <= pieces; ++i) {
      const uint8_t kind = input.byte();
      uint8_t stream = input.byte() % 64;
      Bytes frames;
      if (kind % 4 == 0) {
        stream = kControl;
        if (kind & 0x20) frames.push_back(0);  // the type of the stream
        append_frame(frames, kSettings, {});
      }
      if (kind % 4 == 1) {
        stream = stream / 4 * 4;
        append_frame(frames, kHeaders, {0, 0, 0xd9});  // 200
        append_frame(frames, kData, some_answer(input));
      }
      if (kind % 4 == 2) append_frame(frames, input.byte(), input.block(input.byte()));
      if (kind % 4 == 3) frames = input.block(input.byte());
      bytes.push_back(kind / 4 % 5);
      bytes.push_back(stream);
      test::append_u16(bytes, frames.size());
      test::append(bytes, frames);
    }
    peer.deliver(bytes);
  }
  uint16_t id_of(BytesView) const override { return 0; }

  upstream::RequestServer server_{
      .target = {"dns.test", "/dns-query", "application/dns-message"},
      .on_failure = [](const std::string& reason) { assert(!reason.empty()); }};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (io::has_http3()) fuzz::play_all<Game>(data, size);  // elsewhere servers over it are refused
  return 0;
}

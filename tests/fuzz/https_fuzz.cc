// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A server over HTTPS that answers as it likes: true answers, frames with anything in them, plain
// garbage, ends. See stream_game.h.

#include "io/http2.h"
#include "io/tls.h"
#include "stream_game.h"
#include "upstream/request_connection.h"

namespace {

using namespace dnslet;
using dns::Bytes, dns::BytesView;

struct FrameHead {
  uint8_t type = 0;
  uint8_t flags = 0;
  uint32_t stream = 0;
};

void append_frame(Bytes& out, const FrameHead& head, const Bytes& payload) {
  out.push_back(static_cast<uint8_t>(payload.size() >> 16));
  test::append_u16(out, payload.size() & 0xffff);
  out.push_back(head.type);
  out.push_back(head.flags);
  test::append_u16(out, head.stream >> 16);
  test::append_u16(out, head.stream & 0xffff);
  test::append(out, payload);
}

class Game final : public fuzz::StreamGame {
 public:
  Game()
      : StreamGame([this](const upstream::Connection::Place& place, const io::OpenStream& open) {
          const auto requests = [&](io::RequestClient::User& user) {
            return io::make_http2_client(server_.target, open, user);
          };
          return std::make_unique<upstream::RequestConnection>(place, requests, server_);
        }) {}

 private:
  // Any bytes, or frames of a server: its settings, an answer to some question, or anything.
  void speak(fuzz::FakeStream& peer, int what, fuzz::Input& input) override {
    if (what == 5) return peer.deliver(input.block(input.byte()));
    constexpr uint8_t kData = 0, kHeaders = 1, kSettings = 4;
    const uint8_t kind = input.byte();
    const uint32_t stream = 2U * (kind >> 4) + 1;
    Bytes bytes;
    if (kind % 4 == 0) append_frame(bytes, {.type = kSettings}, {});
    if (kind % 4 == 1) {
      append_frame(bytes, {.type = kHeaders, .flags = 4, .stream = stream}, {0x88});  // 200
      append_frame(bytes, {.type = kData, .flags = 1, .stream = stream}, some_answer(input));
    }
    if (kind % 4 > 1) {
      const FrameHead head = {input.byte(), input.byte(), kind % 4 == 2 ? stream : 0};
      append_frame(bytes, head, input.block(input.byte()));
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
  if (io::has_tls()) fuzz::play_all<Game>(data, size);  // the other variant has no HTTPS
  return 0;
}

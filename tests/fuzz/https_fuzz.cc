// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A server over HTTPS that answers as it likes: true answers, frames with anything in them, plain
// garbage, ends. Every question ends exactly once, or stays open until it is forgotten; an answer
// that is told is one to the question; what is held for bodies is bounded.

#include <algorithm>
#include <cassert>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dns/packet.h"
#include "input.h"
#include "io/tls.h"
#include "upstream/answers.h"
#include "upstream/https_connection.h"
#include "upstream/message_stream.h"

namespace {

using namespace dnslet;
using dns::Bytes, dns::BytesView;

// What a test plays the network with. It is connected when the server says so.
class FakeStream : public io::Stream {
 public:
  FakeStream(std::vector<FakeStream*>& all, User& user) : all_(all), user_(user) {
    all_.push_back(this);
  }
  ~FakeStream() override { std::erase(all_, this); }
  void write(BytesView bytes) override {
    assert(is_open && !bytes.empty());
    written += bytes.size();
  }
  std::size_t unsent() const override { return 0; }
  void finish() override {}

  // Each may destroy the stream.
  void open() {
    is_open = true;
    user_.on_open();
  }
  void deliver(BytesView bytes) { user_.on_bytes(bytes); }
  void end(int status) { user_.on_end(status); }

  bool is_open = false;
  std::size_t written = 0;

 private:
  std::vector<FakeStream*>& all_;
  User& user_;
};

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

class Game {
 public:
  Game() { stream_.use_addresses({io::SocketAddress()}); }
  ~Game() {
    while (!open_.empty()) forget(open_.begin()->first);
    assert(stream_.open() == 0);
  }

  void play(fuzz::Input& input) {
    const uint8_t what = input.byte();
    FakeStream* const peer = streams_.empty() ? nullptr : streams_[input.byte() % streams_.size()];
    switch (what % 8) {
      case 0:
        return ask(input.byte());
      case 1:
        if (!open_.empty()) forget(open_.begin()->first);
        return;
      case 2:
        if (!peer || peer->is_open) return;
        peer->open();
        return;
      case 3:
        if (peer) peer->end(what & 0x80 ? UV_ECONNRESET : UV_EOF);
        return;
      case 4:
        uv_run(loop_.get(), UV_RUN_NOWAIT);
        return;
      case 5:
        if (peer && peer->is_open) peer->deliver(input.block(input.byte()));
        return;
      default:
        if (peer && peer->is_open) speak(*peer, input);
    }
    assert(stream_.open() == open_.size());
  }

 private:
  void ask(uint8_t name) {
    const uint64_t token = ++last_token_;
    const Bytes query = test::Packet("a" + std::to_string(name % 4) + ".test", dns::Type::A)
                            .flags(0x0100)
                            .additional(test::opt())
                            .bytes();
    open_[token] = query;
    stream_.send(token, dns::QueryBytes(query));
  }
  void forget(uint64_t token) {
    open_.erase(token);
    stream_.forget(token);
  }
  // Frames of a server: its settings, an answer to some question, or anything.
  void speak(FakeStream& peer, fuzz::Input& input) {
    constexpr uint8_t kData = 0, kHeaders = 1, kSettings = 4;
    const uint8_t kind = input.byte();
    const uint32_t stream = 2U * (kind >> 4) + 1;
    Bytes bytes;
    if (kind % 4 == 0) append_frame(bytes, {.type = kSettings}, {});
    if (kind % 4 == 1) {
      Bytes body = test::Packet("a" + std::to_string(input.byte() % 4) + ".test", dns::Type::A)
                       .flags(0x8180)
                       .bytes();
      const uint8_t change = input.byte();
      if (change < body.size()) body[change] ^= input.byte();
      append_frame(bytes, {.type = kHeaders, .flags = 4, .stream = stream}, {0x88});  // 200
      append_frame(bytes, {.type = kData, .flags = 1, .stream = stream}, body);
    }
    if (kind % 4 > 1) {
      const FrameHead head = {input.byte(), input.byte(), kind % 4 == 2 ? stream : 0};
      append_frame(bytes, head, input.block(input.byte()));
    }
    peer.deliver(bytes);
  }
  void on_report(const upstream::Report& report) {
    const auto found = open_.find(report.token);
    assert(found != open_.end());  // once, and never after forget()
    const bool has_packet = report.outcome == upstream::Outcome::Answer ||
                            report.outcome == upstream::Outcome::Truncated;
    assert(has_packet != report.packet.empty());
    assert(report.pause.count() <= 60);
    if (has_packet) {
      Bytes query = found->second;
      std::fill_n(query.begin(), 2, uint8_t{0});
      assert(upstream::answers(report.packet, query));
    }
    open_.erase(found);
    if (report.token % 5 == 0) ask(1);
    if (report.token % 7 == 0) stream_.flush();
    if (report.token % 3 == 0 && !open_.empty()) forget(open_.begin()->first);
  }

  io::Loop loop_;
  upstream::Outbox outbox_{loop_};
  std::map<uint64_t, Bytes> open_;
  uint64_t last_token_ = 0;
  std::vector<FakeStream*> streams_;
  upstream::HttpsServer server_{
      .target = {"dns.test", "/dns-query", "application/dns-message"},
      .on_failure = [](const std::string& reason) { assert(!reason.empty()); }};
  upstream::MessageStream stream_{
      loop_,
      outbox_,
      {.is_only_server = true},
      [this](const upstream::Connection::Place& place, const std::vector<io::SocketAddress>&) {
        const auto open = [this](io::Stream::User& user) {
          return std::make_unique<FakeStream>(streams_, user);
        };
        return std::make_unique<upstream::HttpsConnection>(place, open, server_);
      },
      [this](const upstream::Report& report) { on_report(report); }};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (!io::has_tls()) return 0;  // the variant without HTTPS
  fuzz::Input input(data, size);
  Game game;
  for (int turn = 0; turn < 1000 && !input.empty(); ++turn) game.play(input);
  return 0;
}

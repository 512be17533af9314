// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A game with a MessageStream: questions come and go, connections open and end, servers say what a
// fuzzer's bytes have them say. Every question ends exactly once, or stays open until it is
// forgotten; an answer that is told is one to the question.

#include <algorithm>
#include <cassert>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dns/packet.h"
#include "input.h"
#include "upstream/answers.h"
#include "upstream/message_stream.h"

namespace dnslet::fuzz {

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
    written.insert(written.end(), bytes.begin(), bytes.end());
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
  Bytes written;
  std::vector<Bytes> questions;  // as the game takes them out of that, if it does

 private:
  std::vector<FakeStream*>& all_;
  User& user_;
};

class StreamGame {
 public:
  StreamGame(const StreamGame&) = delete;
  StreamGame& operator=(const StreamGame&) = delete;

  void play(Input& input) {
    const uint8_t what = input.byte();
    FakeStream* const peer = streams_.empty() ? nullptr : streams_[input.byte() % streams_.size()];
    switch (what % 8) {
      case 0:
        return ask(input.byte());
      case 1:
        if (!open_.empty()) forget(open_.begin()->first);
        return;
      case 2:
        if (peer && !peer->is_open) peer->open();
        return;
      case 3:
        if (peer) peer->end(what & 0x80 ? UV_ECONNRESET : UV_EOF);
        return;
      case 4:
        uv_run(loop_.get(), UV_RUN_NOWAIT);
        return;
      default:
        if (peer && peer->is_open) speak(*peer, what % 8, input);
    }
    assert(stream_.open() == open_.size());
  }

 protected:
  // How a connection is made over a stream.
  using Connect = std::function<std::unique_ptr<upstream::Connection>(
      const upstream::Connection::Place& place, const io::OpenStream& open)>;

  explicit StreamGame(Connect connect)
      : connect_(std::move(connect)),
        stream_(
            loop_, outbox_, {.is_only_server = true},
            [this](const upstream::Connection::Place& place,
                   const std::vector<io::SocketAddress>&) {
              return connect_(place, [this](io::Stream::User& user) {
                return std::make_unique<FakeStream>(streams_, user);
              });
            },
            [this](const upstream::Report& report) { on_report(report); }) {
    stream_.use_addresses({io::SocketAddress()});
  }
  ~StreamGame() {
    while (!open_.empty()) forget(open_.begin()->first);
    assert(stream_.open() == 0);
  }

  // An answer to some question, perhaps with one byte wrong.
  static Bytes some_answer(Input& input) {
    Bytes answer = test::Packet("a" + std::to_string(input.byte() % 4) + ".test", dns::Type::A)
                       .flags(0x8180)
                       .bytes();
    const uint8_t change = input.byte();
    if (change < answer.size()) answer[change] ^= input.byte();
    return answer;
  }
  // `kind`: 5, 6 or 7.
  virtual void speak(FakeStream& peer, int kind, Input& input) = 0;
  // The ID that the answer to a question has to have.
  virtual uint16_t id_of(BytesView answer) const = 0;

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
  void on_report(const upstream::Report& report) {
    const auto found = open_.find(report.token);
    assert(found != open_.end());  // once, and never after forget()
    const bool has_packet = report.outcome == upstream::Outcome::Answer ||
                            report.outcome == upstream::Outcome::Truncated;
    assert(has_packet != report.packet.empty());
    assert(report.pause.count() <= 60);
    if (has_packet) {
      Bytes query = found->second;
      dns::Writer(query).u16(id_of(report.packet));
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
  Connect connect_;
  upstream::MessageStream stream_;
};

template <typename Game>
void play_all(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Game game;
  for (int turn = 0; turn < 1000 && !input.empty(); ++turn) game.play(input);
}

}  // namespace dnslet::fuzz

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A server that answers questions over streams as it likes: true answers, forged ones, pieces of
// anything, ends. Every question ends exactly once, or stays open until it is forgotten; an answer
// that is told has the ID, the question and all bytes of one that was sent.

#include <algorithm>
#include <cassert>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dns/packet.h"
#include "input.h"
#include "upstream/answers.h"
#include "upstream/framed_connection.h"
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
    assert(is_open);
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

  // Questions that have come and have not been answered.
  std::vector<Bytes>& questions() {
    while (written.size() >= 2) {  // ends: every turn takes at least the two bytes of the length
      const std::size_t size = test::u16_at(written, 0);
      assert(written.size() >= 2 + size);
      const auto begin = written.begin() + 2;
      questions_.emplace_back(begin, begin + static_cast<long>(size));
      written.erase(written.begin(), begin + static_cast<long>(size));
    }
    return questions_;
  }

  bool is_open = false;
  Bytes written;

 private:
  std::vector<FakeStream*>& all_;
  User& user_;
  std::vector<Bytes> questions_;
};

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
        if (peer && !peer->is_open) peer->open();
        return;
      case 3:
        if (peer) peer->end(what & 0x80 ? UV_ECONNRESET : UV_EOF);
        return;
      case 4:
        uv_run(loop_.get(), UV_RUN_NOWAIT);
        return;
      default:
        if (peer && peer->is_open) answer(*peer, input);
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
  // An answer to a question that has come, changed somewhere or not, or any bytes.
  void answer(FakeStream& peer, fuzz::Input& input) {
    std::vector<Bytes>& questions = peer.questions();
    Bytes bytes;
    if (questions.empty()) {
      for (int left = input.byte() % 32; left > 0; --left) bytes.push_back(input.byte());
    } else {
      const auto chosen = questions.begin() + input.byte() % static_cast<long>(questions.size());
      test::append_u16(bytes, chosen->size());
      test::append(bytes, *chosen);
      bytes[4] |= 0x80;
      const uint8_t change = input.byte();
      if (change < bytes.size()) bytes[change] ^= input.byte();
      if (change > 200) bytes.resize(bytes.size() * change / 256);
      if (change % 2 != 0) questions.erase(chosen);
    }
    peer.deliver(bytes);
  }
  void on_report(const upstream::Report& report) {
    const auto found = open_.find(report.token);
    assert(found != open_.end());  // once, and never after forget()
    const bool has_packet = report.outcome == upstream::Outcome::Answer ||
                            report.outcome == upstream::Outcome::Truncated;
    assert(has_packet != report.packet.empty());
    if (has_packet) {
      Bytes query = found->second;
      std::copy_n(report.packet.begin(), 2, query.begin());
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
  upstream::RandomIds ids_;
  upstream::MessageStream stream_{
      loop_,
      outbox_,
      {.is_only_server = true},
      [this](const upstream::Connection::Place& place, const std::vector<io::SocketAddress>&) {
        const auto open = [this](io::Stream::User& user) {
          return std::make_unique<FakeStream>(streams_, user);
        };
        return std::make_unique<upstream::FramedConnection>(
            place, open, upstream::FramedConnection::Craft{ids_});
      },
      [this](const upstream::Report& report) { on_report(report); }};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  Game game;
  for (int turn = 0; turn < 1000 && !input.empty(); ++turn) game.play(input);
  return 0;
}

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A server that answers questions over streams as it likes: true answers, forged ones, pieces of
// anything, ends. See stream_game.h.

#include "stream_game.h"
#include "upstream/framed_connection.h"

namespace {

using namespace dnslet;
using dns::Bytes, dns::BytesView;

class Game final : public fuzz::StreamGame {
 public:
  Game()
      : StreamGame([this](const upstream::Connection::Place& place, const io::OpenStream& open) {
          return std::make_unique<upstream::FramedConnection>(
              place, open, upstream::FramedConnection::Craft{ids_});
        }) {}

 private:
  // Questions that have come and have not been answered.
  static std::vector<Bytes>& questions_of(fuzz::FakeStream& peer) {
    std::vector<Bytes>& questions = peer.questions;
    Bytes& written = peer.written;
    while (written.size() >= 2) {  // ends: every turn takes at least the two bytes of the length
      const std::size_t size = test::u16_at(written, 0);
      assert(written.size() >= 2 + size);
      const auto begin = written.begin() + 2;
      questions.emplace_back(begin, begin + static_cast<long>(size));
      written.erase(written.begin(), begin + static_cast<long>(size));
    }
    return questions;
  }
  // An answer to a question that has come, changed somewhere or not, or any bytes.
  void speak(fuzz::FakeStream& peer, int, fuzz::Input& input) override {
    std::vector<Bytes>& questions = questions_of(peer);
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
  // Whatever it is: it was drawn.
  uint16_t id_of(BytesView answer) const override { return dns::Reader(answer).u16(); }

  upstream::RandomIds ids_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::play_all<Game>(data, size);
  return 0;
}

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A connection of QUIC over a FakeStream of stream_game.h: what is delivered there are pieces, each
// a number (what happens: 0-2 bytes, 3 the last bytes, 4 a reset), the number of a stream, a length
// and so many bytes. All of them are one turn.

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "io/quic.h"
#include "io/stream.h"

namespace dnslet::fuzz {

class FakeQuic final : public io::QuicConnection, private io::Stream::User {
 public:
  static constexpr std::size_t kMost = 8;  // streams in both directions, at once

  FakeQuic(const io::OpenStream& open, io::QuicConnection::User& user)
      : user_(user), below_(open(*this)) {}

  std::optional<uint64_t> open_stream(Direction direction) override {
    if (direction == Direction::Both && streams_.size() >= kMost) return std::nullopt;
    const uint64_t number = direction == Direction::Both ? 4 * both_++ : 4 * out_++ + 2;
    if (direction == Direction::Both) streams_.insert(number);
    return number;
  }
  bool write(uint64_t, dns::BytesView bytes, Last) override { return !bytes.empty(); }
  void drop(uint64_t stream) override { streams_.erase(stream); }
  std::size_t streams_left() const override { return kMost - streams_.size(); }
  void flush() override {}
  bool has_unsent() const override { return false; }
  void abort(uint64_t) override {
    is_closed_ = true;
    streams_.clear();
  }
  bool is_path_dead(io::Milliseconds) const override { return false; }
  std::optional<io::Milliseconds> idle_limit() const override { return std::nullopt; }

 private:
  void on_open() override { user_.on_open(); }
  void on_end(int status) override { user_.on_end(status, {}); }
  void on_bytes(dns::BytesView bytes) override {
    dns::Reader reader(bytes);
    while (reader.remaining() > 0 && !is_closed_) {  // ends: every turn takes a byte
      const uint8_t what = reader.u8();
      const uint64_t stream = reader.u8();
      const uint16_t size = reader.u16();
      const dns::BytesView piece = reader.bytes(size);
      if (!reader.ok()) break;
      if (stream % 2 == 0 && !streams_.contains(stream)) continue;  // nothing comes on those
      if (what % 5 > 2) streams_.erase(stream);
      if (what % 5 == 4)
        user_.on_reset(stream, size);
      else
        user_.on_stream(stream, piece, what % 5 == 3 ? Last::Yes : Last::No);
    }
    user_.on_turn();  // may destroy it
  }

  io::QuicConnection::User& user_;
  std::set<uint64_t> streams_;
  uint64_t both_ = 0;
  uint64_t out_ = 0;
  bool is_closed_ = false;
  std::unique_ptr<io::Stream> below_;
};

}  // namespace dnslet::fuzz

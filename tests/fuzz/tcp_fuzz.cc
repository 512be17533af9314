// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A client's TCP connection that sends anything, in pieces of any size: every whole message in it
// is a question, in order, and every answer comes back whole; then the connection ends.

#include <sys/socket.h>

#include <array>
#include <cassert>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "input.h"
#include "io/tcp_client.h"
#include "io/tcp_stream.h"

namespace {

using namespace dnslet;
using dns::Bytes, dns::BytesView;

// What RFC 1035 section 4.2.2 makes of a stream; the rest of the bytes is no message.
std::vector<Bytes> messages_in(BytesView stream) {
  std::vector<Bytes> messages;
  while (stream.size() >= 2) {
    const std::size_t size = std::size_t{stream[0]} << 8 | stream[1];
    if (stream.size() - 2 < size) break;
    messages.emplace_back(stream.begin() + 2, stream.begin() + 2 + static_cast<long>(size));
    stream = stream.subspan(2 + size);
  }
  return messages;
}

// Both ends of a connection. The near one echoes what is not empty, at once or later.
class Conversation {
 public:
  explicit Conversation(bool is_late) : is_late_(is_late) {
    std::array<int, 2> ends{};
    const int status = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data());
    assert(status == 0);
    far_ = io::Descriptor(ends[1]);
    io::Handle<uv_tcp_t> handle(new uv_tcp_t);
    const int opened = uv_tcp_init(loop_.get(), handle.get()) | uv_tcp_open(handle.get(), ends[0]);
    assert(opened == 0);
    (void)status;
    (void)opened;
    client_.emplace(
        io::TcpPeer{1, {}, 0},
        [&handle](io::Stream::User& user) {
          return std::make_unique<io::TcpStream>(std::move(handle), user);
        },
        std::make_unique<io::LengthFraming>(), *buffers_, events_);
    client_->start();
  }

  void send(BytesView bytes) {
    while (!bytes.empty()) {  // ends: the near end reads, unless it has questions to answer
      const ssize_t sent = ::send(far_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (sent > 0) bytes = bytes.subspan(static_cast<std::size_t>(sent));
      turn();
    }
  }

  void finish() {
    shutdown(far_.get(), SHUT_WR);
    for (int turns = 0; client_ && turns < 100'000; ++turns) turn();
    assert(!client_);
    receive();
  }

  const std::vector<Bytes>& asked() const { return asked_; }
  const Bytes& echoed() const { return echoed_; }

 private:
  io::TcpOutcome on_question(BytesView packet, dns::MutableBytesView slot) {
    asked_.emplace_back(packet.begin(), packet.end());
    if (packet.empty()) return {};
    if (is_late_) {
      waiting_.push_back(asked_.back());
      return {0, true};
    }
    dns::copy_bytes(packet, slot);
    return {packet.size(), false};
  }

  void turn() {
    uv_run(loop_.get(), UV_RUN_NOWAIT);
    while (!waiting_.empty() && client_) {
      const Bytes answer = std::move(waiting_.front());
      waiting_.pop_front();
      client_->send(0, answer);
    }
    receive();
  }

  void receive() {
    std::array<uint8_t, 65536> chunk;
    ssize_t size = 0;
    while ((size = recv(far_.get(), chunk.data(), chunk.size(), MSG_DONTWAIT)) > 0)
      echoed_.insert(echoed_.end(), chunk.begin(), chunk.begin() + size);
  }

  bool is_late_;
  std::vector<Bytes> asked_;
  std::deque<Bytes> waiting_;
  Bytes echoed_;
  io::Loop loop_;
  std::unique_ptr<io::TcpBuffers> buffers_ = std::make_unique<io::TcpBuffers>();
  io::TcpClient::Events events_{
      [this](BytesView packet, const io::TcpPeer&, dns::MutableBytesView slot) {
        return on_question(packet, slot);
      },
      [](uint64_t) {}, [this](uint64_t) { client_.reset(); }};
  io::Descriptor far_;
  std::optional<io::TcpClient> client_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t steer = input.byte();
  const std::size_t piece = std::size_t{input.byte()} + 1;
  const Bytes stream = input.rest();

  Conversation conversation((steer & 1) != 0);
  for (std::size_t at = 0; at < stream.size(); at += piece)
    conversation.send(BytesView(stream).subspan(at, std::min(piece, stream.size() - at)));
  conversation.finish();

  std::vector<Bytes> expected = messages_in(stream);
  assert(conversation.asked() == expected);
  std::erase_if(expected, [](const Bytes& message) { return message.empty(); });
  assert(messages_in(conversation.echoed()) == expected);
  return 0;
}

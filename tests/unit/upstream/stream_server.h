// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A server of streams that a test plays, connection by connection, and a MessageStream to it.

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/tcp_stream.h"
#include "upstream/framed_connection.h"
#include "upstream/message_stream.h"
#include "upstream/network.h"

namespace dnslet::upstream {

using io::Milliseconds;
using test::answer_to, test::Bytes, test::query_for, test::run_turns, test::run_until;

inline const Endpoint kLoopback = {IpAddress::loopback(Family::V4), 0, ""};

// The server's end of a connection.
struct Peer {
  // All that has arrived so far, as messages.
  std::vector<Bytes> messages() {
    std::array<uint8_t, 65536> chunk;
    ssize_t size = 0;
    while ((size = recv(socket.get(), chunk.data(), chunk.size(), MSG_DONTWAIT)) > 0)
      incoming.insert(incoming.end(), chunk.begin(), chunk.begin() + size);
    is_over = size == 0 || (size < 0 && errno != EAGAIN);
    std::vector<Bytes> whole;
    while (incoming.size() >= 2 && incoming.size() >= 2U + test::u16_at(incoming, 0)) {
      const long end = 2 + test::u16_at(incoming, 0);
      whole.emplace_back(incoming.begin() + 2, incoming.begin() + end);
      incoming.erase(incoming.begin(), incoming.begin() + end);
    }
    return whole;
  }
  void send_raw(const Bytes& bytes) const {
    REQUIRE(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  void send(const Bytes& message) const {
    Bytes frame;
    test::append_u16(frame, message.size());
    test::append(frame, message);
    send_raw(frame);
  }
  void answer(const Bytes& question) const { send(answer_to(question)); }
  void close() { socket = io::Descriptor(); }
  void reset() {
    const linger now = {1, 0};
    REQUIRE(setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
    close();
  }
  bool ended() {
    (void)messages();
    return is_over;
  }

  io::Descriptor socket{};
  Bytes incoming{};
  bool is_over = false;
};

struct Server {
  explicit Server(const Endpoint& at = kLoopback)
      : socket(std::move(*io::bind_socket(at, io::SocketKind::Tcp))) {
    REQUIRE(listen(socket.get(), 64) == 0);
  }
  io::SocketAddress address() const { return io::SocketAddress(io::bound_endpoint(socket)); }
  bool has_connection() const { return test::is_readable(socket.get(), 0); }

  io::Descriptor socket;
};

// Counts what is written.
class CountingStream : public io::Stream {
 public:
  CountingStream(std::unique_ptr<io::Stream> stream, int& writes)
      : stream_(std::move(stream)), writes_(writes) {}
  void write(dns::BytesView bytes) override {
    ++writes_;
    stream_->write(bytes);
  }
  std::size_t unsent() const override { return stream_->unsent(); }
  void finish() override { stream_->finish(); }

 private:
  std::unique_ptr<io::Stream> stream_;
  int& writes_;
};

struct Fixture {
  explicit Fixture(const StreamSettings& settings = {}, bool has_address = true)
      : stream(loop, outbox, settings, dial(), reports.keep()) {
    if (has_address) stream.use_addresses({server.address()});
  }
  MessageStream::Dial dial() {
    return [this](const Connection::Place& place, const std::vector<io::SocketAddress>& addresses) {
      ++dialled;
      const auto open = [&](io::Stream::User& user) {
        return std::make_unique<CountingStream>(
            std::make_unique<io::TcpStream>(loop, addresses, user), writes);
      };
      return std::make_unique<FramedConnection>(place, open, FramedConnection::Craft{ids});
    };
  }
  void ask(uint64_t token) { stream.send(token, query_for("a" + std::to_string(token) + ".test")); }
  // Runs until a connection has come.
  Peer accept() { return accept_on(server); }
  Peer accept_on(const Server& where) {
    REQUIRE(run_until(loop, [&] { return where.has_connection(); }));
    return {io::Descriptor(accept4(where.socket.get(), nullptr, nullptr, SOCK_CLOEXEC))};
  }
  // Runs until so many messages have come.
  std::vector<Bytes> receive(Peer& peer, std::size_t count) {
    std::vector<Bytes> all;
    REQUIRE(run_until(loop, [&] {
      for (Bytes& message : peer.messages()) all.push_back(std::move(message));
      return all.size() >= count;
    }));
    CHECK(all.size() == count);
    return all;
  }
  bool has_reports(std::size_t count) {
    return run_until(loop, [&] { return reports.all.size() >= count; });
  }
  bool has_ended(Peer& peer) {
    return run_until(loop, [&] { return peer.ended(); });
  }
  // Asks, is answered: the connection is open.
  Peer accept_and_answer(uint64_t token) {
    ask(token);
    Peer peer = accept();
    peer.answer(receive(peer, 1)[0]);
    REQUIRE(run_until(loop, [&] { return reports.count(token, Outcome::Answer) == 1; }));
    return peer;
  }

  Server server;
  io::Loop loop;
  Outbox outbox{loop};
  RandomIds ids;
  test::Reports reports;
  int dialled = 0;
  int writes = 0;
  MessageStream stream;
};

}  // namespace dnslet::upstream

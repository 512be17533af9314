// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One client's TCP connection (RFC 7766): frames in and out, pipelining, limits.
//
// States of a connection:
//   open      reads questions; answers what it can at once, all of one read in one write
//   paused    does not read: too many questions are unanswered or too many answers unread
//   draining  the client has closed its side: waits for the last answers, then ends
// The owner decides when an idle one ends.

#include <array>
#include <cstdint>
#include <functional>

#include "dns/wire.h"
#include "io/loop.h"
#include "io/socket.h"
#include "io/tcp_stream.h"

namespace dnslet::io {

// What became of a question from TCP.
struct TcpOutcome {
  std::size_t size = 0;  // of the answer in the slot; 0: none now
  bool later = false;    // an answer will follow
  bool ends = false;     // none will: the connection closes when all else has been answered
};

// Who asks over TCP.
struct TcpPeer {
  uint64_t client;  // a number that is nobody else's
  IpAddress address;
  std::size_t listener;  // where the connection came in, as add() was told
};

// Scratch space that all clients of a loop share while one of them is being served.
struct TcpBuffers {
  std::array<uint8_t, dns::kMaxMessage> answer;
};

class TcpClient final : private Stream::User {
 public:
  static constexpr std::size_t kMaxUnread = 256U << 10;  // bytes of answers the client leaves lying
  static constexpr std::size_t kMaxUnanswered = 128;     // questions

  // Writes an answer into `slot` (65,535 bytes). The packet is valid during the call only.
  using OnQuestion = std::function<TcpOutcome(dns::BytesView packet, const TcpPeer& peer,
                                              dns::MutableBytesView slot)>;
  struct Events {
    OnQuestion on_question;
    std::function<void(uint64_t client)> on_activity;  // a whole question came or an answer left
    std::function<void(uint64_t client)> on_gone;      // may destroy the client at once
  };

  // `peer`: but for the address.
  TcpClient(const TcpPeer& peer, Handle<uv_tcp_t> connection, TcpBuffers& buffers,
            const Events& events);

  // Starts reading. May call back before it returns.
  void start();
  // The answer to a question that was to follow.
  void send(dns::BytesView answer);
  // There is none: see TcpOutcome::ends. May end the client.
  void drop();
  bool has_unanswered() const { return unanswered_ > 0; }

 private:
  void on_bytes(dns::BytesView bytes) override { consume(bytes); }
  void on_written() override;
  void on_end(int status) override;

  void consume(dns::BytesView bytes);
  std::size_t take_frames(dns::BytesView bytes);
  void queue(dns::BytesView answer);
  void flush();
  bool write();
  void pause_if_full();
  void end_soon();
  bool is_full() const;

  TcpPeer peer_;
  TcpBuffers& buffers_;
  const Events& events_;
  dns::Bytes partial_;   // bytes that are not a whole frame, or not read yet while paused
  dns::Bytes outgoing_;  // frames not handed to the stream yet
  std::size_t unanswered_ = 0;
  bool is_paused_ = false;
  bool is_draining_ = false;
  TcpStream stream_;
};

}  // namespace dnslet::io

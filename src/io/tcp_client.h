// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One client's connection over TCP (RFC 7766), TLS or HTTPS: questions in, answers out, pipelining,
// limits. How they lie in its bytes is a Framing's, what carries these a Stream's.
//
// States of a connection:
//   open      reads questions; answers what it can at once, all of one read in one write
//   paused    does not read: too many questions are unanswered or too many answers unread
//   draining  the client has closed its side: waits for the last answers, then ends
// The owner decides when an idle one ends.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>

#include "dns/wire.h"
#include "io/framing.h"
#include "io/socket.h"
#include "io/stream.h"

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
  uint64_t request = 0;  // which of the client's questions it is: the answer is given with it
};

// Scratch space that all clients of a loop share while one of them is being served.
struct TcpBuffers {
  std::array<uint8_t, dns::kMaxMessage> answer;
};

class TcpClient final : private Stream::User, private Framing::User {
 public:
  static constexpr std::size_t kMaxUnread = 256U << 10;  // bytes of answers the client leaves lying
  // Likewise, of answers that came late, which has to be seen to: whoever leaves more is ended.
  static constexpr std::size_t kMostUnread = 4 * kMaxUnread;
  // Bytes without a question in them: the longest question twice.
  static constexpr std::size_t kMaxBarren = 128U << 10;

  // Writes an answer into `slot` (65,535 bytes). The packet is valid during the call only.
  using OnQuestion = std::function<TcpOutcome(dns::BytesView packet, const TcpPeer& peer,
                                              dns::MutableBytesView slot)>;
  struct Events {
    OnQuestion on_question;
    std::function<void(uint64_t client)> on_activity;  // a whole question came or an answer left
    std::function<void(uint64_t client)> on_gone;      // may destroy the client at once
  };

  // `open` is called at once, for a stream that is accepted.
  TcpClient(const TcpPeer& peer, const OpenStream& open, std::unique_ptr<Framing> framing,
            TcpBuffers& buffers, const Events& events);
  ~TcpClient();
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;

  // Starts reading. May call back before it returns.
  void start() { stream_->start_reading(); }
  // The answer to a question that was to follow. May end the client.
  void send(uint64_t request, dns::BytesView answer);
  // There is none: see TcpOutcome::ends. May end the client.
  void drop(uint64_t request);
  bool has_unanswered() const { return unanswered_ > 0; }

 private:
  void on_open() override;
  void on_bytes(dns::BytesView bytes) override;
  void on_written() override;
  void on_end(int status) override;

  bool is_full() const override;
  void on_question(uint64_t request, dns::BytesView packet) override;
  void on_last() override;

  bool take_partial();
  void flush();
  bool write();
  void note_written();
  std::size_t unread() const;
  void pause_if_full();
  void end();

  TcpPeer peer_;
  TcpBuffers& buffers_;
  const Events& events_;
  std::unique_ptr<Framing> framing_;
  dns::Bytes partial_;   // bytes that are not a whole question, or not read yet while paused
  dns::Bytes outgoing_;  // not handed to the stream yet
  std::size_t barren_ = 0;
  std::size_t unanswered_ = 0;
  bool is_open_ = false;
  bool is_paused_ = false;
  bool is_draining_ = false;
  bool is_answering_ = false;  // an answer is among what is being written
  std::unique_ptr<Stream> stream_;
};

}  // namespace dnslet::io

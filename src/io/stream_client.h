// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One client's connection, whatever carries it, as io/tcp_listener keeps many of them: what becomes
// of its questions, and where their answers go.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/address.h"
#include "dns/wire.h"

namespace dnslet::io {

// What became of a question over a connection.
struct TcpOutcome {
  std::size_t size = 0;  // of the answer in the slot; 0: none now
  bool later = false;    // an answer will follow
  bool ends = false;     // none will: the connection closes when all else has been answered
};

// Who asks over a connection.
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

class StreamClient {
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

  virtual ~StreamClient() = default;

  // Starts reading. May call back before it returns.
  virtual void start() {}
  // The answer to a question that was to follow. May end the client.
  virtual void send(uint64_t request, dns::BytesView answer) = 0;
  // There is none: see TcpOutcome::ends. May end the client.
  virtual void drop(uint64_t request) = 0;
  virtual bool has_unanswered() const = 0;
  // Whether it has one of its own, which its end sets free.
  virtual bool has_descriptor() const { return true; }
};

// Makes a client; what it is given but for the peer outlives it.
using MakeClient = std::function<std::unique_ptr<StreamClient>(
    const TcpPeer& peer, TcpBuffers& buffers, const StreamClient::Events& events)>;

}  // namespace dnslet::io

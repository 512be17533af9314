// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One client's connection over QUIC (RFC 9250): a question in each of its streams, answered there
// in any order. For io/quic_server_*.cc only.
//
// States of a stream:
//   reading    its question is not whole
//   asked      the answer is not there
//   answering  the client has not acknowledged all of it
// The owner decides when an idle connection ends.

#include <openssl/ssl.h>

#include <cstdint>
#include <map>

#include "io/loop.h"
#include "io/stream_client.h"
#include "io/tls_certificates.h"

namespace dnslet::io {

// RFC 9250 section 4.3.
enum class DoqError : uint64_t {
  None = 0,
  Protocol = 2,
  ExcessiveLoad = 4,
  Unspecified = 5,
};

class DoqClient final : public StreamClient {
 public:
  // Whose it is; hears of it until detach().
  class Host {
   public:
    virtual bool is_sound(dns::BytesView packet) const = 0;
    virtual Milliseconds now() const = 0;
    // The handshake has come to its end.
    virtual void on_open(uint16_t path, const SSL* connection) = 0;
    // Has on_events() called soon, when what was written is sent.
    virtual void wake(uint16_t path) = 0;
    // It is gone. The connection is closed, which has to be sent yet.
    virtual void on_gone(uint16_t path, Owned<SSL> connection) = 0;

   protected:
    ~Host() = default;
  };
  // `path`: where the host has it.
  struct Start {
    Host& host;
    uint16_t path;
    Owned<SSL> connection;
  };

  DoqClient(Start start, const TcpPeer& peer, TcpBuffers& buffers, const Events& events);
  ~DoqClient() override;
  DoqClient(const DoqClient&) = delete;
  DoqClient& operator=(const DoqClient&) = delete;

  void send(uint64_t request, dns::BytesView answer) override;
  void drop(uint64_t request) override;
  bool has_unanswered() const override { return unanswered_ > 0; }
  bool has_descriptor() const override { return false; }

  // The host has a datagram for it.
  void on_datagram(std::size_t size) { excess_ += size; }
  // Something may have happened. May end it.
  void on_events();
  // Ends the connection, but not the object. REQUIRES: it is attached.
  void detach();

 private:
  enum class State { Reading, Asked, Answering };
  struct Stream {
    Owned<SSL> ssl;
    Milliseconds begun;
    State state = State::Reading;
    dns::Bytes bytes{};      // of the question; of the answer, what the library has not taken
    std::size_t unread = 0;  // of the answer, where the client may not have read it all
  };
  using Streams = std::map<uint64_t, Stream>;  // by their IDs
  // What becomes of a stream: it stays, it goes, or the connection does.
  enum class Fate { Stays, Goes, Breaks };

  bool is_closed() const;
  bool is_busy() const;
  bool serve();
  bool settle(Streams::iterator& stream, Fate fate);
  bool accept_all();
  bool is_protocol_kept() const;
  Fate advance(uint64_t id, Stream& stream);
  Fate read(uint64_t id, Stream& stream);
  Fate ask(uint64_t id, Stream& stream);
  Fate give(Stream& stream, dns::BytesView answer);
  Fate write(Stream& stream);
  void forget(Stream& stream);
  void reset(Stream& stream, DoqError error);
  bool has_too_much();
  void close(DoqError error);

  Host* host_;  // null: detached
  uint16_t path_;
  TcpPeer peer_;
  TcpBuffers& buffers_;
  const Events& events_;
  Streams streams_;
  std::size_t unanswered_ = 0;
  std::size_t unread_ = 0;  // bytes of answers
  std::size_t excess_ = 0;  // bytes that have come beside whole questions, while some are not whole
  bool is_open_ = false;
  bool is_draining_ = false;
  DoqError error_ = DoqError::None;  // why it ends
  Owned<SSL> connection_;            // behind its streams, which go first
};

}  // namespace dnslet::io

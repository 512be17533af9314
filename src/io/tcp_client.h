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

#include <cstdint>
#include <memory>

#include "dns/wire.h"
#include "io/framing.h"
#include "io/stream.h"
#include "io/stream_client.h"

namespace dnslet::io {

class TcpClient final : public StreamClient, private Stream::User, private Framing::User {
 public:
  // `open` is called at once, for a stream that is accepted.
  TcpClient(const TcpPeer& peer, const OpenStream& open, std::unique_ptr<Framing> framing,
            TcpBuffers& buffers, const Events& events);
  ~TcpClient() override;
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;

  void start() override { stream_->start_reading(); }
  void send(uint64_t request, dns::BytesView answer) override;
  void drop(uint64_t request) override;
  bool has_unanswered() const override { return unanswered_ > 0; }

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

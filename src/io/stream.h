// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Bytes out and bytes in over a connection, whatever carries them: plain TCP (io/tcp_stream), or
// what is wrapped around it. Knows no protocol.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "dns/wire.h"

namespace dnslet::io {

class Stream {
 public:
  static constexpr std::chrono::milliseconds kPathDead{300};

  // Who hears what happens. No function is called from inside one of the stream; each may destroy
  // the stream.
  class User {
   public:
    // It is connected: what is written from now on is sent.
    virtual void on_open() {}
    // Valid during the call only.
    virtual void on_bytes(dns::BytesView bytes) = 0;
    // Everything has been written that had to wait.
    virtual void on_written() {}
    // Nothing more will be read. UV_EOF: the other side has closed its own, what is written is
    // still sent (and a failure of that is told by a second call). Otherwise an error of libuv's:
    // it could not be opened, or is broken.
    virtual void on_end(int status) = 0;

   protected:
    ~User() = default;
  };

  virtual ~Stream() = default;  // closes it; nobody hears of it any more

  // Sends the bytes now; what the system does not take at once is copied and follows. A failure is
  // told by on_end(), behind what has arrived. REQUIRES: it is open.
  virtual void write(dns::BytesView bytes) = 0;
  // Closes our side once everything is written; reading goes on. REQUIRES: as above.
  virtual void finish() = 0;
  // Whether the system knows that the path is dead: what was written so long `ago` is not
  // acknowledged, and nothing has come back since then, for kPathDead at least or three round
  // trips, whichever is longer. REQUIRES: as above.
  virtual bool is_path_dead(std::chrono::milliseconds /*ago*/) const { return false; }
  // Bytes that the system has not taken yet.
  virtual std::size_t unsent() const = 0;

  // Of accepted connections, which are read only when that is asked for; what had been taken from
  // the system before it is to stop is still handed on. Others read once they are open.
  virtual void start_reading() {}
  virtual void stop_reading() {}
  // What both sides have agreed to speak (RFC 7301); empty: nothing, or nobody has asked.
  virtual std::string_view protocol() const { return {}; }
};

// Opens a stream whose events go to the user: plain TCP, TLS. nullptr is no answer: failures are
// told by on_end().
using OpenStream = std::function<std::unique_ptr<Stream>(Stream::User& user)>;

// For a buffer that is used again and again: a large one gives back its memory.
inline void empty_buffer(dns::Bytes& buffer) {
  constexpr std::size_t kKept = 65536;
  buffer.clear();
  if (buffer.capacity() > kKept) buffer = dns::Bytes();
}

}  // namespace dnslet::io

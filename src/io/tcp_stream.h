// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A TCP connection, accepted or opened: the one home of what libuv wants for it (requests that own
// their bytes, callbacks that find no owner once it is gone).

#include <cstdint>
#include <optional>
#include <vector>

#include "io/loop.h"
#include "io/socket.h"
#include "io/stream.h"

namespace dnslet::io {

class TcpStream : public Stream {
 public:
  // RFC 8305 section 5: how long an address has before the next one is tried beside it.
  static constexpr Milliseconds kNextAddress{250};
  // Written and not acknowledged for so long: the path is dead, and the connection with it.
  static constexpr Milliseconds kUnacknowledged{800};

  // Takes over an accepted connection, which is open. Reads when start_reading() is called.
  TcpStream(Handle<uv_tcp_t> connection, User& user);
  // Bytes that have gone through connections.
  struct Traffic {
    uint64_t sent = 0;
    uint64_t received = 0;
  };
  // Connects to the first of the addresses that takes it, in their order, and reads. `user` hears
  // of it later, also where it fails at once. What passes is added to `traffic`, if any, which must
  // outlive it. REQUIRES: at least one address.
  TcpStream(Loop& loop, std::vector<SocketAddress> addresses, User& user,
            Traffic* traffic = nullptr);
  ~TcpStream() override;
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;

  void write(dns::BytesView bytes) override;
  void finish() override;
  bool is_path_dead(Milliseconds ago) const override;
  std::size_t unsent() const override;

  void start_reading() override;
  void stop_reading() override;

 private:
  struct Write;
  static constexpr int kMostAtOnce = 65536;  // bytes that are read

  void try_next();
  int try_address(const SocketAddress& address);
  void on_connected(uv_tcp_t* tried, int status);
  void on_time();
  void on_read(ssize_t count, const char* bytes);
  void on_written(int status);
  uv_stream_t* stream() const { return reinterpret_cast<uv_stream_t*>(handle_.get()); }

  User& user_;
  Loop* loop_ = nullptr;        // of one that connects
  Traffic* traffic_ = nullptr;  // likewise
  std::vector<SocketAddress> addresses_;
  std::size_t tried_ = 0;  // of them
  int failed_ = 0;         // why the last one did not work
  std::vector<Handle<uv_tcp_t>> trying_;
  std::optional<Timer> timer_;  // while it connects
  bool is_reading_ = false;
  bool has_filled_ = false;  // by the read before: there may be more
  // Segments that had been sent again when all was last known to be acknowledged.
  mutable uint32_t sent_again_ = 0;
  Handle<uv_tcp_t> handle_;  // once it is open
};

}  // namespace dnslet::io

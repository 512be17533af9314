// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A connection to a Unix socket (unix(7)).

#include <memory>
#include <optional>
#include <string>

#include "io/loop.h"
#include "io/stream.h"
#include "io/tcp_stream.h"

namespace dnslet::io {

class UnixStream final : public Stream {
 public:
  // Connects; `user` hears of it in a later turn. REQUIRES: the path has at most 107 bytes.
  UnixStream(Loop& loop, const std::string& path, User& user);

  void write(dns::BytesView bytes) override { stream_->write(bytes); }
  void finish() override { stream_->finish(); }
  std::size_t unsent() const override { return stream_ ? stream_->unsent() : 0; }

 private:
  void connect(const std::string& path);
  void tell();

  Loop& loop_;
  User& user_;
  int failed_ = 0;                   // an error of libuv's
  std::optional<TcpStream> stream_;  // libuv moves the bytes of both kinds alike
  Timer timer_;
};

}  // namespace dnslet::io

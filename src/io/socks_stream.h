// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A connection through a SOCKS5 proxy: open when the proxy has connected to the other side.

#include <functional>
#include <memory>
#include <string>

#include "io/socks5.h"
#include "io/stream.h"

namespace dnslet::io {

class SocksStream final : public Stream, private Stream::User {
 public:
  // Why the proxy could not be used, in words; may not call back.
  using OnFailure = std::function<void(const std::string& reason)>;
  struct Proxy {
    const Socks5Request& request;  // must outlive the stream, as must the other
    const OnFailure& on_failure;
  };

  // `open` opens the stream to the proxy.
  SocksStream(const Proxy& proxy, const OpenStream& open, Stream::User& user);
  ~SocksStream() override;
  SocksStream(const SocksStream&) = delete;
  SocksStream& operator=(const SocksStream&) = delete;

  void write(dns::BytesView bytes) override { stream_->write(bytes); }
  std::size_t unsent() const override { return stream_->unsent(); }
  void finish() override { stream_->finish(); }
  bool is_path_dead(std::chrono::milliseconds ago) const override {
    return stream_->is_path_dead(ago);
  }

 private:
  void on_open() override;
  void on_bytes(dns::BytesView bytes) override;
  void on_written() override;
  void on_end(int status) override;

  bool shake_hands(dns::BytesView& bytes);
  void fail(const std::string& reason, int status);

  Proxy proxy_;
  Stream::User& user_;
  Socks5Handshake handshake_;
  dns::Bytes incoming_;  // the beginning of a reply
  bool is_connected_ = false;
  bool is_open_ = false;
  bool has_failed_ = false;
  bool has_passed_ = false;  // a byte of the other side
  bool* is_gone_ = nullptr;  // while the user is called, who may destroy this
  std::unique_ptr<Stream> stream_;
};

}  // namespace dnslet::io

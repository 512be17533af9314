// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Both sides of io/tls and their streams, by OpenSSL 3. Streams read from and write to memory: what
// has arrived is handed to the library, what it wants sent goes out in one write. For io/tls_*.cc
// only.

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/tls.h"
#include "io/tls_certificates.h"
#include "io/tls_handshakes.h"

namespace dnslet::io {

class TlsStream;

class TlsIdentity;
// What it is made of.
SSL_CTX* context_of(const TlsIdentity& identity);

// Whose streams they are.
class TlsSide {
 public:
  // A handshake has come to its end.
  virtual void on_open(const TlsStream& stream) = 0;
  virtual void on_failure(const std::string& reason) = 0;
  // The protocol that has to have been agreed on; empty: any, or none.
  virtual std::string_view needed_protocol() const { return {}; }

 protected:
  ~TlsSide() = default;
};

class OpensslClient final : public TlsClient, public TlsSide {
 public:
  OpensslClient(const TlsPeer& peer, const TlsEvents& events);

  void use_roots(std::shared_ptr<const TlsRoots> roots) override;
  std::unique_ptr<Stream> open(Loop& loop, const Below& below, Stream::User& user) override;
  const TlsCounts& counts() const override { return handshakes_.counts(); }

 private:
  void on_open(const TlsStream& stream) override;
  void on_failure(const std::string& reason) override { handshakes_.on_failure(reason); }
  std::string_view needed_protocol() const override;

  TlsHandshakes handshakes_;
};

class TlsStream final : public Stream, private Stream::User {
 public:
  // What it begins with.
  struct Start {
    Owned<SSL> ssl;  // knows which side of the handshake is its own
    Handshake handshake{};
  };
  TlsStream(TlsSide& side, Start start, const OpenStream& below, Stream::User& user);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  void write(dns::BytesView bytes) override;
  std::size_t unsent() const override { return below_->unsent(); }
  void finish() override { below_->finish(); }
  bool is_path_dead(Milliseconds ago) const override { return below_->is_path_dead(ago); }

  void start_reading() override;
  void stop_reading() override { below_->stop_reading(); }
  std::string_view protocol() const override;

  TlsSide& side() const { return side_; }
  const SSL* ssl() const { return ssl_.get(); }
  const Handshake& handshake() const { return handshake_; }

 private:
  static int read_memory(BIO* bio, char* out, int size);
  static int write_memory(BIO* bio, const char* bytes, int size);
  static const BIO_METHOD* method();

  void on_open() override;
  void on_bytes(dns::BytesView bytes) override;
  void on_written() override;
  void on_end(int status) override;

  bool shake_hands();
  void read();
  void send();
  bool encrypt(dns::BytesView bytes);
  void write_waiting();
  void fail(const std::string& reason);

  TlsSide& side_;
  Stream::User& user_;
  Handshake handshake_;
  dns::BytesView incoming_;  // of the read under way
  dns::Bytes outgoing_;
  dns::Bytes waiting_;      // clear, until what the other side has begun to say is all there
  std::size_t barren_ = 0;  // bytes that have arrived since there was data in some
  bool is_connected_ = false;
  bool is_open_ = false;
  bool has_failed_ = false;
  bool* is_gone_ = nullptr;  // while somebody is called who may destroy it
  Owned<SSL> ssl_;
  std::unique_ptr<Stream> below_;
};

TlsStream& stream_of(const SSL* ssl);

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A client's handshakes with one server, by OpenSSL 3, whatever is below them: whom to expect,
// sessions that are resumed, what came of them. For io/tls_*.cc and io/quic_*.cc only.

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "io/tls.h"
#include "io/tls_certificates.h"

namespace dnslet::io {

using Clock = std::chrono::steady_clock;

// What only fails for want of memory, and must not: a check would be left out.
void require(bool is_done);

// What a connection knows of its handshake.
struct Handshake {
  std::shared_ptr<const TlsRoots> roots{};  // that count for it; null: none do
  Clock::time_point verified{};             // when a certificate has been looked at
  Clock::time_point connected{};            // when the connection was there
  std::string refusal{};                    // of its certificate
};

class TlsHandshakes {
 public:
  TlsHandshakes(const SSL_METHOD* method, const TlsPeer& peer, const TlsEvents& events);

  void use_roots(std::shared_ptr<const TlsRoots> roots);
  // What a connection speaks by. Resumes a session where there is one.
  Owned<SSL> make_ssl(Handshake& handshake);
  // REQUIRES: before the handshake begins. `handshake` must stay where it is until it ends.
  static void begin(SSL* ssl, Handshake& handshake);
  // `version`: of what is spoken now.
  void on_open(const SSL* ssl, const Handshake& handshake, const std::string& version);
  void on_failure(const std::string& reason);
  // So many addresses have all failed just now: who shows a bad certificate would have one
  // handshake for each question.
  bool is_pausing(std::size_t addresses) const;

  SSL_CTX* context() const { return context_.get(); }
  const TlsPeer& peer() const { return peer_; }
  const TlsCounts& counts() const { return counts_; }

 private:
  // A session, and when the certificate was looked at by which it began.
  struct Session {
    Owned<SSL_SESSION> session;
    Clock::time_point verified;
  };
  static int verify(X509_STORE_CTX* context, void* handshakes);
  static int on_session(SSL* ssl, SSL_SESSION* session);
  void keep(SSL_SESSION* session, const Handshake& handshake);
  void expect(SSL* ssl) const;

  TlsPeer peer_;
  TlsEvents events_;
  std::shared_ptr<const TlsRoots> roots_;
  TlsCounts counts_;
  std::vector<Session> sessions_;  // the newest one last
  std::size_t failures_ = 0;       // handshakes in a row
  Clock::time_point failed_;       // the last of them
  Owned<SSL_CTX> context_;
};

}  // namespace dnslet::io

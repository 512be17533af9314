// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/tls_handshakes.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/address.h"

namespace dnslet::io {
namespace {

constexpr std::size_t kMaxSessions = 4;
constexpr std::chrono::hours kResumedFor{1};
constexpr std::chrono::milliseconds kPause{250};  // after more failures than addresses

// Under which a connection of the library's has its handshake.
int handshake_index() {
  static const int kIndex = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

Handshake& handshake_of(const SSL* ssl) {
  return *static_cast<Handshake*>(SSL_get_ex_data(ssl, handshake_index()));
}

}  // namespace

void require(bool is_done) {
  if (!is_done) std::abort();
}

TlsHandshakes::TlsHandshakes(const SSL_METHOD* method, const TlsPeer& peer, const TlsEvents& events)
    : peer_(peer), events_(events), context_(SSL_CTX_new(method)) {
  SSL_CTX* const context = context_.get();
  require(context != nullptr);
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify, this);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_session);
  if (peer.protocol.empty()) return;
  dns::Bytes protocols{static_cast<uint8_t>(peer.protocol.size())};
  protocols.insert(protocols.end(), peer.protocol.begin(), peer.protocol.end());
  SSL_CTX_set_alpn_protos(context, protocols.data(), static_cast<unsigned>(protocols.size()));
}

void TlsHandshakes::use_roots(std::shared_ptr<const TlsRoots> roots) {
  roots_ = std::move(roots);
  sessions_.clear();
}

bool TlsHandshakes::is_pausing(std::size_t addresses) const {
  return failures_ > addresses && Clock::now() - failed_ < kPause;
}

void TlsHandshakes::begin(SSL* ssl, Handshake& handshake) {
  require(SSL_set_ex_data(ssl, handshake_index(), &handshake) == 1);
}

Owned<SSL> TlsHandshakes::make_ssl(Handshake& handshake) {
  handshake.roots = roots_;
  Owned<SSL> ssl(SSL_new(context_.get()));
  require(ssl != nullptr);
  SSL_set_connect_state(ssl.get());
  expect(ssl.get());
  std::erase_if(sessions_, [](const Session& session) {
    return Clock::now() - session.verified > kResumedFor;
  });
  if (sessions_.empty()) return ssl;
  const Session session = std::move(sessions_.back());
  sessions_.pop_back();
  if (SSL_set_session(ssl.get(), session.session.get()) == 1) handshake.verified = session.verified;
  return ssl;
}

// Names are those of the certificate's subjectAltName alone (RFC 8310 section 8.1).
void TlsHandshakes::expect(SSL* ssl) const {
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(
      parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  // Whom --tls-ca names is trusted, whoever has signed for it.
  require(X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN) == 1);
  if (IpAddress::from_text(peer_.name)) {
    require(X509_VERIFY_PARAM_set1_ip_asc(parameters, peer_.name.c_str()) == 1);
  } else {
    require(SSL_set1_host(ssl, peer_.name.c_str()) == 1);
    require(SSL_set_tlsext_host_name(ssl, peer_.name.c_str()) == 1);
  }
  if (roots_) require(SSL_set1_verify_cert_store(ssl, roots_->store()) == 1);
}

// 1: the certificate holds.
int TlsHandshakes::verify(X509_STORE_CTX* context, void* handshakes) {
  const auto& self = *static_cast<TlsHandshakes*>(handshakes);
  const auto* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  Handshake& handshake = handshake_of(ssl);
  const X509* const certificate = X509_STORE_CTX_get0_cert(context);
  if (!self.peer_.pins.empty() && certificate) {
    const KeyHash hash = key_hash(certificate);
    if (std::ranges::find(self.peer_.pins, hash) != self.peer_.pins.end()) {
      X509_STORE_CTX_set_error(context, X509_V_OK);
      handshake.verified = Clock::now();
      return 1;
    }
    handshake.refusal = "its key is none of --tls-pin (DNSMASQ_TLS_PIN): " + to_base64(hash);
    X509_STORE_CTX_set_error(context, X509_V_ERR_CERT_UNTRUSTED);
    return 0;
  }
  if (!handshake.roots) {
    handshake.refusal =
        "no root certificates are known; name a file with --tls-ca (DNSMASQ_TLS_CA)";
    X509_STORE_CTX_set_error(context, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT);
    return 0;
  }
  if (X509_verify_cert(context) == 1) {
    handshake.verified = Clock::now();
    return 1;
  }
  handshake.refusal = reason_of(context, self.peer_.name);
  return 0;
}

void TlsHandshakes::keep(SSL_SESSION* session, const Handshake& handshake) {
  if (sessions_.size() == kMaxSessions) sessions_.erase(sessions_.begin());
  sessions_.push_back({Owned<SSL_SESSION>(session), handshake.verified});
}

// A copy is kept: the library takes its own out of use when a connection ends without a word of
// ours. 0: the session stays the library's.
int TlsHandshakes::on_session(SSL* ssl, SSL_SESSION* session) {
  const Handshake& handshake = handshake_of(ssl);
  auto& self = *static_cast<TlsHandshakes*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (handshake.roots != self.roots_ || !SSL_SESSION_is_resumable(session)) return 0;
  if (SSL_SESSION* const copy = SSL_SESSION_dup(session)) self.keep(copy, handshake);
  return 0;
}

// With TLS 1.2 a session may be resumed many times, and brings no new one; with 1.3 once (RFC 8446
// appendix C.4).
void TlsHandshakes::on_open(const SSL* ssl, const Handshake& handshake,
                            const std::string& version) {
  const bool is_resumed = SSL_session_reused(ssl) == 1;
  ++(is_resumed ? counts_.resumed : counts_.full);
  failures_ = 0;
  if (!is_resumed && peer_.pins.empty()) counts_.end = end_of(SSL_get0_peer_certificate(ssl));
  events_.on_open({version, is_resumed, Clock::now() - handshake.connected, counts_.end});
  const bool is_current = handshake.roots == roots_;
  if (!is_resumed || !is_current || SSL_version(ssl) != TLS1_2_VERSION || !sessions_.empty())
    return;
  SSL_SESSION* const session = SSL_get0_session(ssl);
  SSL_SESSION_up_ref(session);
  keep(session, handshake);
}

void TlsHandshakes::on_failure(const std::string& reason) {
  ++counts_.failed;
  ++failures_;
  failed_ = Clock::now();
  events_.on_failure(reason);
}

}  // namespace dnslet::io

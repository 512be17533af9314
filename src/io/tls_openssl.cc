// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// io/tls by OpenSSL 3. Its connections read from and write to memory: what has arrived is handed to
// it, what it wants sent goes out in one write.

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <utility>

#include "io/tcp_stream.h"
#include "io/tls.h"
#include "io/tls_certificates.h"

namespace dnslet::io {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxSessions = 4;
constexpr std::chrono::hours kResumedFor{1};

std::string last_error() {
  const unsigned long error = ERR_peek_last_error();
  const char* const reason = error ? ERR_reason_error_string(error) : nullptr;
  return reason ? reason : "the connection ended";
}

class TlsStream;

class OpensslClient final : public TlsClient {
 public:
  OpensslClient(const TlsPeer& peer, const Events& events);

  void use_roots(std::shared_ptr<const TlsRoots> roots) override;
  std::unique_ptr<Stream> open(Loop& loop, std::vector<SocketAddress> addresses,
                               Stream::User& user) override;
  const TlsCounts& counts() const override { return counts_; }

  // A connection of its own, by nobody as yet.
  Owned<SSL> make_ssl();
  // `began`: when the connection was there.
  void on_open(const SSL* ssl, Clock::time_point began);
  void on_failure(const std::string& reason);
  const std::shared_ptr<const TlsRoots>& roots() const { return roots_; }

 private:
  static int verify(X509_STORE_CTX* context, void* client);
  static int on_session(SSL* ssl, SSL_SESSION* session);

  void expect(SSL* ssl) const;

  TlsPeer peer_;
  Events events_;
  std::shared_ptr<const TlsRoots> roots_;
  TlsCounts counts_;
  std::vector<Owned<SSL_SESSION>> sessions_;  // the newest one last
  Clock::time_point verified_;                // the last time that a certificate was
  Owned<SSL_CTX> context_;
};

class TlsStream final : public Stream, private Stream::User {
 public:
  TlsStream(OpensslClient& client, Loop& loop, std::vector<SocketAddress> addresses,
            Stream::User& user);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  void write(dns::BytesView bytes) override;
  std::size_t unsent() const override { return tcp_.unsent(); }

  const std::shared_ptr<const TlsRoots>& roots() const { return roots_; }
  void note_refusal(std::string reason) { refusal_ = std::move(reason); }

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
  void fail();

  OpensslClient& client_;
  Stream::User& user_;
  std::shared_ptr<const TlsRoots> roots_;  // those that count for it
  dns::BytesView incoming_;                // of the read under way
  dns::Bytes outgoing_;
  std::string refusal_;  // of its certificate
  bool is_connected_ = false;
  Clock::time_point began_;
  bool is_open_ = false;
  bool* is_gone_ = nullptr;  // while somebody is called who may destroy it
  Owned<SSL> ssl_;
  TcpStream tcp_;
};

TlsStream& stream_of(const SSL* ssl) { return *static_cast<TlsStream*>(SSL_get_app_data(ssl)); }

OpensslClient::OpensslClient(const TlsPeer& peer, const Events& events)
    : peer_(peer), events_(events), context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify, this);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_session);
  dns::Bytes protocols{static_cast<uint8_t>(peer.protocol.size())};
  protocols.insert(protocols.end(), peer.protocol.begin(), peer.protocol.end());
  SSL_CTX_set_alpn_protos(context, protocols.data(), static_cast<unsigned>(protocols.size()));
}

void OpensslClient::use_roots(std::shared_ptr<const TlsRoots> roots) {
  roots_ = std::move(roots);
  sessions_.clear();
}

std::unique_ptr<Stream> OpensslClient::open(Loop& loop, std::vector<SocketAddress> addresses,
                                            Stream::User& user) {
  return std::make_unique<TlsStream>(*this, loop, std::move(addresses), user);
}

Owned<SSL> OpensslClient::make_ssl() {
  Owned<SSL> ssl(SSL_new(context_.get()));
  SSL_set_connect_state(ssl.get());
  expect(ssl.get());
  if (Clock::now() - verified_ > kResumedFor) sessions_.clear();
  if (sessions_.empty()) return ssl;
  const Owned<SSL_SESSION> session = std::move(sessions_.back());
  sessions_.pop_back();
  SSL_set_session(ssl.get(), session.get());
  return ssl;
}

void OpensslClient::expect(SSL* ssl) const {
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (IpAddress::from_text(peer_.name)) {
    X509_VERIFY_PARAM_set1_ip_asc(parameters, peer_.name.c_str());
  } else {
    SSL_set1_host(ssl, peer_.name.c_str());
    SSL_set_tlsext_host_name(ssl, peer_.name.c_str());
  }
  if (roots_) SSL_set1_verify_cert_store(ssl, roots_->store());
}

// 1: the certificate holds.
int OpensslClient::verify(X509_STORE_CTX* context, void* client) {
  const auto& self = *static_cast<OpensslClient*>(client);
  const auto* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsStream& stream = stream_of(ssl);
  const X509* const certificate = X509_STORE_CTX_get0_cert(context);
  if (!self.peer_.pins.empty() && certificate) {
    const KeyHash hash = key_hash(certificate);
    if (std::ranges::find(self.peer_.pins, hash) != self.peer_.pins.end()) {
      X509_STORE_CTX_set_error(context, X509_V_OK);
      return 1;
    }
    stream.note_refusal("its key is none of --tls-pin (DNSMASQ_TLS_PIN): " + to_base64(hash));
    X509_STORE_CTX_set_error(context, X509_V_ERR_CERT_UNTRUSTED);
    return 0;
  }
  if (!stream.roots()) {
    stream.note_refusal(
        "no root certificates are known; name a file with --tls-ca (DNSMASQ_TLS_CA)");
    X509_STORE_CTX_set_error(context, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT);
    return 0;
  }
  if (X509_verify_cert(context) == 1) return 1;
  stream.note_refusal(reason_of(context, self.peer_.name));
  return 0;
}

// 1: the session belongs to us.
int OpensslClient::on_session(SSL* ssl, SSL_SESSION* session) {
  TlsStream& stream = stream_of(ssl);
  auto& self = *static_cast<OpensslClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (stream.roots() != self.roots_ || !SSL_SESSION_is_resumable(session)) return 0;
  if (self.sessions_.size() == kMaxSessions) self.sessions_.erase(self.sessions_.begin());
  self.sessions_.emplace_back(session);
  return 1;
}

// With TLS 1.2 a session may be resumed many times, and brings no new one; with 1.3 once (RFC 8446
// appendix C.4).
void OpensslClient::on_open(const SSL* ssl, Clock::time_point began) {
  const bool is_resumed = SSL_session_reused(ssl) == 1;
  ++(is_resumed ? counts_.resumed : counts_.full);
  if (!is_resumed) verified_ = Clock::now();
  if (!is_resumed && peer_.pins.empty()) counts_.end = end_of(SSL_get0_peer_certificate(ssl));
  events_.on_open({SSL_get_version(ssl), is_resumed, Clock::now() - began, counts_.end});
  SSL_SESSION* const session = SSL_get0_session(ssl);
  if (!is_resumed || SSL_version(ssl) != TLS1_2_VERSION || !sessions_.empty()) return;
  SSL_SESSION_up_ref(session);
  sessions_.emplace_back(session);
}

void OpensslClient::on_failure(const std::string& reason) {
  ++counts_.failed;
  events_.on_failure(reason);
}

TlsStream::TlsStream(OpensslClient& client, Loop& loop, std::vector<SocketAddress> addresses,
                     Stream::User& user)
    : client_(client),
      user_(user),
      roots_(client.roots()),
      ssl_(client.make_ssl()),
      tcp_(loop, std::move(addresses), *this) {
  BIO* const bio = BIO_new(method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
}

TlsStream::~TlsStream() {
  if (is_gone_) *is_gone_ = true;
  if (!is_open_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  send();
}

int TlsStream::read_memory(BIO* bio, char* out, int size) {
  dns::BytesView& incoming = static_cast<TlsStream*>(BIO_get_data(bio))->incoming_;
  BIO_clear_retry_flags(bio);
  if (incoming.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t taken = std::min(incoming.size(), static_cast<std::size_t>(size));
  std::copy_n(incoming.begin(), taken, reinterpret_cast<uint8_t*>(out));
  incoming = incoming.subspan(taken);
  return static_cast<int>(taken);
}

int TlsStream::write_memory(BIO* bio, const char* bytes, int size) {
  dns::Bytes& outgoing = static_cast<TlsStream*>(BIO_get_data(bio))->outgoing_;
  outgoing.insert(outgoing.end(), bytes, bytes + size);
  return size;
}

const BIO_METHOD* TlsStream::method() {
  static const Owned<BIO_METHOD> kMethod = [] {
    Owned<BIO_METHOD> made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream"));
    BIO_meth_set_read(made.get(), read_memory);
    BIO_meth_set_write(made.get(), write_memory);
    BIO_meth_set_ctrl(made.get(), [](BIO*, int command, long, void*) {
      return command == BIO_CTRL_FLUSH ? 1L : 0L;
    });
    return made;
  }();
  return kMethod.get();
}

void TlsStream::send() {
  if (outgoing_.empty()) return;
  tcp_.write(outgoing_);
  outgoing_.clear();
}

void TlsStream::write(dns::BytesView bytes) {
  assert(is_open_);
  ERR_clear_error();
  // Memory takes all of it; what can't be written is told by the other side's end.
  if (SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) <= 0) tcp_.finish();
  send();
}

void TlsStream::on_written() {
  if (is_open_) user_.on_written();
}

void TlsStream::on_open() {
  is_connected_ = true;
  began_ = Clock::now();
  shake_hands();
}

// False: it is not done, or the stream is gone.
bool TlsStream::shake_hands() {
  ERR_clear_error();
  const int status = SSL_do_handshake(ssl_.get());
  send();
  if (status != 1) {
    if (SSL_get_error(ssl_.get(), status) != SSL_ERROR_WANT_READ) fail();
    return false;
  }
  is_open_ = true;
  client_.on_open(ssl_.get(), began_);
  bool is_gone = false;
  is_gone_ = &is_gone;
  user_.on_open();
  if (is_gone) return false;
  is_gone_ = nullptr;
  return true;
}

void TlsStream::on_bytes(dns::BytesView bytes) {
  incoming_ = bytes;
  if (is_open_ || shake_hands()) read();
}

// Hands on what one read of the connection has brought, all at once where that fits.
void TlsStream::read() {
  static thread_local std::array<uint8_t, 65536> clear;
  std::size_t size = 0;
  bool is_gone = false;
  is_gone_ = &is_gone;
  const auto hand_on = [&] {
    if (size > 0) user_.on_bytes(dns::BytesView(clear).first(std::exchange(size, 0)));
    return !is_gone;
  };
  int error = SSL_ERROR_NONE;
  while (error == SSL_ERROR_NONE) {
    std::size_t taken = 0;
    ERR_clear_error();
    const int status = SSL_read_ex(ssl_.get(), clear.data() + size, clear.size() - size, &taken);
    error = status == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), status);
    size += taken;
    if (size == clear.size() && !hand_on()) return;
  }
  send();  // an update of keys is answered
  if (!hand_on()) return;
  is_gone_ = nullptr;
  incoming_ = {};
  if (error == SSL_ERROR_WANT_READ) return;
  user_.on_end(error == SSL_ERROR_ZERO_RETURN ? UV_EOF : UV_EPROTO);
}

// The handshake has failed.
void TlsStream::fail() {
  client_.on_failure(refusal_.empty() ? last_error() : refusal_);
  user_.on_end(UV_EPROTO);
}

void TlsStream::on_end(int status) {
  if (!is_open_ && is_connected_) client_.on_failure("the connection ended in the handshake");
  user_.on_end(status);
}

}  // namespace

bool has_tls() { return true; }

std::string tls_version() {
  return std::string("OpenSSL ") + OpenSSL_version(OPENSSL_VERSION_STRING);
}

std::unique_ptr<TlsClient> TlsClient::make(const TlsPeer& peer, const Events& events) {
  return std::make_unique<OpensslClient>(peer, events);
}

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/tls_server.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>

#include "base/text.h"
#include "io/files.h"
#include "io/tls_openssl.h"

namespace dnslet::io {

class TlsIdentity {
 public:
  explicit TlsIdentity(Owned<SSL_CTX> context) : context_(std::move(context)) {}
  SSL_CTX* context() const { return context_.get(); }

 private:
  Owned<SSL_CTX> context_;
};

SSL_CTX* context_of(const TlsIdentity& identity) { return identity.context(); }

namespace {

constexpr std::size_t kMaxFile = 1U << 20;

class OpensslServer final : public TlsServer, public TlsSide {
 public:
  explicit OpensslServer(const std::vector<std::string>& protocols) {
    for (const std::string& protocol : protocols) {
      protocols_.push_back(static_cast<uint8_t>(protocol.size()));
      protocols_.insert(protocols_.end(), protocol.begin(), protocol.end());
    }
  }

  void use(std::shared_ptr<const TlsIdentity> identity) override {
    identity_ = std::move(identity);
  }
  std::unique_ptr<Stream> accept(const OpenStream& below, Stream::User& user) override {
    Owned<SSL> ssl(SSL_new(identity_->context()));
    require(ssl != nullptr);
    SSL_set_accept_state(ssl.get());
    return std::make_unique<TlsStream>(*this, TlsStream::Start{std::move(ssl)}, below, user);
  }
  const TlsCounts& counts() const override { return counts_; }

  // NOLINTNEXTLINE(readability-function-size): as the library calls it
  static int choose(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void*) {
    const dns::Bytes& ours = static_cast<OpensslServer&>(stream_of(ssl).side()).protocols_;
    unsigned char* found = nullptr;
    const int status = SSL_select_next_proto(
        &found, size, ours.data(), static_cast<unsigned>(ours.size()), offered, offered_size);
    *chosen = found;
    return status == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  }

 private:
  void on_open(const TlsStream& stream) override {
    ++(SSL_session_reused(stream.ssl()) == 1 ? counts_.resumed : counts_.full);
  }
  void on_failure(const std::string&) override { ++counts_.failed; }

  dns::Bytes protocols_;  // as in ALPN
  std::shared_ptr<const TlsIdentity> identity_;
  TlsCounts counts_;
};

Error cannot_use(const std::string& path, const std::string& what) {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return Error{in_quotes(path) + ' ' + what + (reason ? std::string(": ") + reason : "")};
}

Owned<X509> first_certificate(BIO* reader) {
  return Owned<X509>(PEM_read_bio_X509_AUX(reader, nullptr, nullptr, nullptr));
}

Error no_certificate(const std::string& path) {
  ERR_clear_error();
  return Error{in_quotes(path) + " holds no certificate in PEM form"};
}

// The first certificate is the server's own, all behind it are those that it is signed by.
Status read_certificates(SSL_CTX* context, const std::string& path) {
  const auto pem = read_file(path, kMaxFile);
  if (!pem) return pem.error();
  const Owned<BIO> reader = reader_of(*pem);
  const Owned<X509> own = first_certificate(reader.get());
  if (!own) return no_certificate(path);
  if (SSL_CTX_use_certificate(context, own.get()) != 1)
    return cannot_use(path, "holds a certificate that can't be used");
  while (const Owned<X509> above{PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)})
    if (SSL_CTX_add1_chain_cert(context, above.get()) != 1)
      return cannot_use(path, "holds a chain that can't be used");
  return Done{};
}

Status read_key(SSL_CTX* context, const std::string& path) {
  const auto pem = read_file(path, kMaxFile);
  if (!pem) return pem.error();
  bool is_encrypted = false;
  // Nobody is there who could be asked.
  const auto no_passphrase = [](char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
  };
  const Owned<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(reader_of(*pem).get(), nullptr, no_passphrase, &is_encrypted));
  if (is_encrypted)
    return Error{in_quotes(path) +
                 " has a passphrase, and nobody is there to type it; write a key without one with "
                 "openssl pkey"};
  if (!key) return Error{in_quotes(path) + " holds no private key in PEM form"};
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    ERR_clear_error();
    return Error{in_quotes(path) + " is not the key of the certificate"};
  }
  return Done{};
}

}  // namespace

Result<std::shared_ptr<const TlsIdentity>> load_tls_identity(const std::string& certificate,
                                                             const std::string& key) {
  Owned<SSL_CTX> made(SSL_CTX_new(TLS_server_method()));
  require(made != nullptr);
  SSL_CTX* const context = made.get();
  // The system's own configuration may ask for more.
  if (SSL_CTX_get_min_proto_version(context) < TLS1_2_VERSION)
    require(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_read_ahead(context, 1);
  // Clients keep their sessions themselves, in tickets (RFC 8446 section 4.6.1).
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_alpn_select_cb(context, OpensslServer::choose, nullptr);
  if (Status status = read_certificates(context, certificate); !status) return status.error();
  if (Status status = read_key(context, key.empty() ? certificate : key); !status)
    return status.error();
  return std::shared_ptr<const TlsIdentity>(std::make_shared<TlsIdentity>(std::move(made)));
}

Result<KeyHash> key_of_certificate(const std::string& path) {
  const auto pem = read_file(path, kMaxFile);
  if (!pem) return pem.error();
  const Owned<X509> certificate = first_certificate(reader_of(*pem).get());
  return certificate ? Result<KeyHash>(key_hash(certificate.get())) : no_certificate(path);
}

std::chrono::sys_seconds end_of(const TlsIdentity& identity) {
  return end_of(SSL_CTX_get0_certificate(identity.context()));
}

std::unique_ptr<TlsServer> TlsServer::make(const std::vector<std::string>& protocols) {
  return std::make_unique<OpensslServer>(protocols);
}

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Certificates, as OpenSSL has them: those that are trusted, the keys in them, and why one does not
// hold. For io/tls_openssl only.

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "io/tls.h"

namespace dnslet::io {

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeTls>;

class TlsRoots {
 public:
  explicit TlsRoots(Owned<X509_STORE> store) : store_(std::move(store)) {}
  X509_STORE* store() const { return store_.get(); }

 private:
  Owned<X509_STORE> store_;
};

// Reads a file in PEM form from memory, which it borrows.
Owned<BIO> reader_of(const std::string& pem);

// Of its SubjectPublicKeyInfo.
KeyHash key_hash(const X509* certificate);
std::string to_base64(const KeyHash& hash);

// When it ends; 1970 where that can't be read.
std::chrono::sys_seconds end_of(const X509* certificate);

// Why the certificate that was looked at last does not hold: "its certificate ended on ...".
// `name`: that it has to be for.
std::string reason_of(X509_STORE_CTX* context, const std::string& name);

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// TLS to clients: the certificate that all threads show, and the connections that one thread has
// accepted. Behind it is one library, in io/tls_server.cc; the variant without it has
// io/tls_missing.cc.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/stream.h"
#include "io/tls.h"

namespace dnslet::io {

// A certificate with its chain and its key. Never changes; threads share it, and so does a session
// that was begun at one of them.
class TlsIdentity;
// From files in PEM form: the certificate, those that it is signed by, and the key; an empty `key`
// is in the same file. Fails with the end of a sentence that names the file.
Result<std::shared_ptr<const TlsIdentity>> load_tls_identity(const std::string& certificate,
                                                             const std::string& key);
// Of its certificate.
std::chrono::sys_seconds end_of(const TlsIdentity& identity);
// The key that the first certificate of such a file is for. Fails likewise.
Result<KeyHash> key_of_certificate(const std::string& path);

class TlsServer {
 public:
  // Of several protocols (RFC 7301) a client gets the first of these that it knows; who knows
  // others only is refused, who names none is welcome. REQUIRES: has_tls().
  static std::unique_ptr<TlsServer> make(const std::vector<std::string>& protocols);
  virtual ~TlsServer() = default;

  // For connections from now on. REQUIRES: not null.
  virtual void use(std::shared_ptr<const TlsIdentity> identity) = 0;
  // The stream over an accepted connection, which `below` opens; its user hears on_open() when the
  // handshake is done. The server must outlive it. REQUIRES: use() has been called.
  virtual std::unique_ptr<Stream> accept(const OpenStream& below, Stream::User& user) = 0;
  // But for the end.
  virtual const TlsCounts& counts() const = 0;
};

}  // namespace dnslet::io

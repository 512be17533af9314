// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// TLS to servers: what all threads trust, and the connections of one thread to one server. Behind
// it is one library, in io/tls_openssl, io/tls_stream and io/tls_certificates; the variant without
// it has io/tls_missing.cc.
//
// A certificate has to hold, always: before it does nothing is sent, and nothing falls back to
// plain text.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/loop.h"
#include "io/stream.h"

namespace dnslet::io {

// Whether this variant has it. Without it there are no roots and no clients.
bool has_tls();
// "OpenSSL 3.0.19"; empty without it.
std::string tls_version();

// Whole days until a certificate ends, below zero where it has; nullopt: more than have to be told.
std::optional<std::chrono::days> days_left(std::chrono::sys_seconds end);

// The SHA-256 of a certificate's SubjectPublicKeyInfo, as a pin names it (RFC 7858 section 4.2).
using KeyHash = std::array<uint8_t, 32>;
// From the 44 characters of its Base64; nullopt: it is something else.
std::optional<KeyHash> key_hash_from_base64(std::string_view text);

// Keys that servers may have, by the name of their certificate, in lower case.
using TlsPins = std::map<std::string, std::vector<KeyHash>, std::less<>>;

// Certificates that are trusted. Never changes; threads share it.
class TlsRoots;
// Those of a file in PEM form. An empty path: the file that SSL_CERT_FILE names, else that of the
// system. Fails with a sentence that names the option or variable.
Result<std::shared_ptr<const TlsRoots>> load_tls_roots(const std::string& path);
// Where it reads them; empty: nowhere.
std::string path_of_tls_roots(const std::string& path);

// Who has to be at the other end.
struct TlsPeer {
  std::string name;  // in its certificate, and sent to it; or an address, which is not sent
  std::vector<KeyHash> pins{};    // where there are some its own key has to be one, and that is all
  std::string protocol{};         // in ALPN (RFC 7301); empty: none
  bool has_to_choose_it = false;  // who speaks something else, or does not say, is refused
};

// A handshake that has come to its end.
struct TlsOpened {
  std::string version;                // "TLSv1.3"
  bool is_resumed = false;            // with a former session: no certificate has been looked at
  std::chrono::nanoseconds taken{0};  // since the connection was there
  std::chrono::sys_seconds end{};     // of the certificate, as in TlsCounts
};

struct TlsCounts {
  uint64_t full = 0;               // handshakes
  uint64_t resumed = 0;            // likewise, of a former session
  uint64_t failed = 0;             // likewise
  std::chrono::sys_seconds end{};  // of the certificate that held last; 1970: none, or a pin did
};

// What comes of handshakes. None of them may call back.
struct TlsEvents {
  std::function<void(const TlsOpened& opened)> on_open;
  std::function<void(const std::string& reason)> on_failure;  // in words
};

// Connections to one server, which resume each other's sessions (RFC 8446 section 2.2). A session
// is not resumed later than an hour after the certificate has been looked at.
class SecureClient {
 public:
  virtual ~SecureClient() = default;

  // For connections from now on; sessions under others are not resumed. Null: only pins hold.
  virtual void use_roots(std::shared_ptr<const TlsRoots> roots) = 0;
  virtual const TlsCounts& counts() const = 0;
};

// Such connections over streams.
class TlsClient : public SecureClient {
 public:
  // REQUIRES: has_tls().
  static std::unique_ptr<TlsClient> make(const TlsPeer& peer, const TlsEvents& events);

  // What is below: how it is opened, and how many addresses may be tried there.
  struct Below {
    OpenStream open;
    std::size_t addresses = 1;
  };
  // Opens a stream. What has gone wrong with TLS is UV_EPROTO. The client must outlive it.
  virtual std::unique_ptr<Stream> open(Loop& loop, const Below& below, Stream::User& user) = 0;
};

}  // namespace dnslet::io

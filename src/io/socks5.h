// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What a client says to a SOCKS5 proxy before bytes pass through it (RFC 1928, RFC 1929). No I/O:
// told what the proxy has said, it says what to send.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/address.h"
#include "dns/wire.h"

namespace dnslet::io {

// Where the proxy is to connect to, and as whom it is asked.
struct Socks5Request {
  std::string host;  // a name that the proxy resolves, of 255 bytes at most; empty: see address
  std::optional<IpAddress> address;
  uint16_t port = 0;
  std::string user{};  // of 255 bytes at most, like the password; empty: no one
  std::string password{};
};

class Socks5Handshake {
 public:
  // `request` must outlive it.
  explicit Socks5Handshake(const Socks5Request& request) : request_(request) {}

  // What is to be sent first.
  dns::Bytes greeting();

  struct More {};  // it has to say more before anything can be done
  struct Send {
    dns::Bytes bytes;
  };
  // Bytes pass through from now on, also those that are left behind what has been taken.
  struct Open {};
  struct Failed {
    std::string reason;  // in words
    int status = 0;      // UV_ECONNABORTED: it has refused; UV_EPROTO: it is no proxy
  };
  using Step = std::variant<More, Send, Open, Failed>;

  // Takes one whole reply off the front of `bytes`, or nothing where More comes back. To be called
  // again after Send. REQUIRES: neither Open nor Failed has come back.
  Step step(dns::BytesView& bytes);

 private:
  enum class Waiting { Method, Admission, Connection };

  Step on_method(dns::BytesView& bytes);
  Step on_admission(dns::BytesView& bytes);
  Step on_connection(dns::BytesView& bytes);
  Step ask_to_connect();

  const Socks5Request& request_;
  Waiting waiting_ = Waiting::Method;
};

}  // namespace dnslet::io

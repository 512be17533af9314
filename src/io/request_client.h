// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Requests to a server, each with a body, and the answers to them, each with one: many at once on
// one connection, answered in any order. How they travel is that of what is behind it: HTTP/2
// (io/http2), HTTP/3 (io/http3), or a stream of QUIC for each (io/doq).

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "dns/wire.h"

namespace dnslet::io {

// Where requests go to, and what they carry and want.
struct HttpTarget {
  std::string authority;
  std::string path;
  std::string media_type;
};

struct HttpResponse {
  unsigned status = 0;  // 200 where no HTTP is spoken
  std::optional<std::chrono::seconds>
      retry_after;              // where it is a number (RFC 9110 section 10.2.3)
  std::chrono::seconds age{0};  // RFC 9111 section 5.1
  dns::MutableBytesView body;
};

class RequestClient {
 public:
  // A body that is longer counts as a failure.
  static constexpr std::size_t kMaxBody = 65535;
  // Above so many bytes that the server has not read nothing is written: what it asks for, such as
  // answers to PING, has a bound then.
  static constexpr std::size_t kMaxUnread = 256U << 10;

  // Who hears what happens. What is told of a request is the last that is heard of it. `request`:
  // as given to post(). May post; may destroy the client in the last two only.
  class User {
   public:
    // The connection is open.
    virtual void on_open() = 0;
    // The body may be changed, and is gone after the call.
    virtual void on_response(uint64_t request, const HttpResponse& response) = 0;
    // The server has not looked at it (RFC 9113 section 8.7): it may be sent again.
    virtual void on_refused(uint64_t request) = 0;
    // This request alone has failed, for a reason in words.
    virtual void on_failure(uint64_t request, const std::string& reason) = 0;
    // All that has arrived has been told.
    virtual void on_turn() = 0;
    // Nothing more will be heard, of no request. `reason`: in words, of what the server has done
    // against the protocol; else empty.
    virtual void on_end(int status, const std::string& reason) = 0;

   protected:
    ~User() = default;
  };

  virtual ~RequestClient() = default;

  // Queues a request. REQUIRES: takes_more().
  virtual void post(uint64_t request, dns::BytesView body) = 0;
  // Writes what is queued in one piece. REQUIRES: on_open() has been called.
  virtual void flush() = 0;
  // Whether flush() would write something.
  virtual bool has_unwritten() const = 0;
  // Requests that the server takes at once; nullopt: it has not said yet.
  virtual std::optional<std::size_t> most_at_once() const = 0;
  // As of io::Stream. REQUIRES: on_open() has been called.
  virtual bool is_path_dead(std::chrono::milliseconds ago) const = 0;
  // Whether new requests may be made on this connection: the server has sent no GOAWAY (RFC 9113
  // section 6.8), and there are numbers left.
  virtual bool takes_more() const = 0;
  // How long the server keeps it idle, where the protocol says so.
  virtual std::optional<std::chrono::milliseconds> idle_limit() const { return std::nullopt; }
};

// Opens a connection whose events go to the user.
using OpenRequests = std::function<std::unique_ptr<RequestClient>(RequestClient::User& user)>;

}  // namespace dnslet::io

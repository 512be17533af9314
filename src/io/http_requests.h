// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The requests of one client over HTTP/1.1 (RFC 9112) or HTTP/2 (RFC 9113): bytes in and bytes out,
// no socket. What is answered is decided elsewhere. Made for hostile clients: all that one can have
// held here has a limit.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "dns/wire.h"
#include "io/http_reply.h"
#include "io/http_request.h"

namespace dnslet::io {

class HttpRequests {
 public:
  static constexpr std::size_t kMaxBody = 65535;
  static constexpr std::size_t kMaxHead = 16384;  // bytes of names and values

  // Who answers.
  class User {
   public:
    // Whether it takes no more for now.
    virtual bool is_full() const = 0;
    // A whole request, which may be answered from inside. The body is valid during the call. What
    // is longer than it may be, or broken, has been answered already.
    virtual void on_request(uint64_t number, const HttpRequest& request, dns::BytesView body) = 0;
    // The client says no more, or shall not.
    virtual void on_last() = 0;

   protected:
    ~User() = default;
  };

  virtual ~HttpRequests() = default;

  // As Framing::take().
  virtual std::optional<std::size_t> take(dns::BytesView bytes) = 0;
  // Does nothing where the client has let go of it.
  virtual void respond(uint64_t number, HttpReply reply) = 0;
  // There will be no answer. True: the connection has to end for it.
  virtual bool drop(uint64_t number) = 0;
  // Appends what there is to send.
  virtual void collect(dns::Bytes& out) = 0;
  // No more requests are taken.
  virtual void say_goodbye(dns::Bytes& out) = 0;
  virtual std::size_t most_unanswered() const = 0;
};

// Requests one after the other, each with its length: a client that sends its body in chunks is
// refused. The user must outlive it, here and below.
std::unique_ptr<HttpRequests> make_http1_requests(HttpRequests::User& user);
// REQUIRES: this variant has HTTP/2.
std::unique_ptr<HttpRequests> make_http2_requests(HttpRequests::User& user);

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A small HTTP server: one request per connection, one response, the end. What is answered is
// decided elsewhere.
//
// Made for hostile clients: connections, the bytes of a head and the time of a connection have
// limits, and when one connection too many comes the oldest is closed.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/slots.h"
#include "io/http_reply.h"
#include "io/http_request.h"
#include "io/loop.h"

namespace dnslet::io {

class HttpServer {
 public:
  static constexpr std::size_t kMaxClients = 32;
  static constexpr std::size_t kMaxHead = 8192;          // bytes
  static constexpr std::size_t kMaxIgnored = 64U << 10;  // bytes behind the head
  static constexpr Milliseconds kTime{5000};             // from the first byte to the last

  // Is to be answered with respond(), now or later.
  using OnRequest = std::function<void(uint64_t client, const HttpRequest& request)>;

  HttpServer(Loop& loop, OnRequest on_request);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Takes over an accepted connection.
  void add(Handle<uv_tcp_t> connection);
  // Does nothing where the client is gone.
  void respond(uint64_t client, const HttpReply& response);

 private:
  class Client;

  void on_head(uint64_t client, std::string_view head);
  void remove(uint64_t client);
  void on_time();

  Loop& loop_;
  OnRequest on_request_;
  Slots<std::unique_ptr<Client>> clients_;  // the oldest has the first deadline
  Timer timer_;
};

}  // namespace dnslet::io

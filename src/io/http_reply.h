// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What is answered to a request over HTTP, and how HTTP/1.1 writes it (RFC 9112).

#include <string>

namespace dnslet::io {

struct HttpReply {
  unsigned status = 200;
  const char* type = "text/plain; charset=utf-8";
  std::string body;  // any bytes
  std::string cache_control = "no-store";
  const char* allowed = "GET, HEAD";  // methods, which a 405 names
};

// Up to the empty line behind it. `Closes`: the connection ends behind the reply.
enum class Connection { Closes, Stays };
std::string http1_head(const HttpReply& reply, Connection connection);

}  // namespace dnslet::io

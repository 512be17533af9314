// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The head of an HTTP/1.x request (RFC 9112), as far as a server needs it that knows a few fixed
// pages. Strict: what is not exactly right is refused, and no header is looked at but those that
// HttpRequest has a field for.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace dnslet::io {

struct HttpRequest {
  std::string method;  // as sent: methods are case-sensitive
  std::string path;    // from the slash on, without a query; not decoded
  std::string query;   // behind the question mark; not decoded
  std::string host;    // whom the client means, as sent, with a port or without; empty: it says not
  std::string type;    // of the body, as sent
  // Of HTTP/1.x only:
  std::size_t body_size = 0;
  bool has_codings = false;  // the body's size is not told in the head (section 7)
  bool waits = false;        // with its body, for a status 100 (RFC 9110 section 10.1.1)
  bool is_last = false;      // the client wants the connection closed (section 9.6)
};

// Divides what stands behind the host at its question mark: path and query.
void set_target(HttpRequest& request, std::string_view target);

// The size of the head with its empty line; nullopt: it is not all there. `seen`: how many of the
// bytes an earlier call has looked at.
std::optional<std::size_t> size_of_head(std::string_view bytes, std::size_t seen);

// nullopt: not a request.
std::optional<HttpRequest> parse_http_head(std::string_view head);

// The status of an HTTP/1.x response. nullopt: not the beginning of one.
std::optional<unsigned> parse_http_status(std::string_view bytes);

}  // namespace dnslet::io

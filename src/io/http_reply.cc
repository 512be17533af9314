// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/http_reply.h"

namespace dnslet::io {
namespace {

const char* reason_of(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 503:
      return "Service Unavailable";
    default:
      return "Bad Request";
  }
}

}  // namespace

std::string http1_head(const HttpReply& reply, Connection connection) {
  std::string text = "HTTP/1.1 " + std::to_string(reply.status) + ' ' + reason_of(reply.status) +
                     "\r\nContent-Type: " + reply.type +
                     "\r\nContent-Length: " + std::to_string(reply.body.size()) +
                     "\r\nCache-Control: " + reply.cache_control + "\r\n";
  if (connection == Connection::Closes) text += "Connection: close\r\n";
  if (reply.status == 405) text += std::string("Allow: ") + reply.allowed + "\r\n";
  return text + "\r\n";
}

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What both sides of HTTP/2 have of nghttp2 in common. For io/http2_client.cc and
// io/http2_requests.cc only.

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "dns/wire.h"

namespace dnslet::io {

struct FreeHttp2Session {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};
using Http2Session = std::unique_ptr<nghttp2_session, FreeHttp2Session>;

inline std::string_view text_of(const uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// A header of ours, whose text stays where it is until it has been sent. `flags`: besides that.
inline nghttp2_nv http2_field(std::string_view name, std::string_view value,
                              uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
  // The library only reads them.
  const auto bytes = [](std::string_view text) {
    return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));  // NOLINT
  };
  constexpr unsigned kStays = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
  return {bytes(name), bytes(value), name.size(), value.size(),
          static_cast<uint8_t>(kStays | flags)};
}

// Appends what the library wants sent.
inline void append_queued(nghttp2_session* session, dns::Bytes& out) {
  const uint8_t* piece = nullptr;
  while (true) {  // ends: what is queued is finite
    const ssize_t size = nghttp2_session_mem_send(session, &piece);
    if (size <= 0) return;
    out.insert(out.end(), piece, piece + size);
  }
}

}  // namespace dnslet::io

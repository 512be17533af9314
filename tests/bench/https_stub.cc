// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// The nameserver behind servers that ask over HTTPS: https_stub CERTIFICATE KEY, with the answers
// of stub_answer.h, HTTP/2 by nghttp2, a thread for each connection.

#include <nghttp2/nghttp2.h>

#include <map>
#include <string>

#include "stub_answer.h"
#include "tls_listener.h"

namespace {

struct Session {
  nghttp2_session* http = nullptr;
  std::map<int32_t, std::vector<uint8_t>> bodies;  // questions, then answers
};

Session& self(void* session) { return *static_cast<Session*>(session); }

nghttp2_nv field(const char* name, const char* value) {
  const auto bytes = [](const char* text) {
    return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text));  // NOLINT: only read
  };
  return {bytes(name), bytes(value), std::strlen(name), std::strlen(value), NGHTTP2_NV_FLAG_NONE};
}

ssize_t read_body(nghttp2_session*, int32_t stream, uint8_t* out, std::size_t room, uint32_t* flags,
                  nghttp2_data_source*, void* session) {
  const std::vector<uint8_t>& body = self(session).bodies[stream];
  const std::size_t size = std::min(room, body.size());  // an answer here is small
  std::copy_n(body.begin(), size, out);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(size);
}

int on_data(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* bytes, std::size_t size,
            void* session) {
  std::vector<uint8_t>& body = self(session).bodies[stream];
  body.insert(body.end(), bytes, bytes + size);
  return 0;
}

int on_frame(nghttp2_session* http, const nghttp2_frame* frame, void* session) {
  const bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (frame->hd.type != NGHTTP2_DATA || !is_end) return 0;
  std::vector<uint8_t>& body = self(session).bodies[frame->hd.stream_id];
  const std::size_t length = body.size();
  body.resize(bench::kMaxPacket);
  const std::size_t size = length <= bench::kMaxPacket ? bench::answer(body.data(), length) : 0;
  body.resize(size);
  if (size == 0) return 0;  // no answer
  const std::string content_length = std::to_string(size);
  const std::array fields = {field(":status", "200"),
                             field("content-type", "application/dns-message"),
                             field("content-length", content_length.c_str())};
  const nghttp2_data_provider provider = {{}, read_body};
  return nghttp2_submit_response(http, frame->hd.stream_id, fields.data(), fields.size(),
                                 &provider);
}

int on_close(nghttp2_session*, int32_t stream, uint32_t, void* session) {
  self(session).bodies.erase(stream);
  return 0;
}

bool write_all(Session& session, SSL* ssl) {
  std::vector<uint8_t> outgoing;
  const uint8_t* piece = nullptr;
  for (ssize_t size = 0; (size = nghttp2_session_mem_send(session.http, &piece)) > 0;)
    outgoing.insert(outgoing.end(), piece, piece + size);
  return outgoing.empty() || SSL_write(ssl, outgoing.data(), static_cast<int>(outgoing.size())) > 0;
}

void serve(SSL* ssl) {
  Session session;
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_session_server_new(&session.http, callbacks, &session);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry most = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 250};
  nghttp2_submit_settings(session.http, NGHTTP2_FLAG_NONE, &most, 1);
  std::array<uint8_t, 16384> buffer;
  while (write_all(session, ssl)) {
    const int size = SSL_read(ssl, buffer.data(), buffer.size());
    if (size <= 0) break;
    const auto length = static_cast<std::size_t>(size);
    if (nghttp2_session_mem_recv(session.http, buffer.data(), length) < 0) break;
  }
  nghttp2_session_del(session.http);
}

int choose_http2(SSL*, const unsigned char** chosen, unsigned char* size,
                 const unsigned char* offered, unsigned length, void*) {
  static const unsigned char kOurs[] = {2, 'h', '2'};
  const int found =
      SSL_select_next_proto(const_cast<unsigned char**>(chosen), size, kOurs,  // NOLINT
                            sizeof kOurs, offered, length);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_alpn_select_cb(context, choose_http2, nullptr);
  bench::listen_and_serve(context, words, serve);
}

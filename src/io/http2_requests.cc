// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// HTTP/2 of io/http_requests, by nghttp2. Nobody is told anything from inside the library: what it
// says gathers until it is done. What a client has reset by then is not told at all.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/slots.h"
#include "io/http2_session.h"
#include "io/http_requests.h"

namespace dnslet::io {
namespace {

constexpr uint32_t kStreams = 100;  // at once
// One byte more than a body may have: what is longer is seen before the client has to stop.
constexpr uint32_t kStreamWindow = HttpRequests::kMaxBody + 1;
// Bounds what half-sent bodies hold of memory: it grows again when a body is whole.
constexpr int32_t kConnectionWindow = 2 * kStreamWindow;
// Bytes of replies that the client lets lie, and of heads whose request is not whole; above it is
// asked to come again later.
constexpr std::size_t kMaxHeld = 256U << 10;

// Of what differs from reply to reply, which is not to fill the client's table (RFC 7541 section
// 6.2.2).
constexpr uint8_t kOnce = NGHTTP2_NV_FLAG_NO_INDEX;

class Http2Requests final : public HttpRequests {
 public:
  explicit Http2Requests(User& user);

  std::optional<std::size_t> take(dns::BytesView bytes) override;
  void respond(uint64_t number, HttpReply reply) override;
  bool drop(uint64_t number) override;
  void collect(dns::Bytes& out) override;
  void say_goodbye(dns::Bytes& out) override;
  std::size_t most_unanswered() const override { return kStreams; }

 private:
  struct Stream {
    uint64_t slot = 0;  // in streams_
    HttpRequest request{};
    std::size_t head_size = 0;  // until it is whole
    bool is_head = false;       // RFC 9110 section 9.3.2: without a body
    dns::Bytes body{};
    HttpReply reply{};
    std::string status{};  // of the reply, as its headers need it
    std::string size{};
    std::size_t sent = 0;  // of its body
  };

  static Http2Requests& self(void* user_data) { return *static_cast<Http2Requests*>(user_data); }
  static int on_begin(nghttp2_session* session, const nghttp2_frame* frame, void* user_data);
  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                       std::size_t name_size, const uint8_t* value, std::size_t value_size,
                       uint8_t flags, void* user_data);
  static int on_data(nghttp2_session* session, uint8_t flags, int32_t id, const uint8_t* bytes,
                     std::size_t size, void* user_data);
  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user_data);
  static int on_close(nghttp2_session* session, int32_t id, uint32_t error, void* user_data);
  static ssize_t read_body(nghttp2_session* session, int32_t id, uint8_t* out, std::size_t room,
                           uint32_t* flags, nghttp2_data_source* source, void* user_data);

  // Null: the client has let go of it.
  Stream* find(int32_t stream) const {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_.get(), stream));
  }
  void tell_whole();
  void put_off(int32_t stream);

  User& user_;
  Slots<Stream> streams_;       // those of the library point to them
  std::vector<int32_t> whole_;  // requests that nobody has been told of
  std::size_t held_ = 0;        // see kMaxHeld
  std::size_t consumed_ = 0;    // bytes of bodies that take no memory any more
  Http2Session session_;
};

Http2Requests::Http2Requests(User& user) : user_(user) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_session* session = nullptr;
  if (nghttp2_session_server_new2(&session, callbacks, this, option) != 0) std::abort();
  session_.reset(session);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const std::array settings = {
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kStreams},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMaxHead},
  };
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

int Http2Requests::on_begin(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;  // behind the body
  Http2Requests& requests = self(user_data);
  const int32_t id = frame->hd.stream_id;
  if (requests.held_ > kMaxHeld)
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
  const uint64_t slot = requests.streams_.add({});
  Stream* const stream = requests.streams_.find(slot);
  stream->slot = slot;
  return nghttp2_session_set_stream_user_data(session, id, stream);
}

// The library has found out that those that have to be there are, once each (RFC 9113 section 8.3).
// NOLINTNEXTLINE(readability-function-size): as the library calls it
int Http2Requests::on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                             std::size_t name_size, const uint8_t* value, std::size_t value_size,
                             uint8_t, void* user_data) {
  Stream* const stream = self(user_data).find(frame->hd.stream_id);
  if (!stream || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  constexpr std::size_t kEach = 32;  // RFC 9113 section 6.5.2
  const std::size_t size = name_size + value_size + kEach;
  stream->head_size += size;
  self(user_data).held_ += size;
  if (stream->head_size > kMaxHead) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const std::string_view key = text_of(name, name_size);
  const std::string_view text = text_of(value, value_size);
  if (key == ":method") {
    stream->request.method = text;
    stream->is_head = text == "HEAD";
  } else if (key == ":path") {
    set_target(stream->request, text);
  } else if (key == "content-type") {
    stream->request.type = text;
  }
  return 0;
}

// What is too long is taken to its end, as clients want it that read only then; io/tcp_client ends
// those who go on and on.
// NOLINTNEXTLINE(readability-function-size): as the library calls it
int Http2Requests::on_data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* bytes,
                           std::size_t size, void* user_data) {
  Http2Requests& requests = self(user_data);
  Stream* const stream = requests.find(id);
  if (!stream) {
    requests.consumed_ += size;
    return 0;
  }
  if (stream->status.empty() && stream->body.size() + size <= kMaxBody) {
    stream->body.insert(stream->body.end(), bytes, bytes + size);
    return 0;
  }
  if (stream->status.empty())
    requests.respond(static_cast<uint64_t>(id), {.status = 413, .body = "body too large\n"});
  const std::size_t taken = std::exchange(stream->body, {}).size() + size;
  return nghttp2_session_consume(session, id, taken);
}

int Http2Requests::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
  const bool is_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  if (is_request && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
    self(user_data).whole_.push_back(frame->hd.stream_id);
  return 0;
}

int Http2Requests::on_close(nghttp2_session* session, int32_t id, uint32_t, void* user_data) {
  Http2Requests& requests = self(user_data);
  const Stream* const stream = requests.find(id);
  if (!stream) return 0;
  requests.held_ -= stream->reply.body.size() + stream->head_size;
  requests.consumed_ += stream->body.size();
  requests.streams_.remove(stream->slot);
  return nghttp2_session_set_stream_user_data(session, id, nullptr);
}

// NOLINTNEXTLINE(readability-function-size): as the library calls it
ssize_t Http2Requests::read_body(nghttp2_session*, int32_t, uint8_t* out, std::size_t room,
                                 uint32_t* flags, nghttp2_data_source* source, void*) {
  Stream& stream = *static_cast<Stream*>(source->ptr);
  const std::string_view left = std::string_view(stream.reply.body).substr(stream.sent);
  const std::size_t size = std::min(room, left.size());
  std::copy_n(left.begin(), size, reinterpret_cast<char*>(out));
  stream.sent += size;
  if (size == left.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(size);
}

std::optional<std::size_t> Http2Requests::take(dns::BytesView bytes) {
  const ssize_t taken = nghttp2_session_mem_recv(session_.get(), bytes.data(), bytes.size());
  tell_whole();
  nghttp2_session_consume_connection(session_.get(), std::exchange(consumed_, 0));
  return taken < 0 ? std::nullopt : std::optional(bytes.size());
}

void Http2Requests::tell_whole() {
  for (const int32_t id : std::exchange(whole_, {})) {
    Stream* const stream = find(id);
    if (!stream || !stream->status.empty()) continue;
    const dns::Bytes body = std::exchange(stream->body, {});
    const HttpRequest request = std::exchange(stream->request, {});
    consumed_ += body.size();
    held_ -= std::exchange(stream->head_size, 0);
    if (user_.is_full() || held_ > kMaxHeld)
      put_off(id);
    else
      user_.on_request(static_cast<uint64_t>(id), request, body);
  }
}

void Http2Requests::put_off(int32_t stream) {
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, NGHTTP2_REFUSED_STREAM);
}

void Http2Requests::respond(uint64_t number, HttpReply reply) {
  const auto id = static_cast<int32_t>(number);
  Stream* const stream = find(id);
  if (!stream || !stream->status.empty()) return;  // gone, or told already
  if (held_ > kMaxHeld) return put_off(id);
  held_ += reply.body.size();
  stream->reply = std::move(reply);
  stream->status = std::to_string(stream->reply.status);
  stream->size = std::to_string(stream->reply.body.size());
  std::array fields = {http2_field(":status", stream->status),
                       http2_field("content-type", stream->reply.type),
                       http2_field("content-length", stream->size, kOnce),
                       http2_field("cache-control", stream->reply.cache_control, kOnce),
                       http2_field("allow", stream->reply.allowed, kOnce)};
  const std::size_t count = stream->reply.status == 405 ? fields.size() : fields.size() - 1;
  const nghttp2_data_provider provider = {{.ptr = stream}, read_body};
  const int status = nghttp2_submit_response(session_.get(), id, fields.data(), count,
                                             stream->is_head ? nullptr : &provider);
  if (nghttp2_is_fatal(status) != 0) std::abort();  // no memory is left
}

bool Http2Requests::drop(uint64_t number) {
  const auto id = static_cast<int32_t>(number);
  if (find(id)) nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  return false;
}

void Http2Requests::collect(dns::Bytes& out) {
  append_queued(session_.get(), out);
  if (nghttp2_session_want_read(session_.get()) == 0) user_.on_last();
}

void Http2Requests::say_goodbye(dns::Bytes& out) {
  nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
  collect(out);
}

}  // namespace

std::unique_ptr<HttpRequests> make_http2_requests(HttpRequests::User& user) {
  return std::make_unique<Http2Requests>(user);
}

}  // namespace dnslet::io

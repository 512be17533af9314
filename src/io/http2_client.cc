// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// io/http2 by nghttp2. What has arrived is handed to the library, what it wants sent goes out in
// one write. Nobody is told anything from inside the library: what it says gathers until it is
// done.

#include <uv.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "base/slots.h"
#include "io/http2.h"
#include "io/http2_session.h"
#include "io/http_fields.h"

namespace dnslet::io {
namespace {

// One byte more than a body may have: what is longer is seen before the server has to stop.
constexpr uint32_t kStreamWindow = RequestClient::kMaxBody + 1;
// Bounds what half-sent bodies may hold of memory: it grows again when a body is whole.
constexpr int32_t kConnectionWindow = 1 << 20;

class Client final : public RequestClient, private Stream::User {
 public:
  Client(const HttpTarget& target, const OpenStream& open, RequestClient::User& user);

  void post(uint64_t request, dns::BytesView body) override;
  void flush() override;
  bool has_unwritten() const override {
    return !outgoing_.empty() || nghttp2_session_want_write(session_.get()) != 0;
  }
  bool is_path_dead(std::chrono::milliseconds ago) const override {
    return stream_->is_path_dead(ago);
  }
  std::optional<std::size_t> most_at_once() const override { return most_at_once_; }
  bool takes_more() const override {
    return nghttp2_session_check_request_allowed(session_.get()) != 0;
  }

 private:
  struct Request {
    uint64_t number = 0;  // of the user's
    uint64_t slot = 0;    // in requests_
    dns::Bytes sent{};
    std::size_t taken = 0;  // of `sent`, by the library
    HttpResponse response{};
    dns::Bytes received{};
    bool is_whole = false;   // its end has come
    bool was_reset = false;  // by the server
    enum class End { Response, Refused, Failure } end = End::Response;
    std::string reason{};
  };

  static Client& self(void* user_data) { return *static_cast<Client*>(user_data); }
  static ssize_t read_body(nghttp2_session* session, int32_t stream, uint8_t* out, std::size_t room,
                           uint32_t* flags, nghttp2_data_source* source, void* user_data);
  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                       std::size_t name_size, const uint8_t* value, std::size_t value_size,
                       uint8_t flags, void* user_data);
  static int on_data(nghttp2_session* session, uint8_t flags, int32_t stream, const uint8_t* bytes,
                     std::size_t size, void* user_data);
  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user_data);
  static int on_close(nghttp2_session* session, int32_t stream, uint32_t error, void* user_data);

  void on_open() override;
  void on_bytes(dns::BytesView bytes) override;
  void on_written() override { user_.on_turn(); }
  void on_end(int status) override { user_.on_end(status, {}); }

  // Null: nothing more is told of it.
  Request* find(int32_t stream) {
    return static_cast<Request*>(nghttp2_session_get_stream_user_data(session_.get(), stream));
  }
  void collect();
  void on_last_frame(int32_t stream);
  void finish(int32_t stream, Request::End end, std::string reason);
  void tell_finished();

  const HttpTarget& target_;
  RequestClient::User& user_;
  Slots<Request> requests_;  // their streams point to them
  std::vector<Request> finished_;
  std::size_t consumed_ = 0;  // bytes of bodies that take no memory any more
  std::optional<std::size_t> most_at_once_;
  bool is_going_away_ = false;
  dns::Bytes outgoing_;
  Http2Session session_;
  std::unique_ptr<Stream> stream_;
};

Client::Client(const HttpTarget& target, const OpenStream& open, RequestClient::User& user)
    : target_(target), user_(user) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_session* session = nullptr;
  nghttp2_session_client_new2(&session, callbacks, this, option);
  session_.reset(session);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const std::array settings = {
      nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
  };
  nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
  stream_ = open(*this);
}

void Client::post(uint64_t request, dns::BytesView body) {
  const std::string length = std::to_string(body.size());
  std::array fields = {http2_field(":method", "POST"),
                       http2_field(":scheme", "https"),
                       http2_field(":authority", target_.authority),
                       http2_field(":path", target_.path),
                       http2_field("accept", target_.media_type),
                       http2_field("content-type", target_.media_type),
                       http2_field("content-length", length)};
  fields.back().flags = NGHTTP2_NV_FLAG_NO_COPY_NAME;
  const uint64_t slot =
      requests_.add({.number = request, .sent = dns::Bytes(body.begin(), body.end())});
  Request* const added = requests_.find(slot);
  added->slot = slot;
  const nghttp2_data_provider provider = {{}, read_body};
  if (nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(), &provider,
                             added) < 0)
    std::abort();  // no memory is left
}

// NOLINTNEXTLINE(readability-function-size): as the library calls it
ssize_t Client::read_body(nghttp2_session*, int32_t stream, uint8_t* out, std::size_t room,
                          uint32_t* flags, nghttp2_data_source*, void* user_data) {
  Request* const request = self(user_data).find(stream);
  if (!request) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const std::size_t size = std::min(room, request->sent.size() - request->taken);
  std::copy_n(request->sent.begin() + static_cast<std::ptrdiff_t>(request->taken), size, out);
  request->taken += size;
  if (request->taken == request->sent.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(size);
}

// Takes what the library wants sent, which may end requests. From a server that does not read
// nothing is taken: the library ends the connection when too much is waiting.
void Client::collect() {
  if (stream_->unsent() <= kMaxUnread) append_queued(session_.get(), outgoing_);
}

void Client::flush() {
  collect();
  if (outgoing_.empty()) return;
  stream_->write(outgoing_);
  outgoing_.clear();
}

// NOLINTNEXTLINE(readability-function-size): as the library calls it
int Client::on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      std::size_t name_size, const uint8_t* value, std::size_t value_size, uint8_t,
                      void* user_data) {
  Request* const request = self(user_data).find(frame->hd.stream_id);
  if (!request || !request->received.empty()) return 0;
  note_field(request->response, text_of(name, name_size), text_of(value, value_size));
  return 0;
}

// NOLINTNEXTLINE(readability-function-size): as the library calls it
int Client::on_data(nghttp2_session* session, uint8_t, int32_t stream, const uint8_t* bytes,
                    std::size_t size, void* user_data) {
  Client& client = self(user_data);
  Request* const request = client.find(stream);
  if (!request || request->received.size() + size > kMaxBody) {
    client.consumed_ += size;
    if (!request) return 0;
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
    client.finish(stream, Request::End::Failure, "its answer has more than 65,535 bytes");
    return 0;
  }
  request->received.insert(request->received.end(), bytes, bytes + size);
  return 0;
}

int Client::on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
  Client& client = self(user_data);
  const bool has_flag = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_GOAWAY:
      client.is_going_away_ = true;
      break;
    case NGHTTP2_SETTINGS:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
        client.most_at_once_ =
            nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
      break;
    case NGHTTP2_RST_STREAM:
      if (Request* const request = client.find(frame->hd.stream_id)) request->was_reset = true;
      break;
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
      if (has_flag) client.on_last_frame(frame->hd.stream_id);
      break;
    default:
      break;
  }
  return 0;
}

// The answer may come before the request has been sent (RFC 9113 section 8.1): nobody needs it
// then.
void Client::on_last_frame(int32_t stream) {
  Request* const request = find(stream);
  if (!request) return;
  request->is_whole = true;
  if (request->taken == request->sent.size()) return;  // on_close() follows
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, NGHTTP2_NO_ERROR);
  finish(stream, Request::End::Response, {});
}

int Client::on_close(nghttp2_session*, int32_t stream, uint32_t error, void* user_data) {
  Client& client = self(user_data);
  const Request* const request = client.find(stream);
  if (!request) return 0;
  if (error == NGHTTP2_NO_ERROR && request->is_whole)
    client.finish(stream, Request::End::Response, {});
  else if (error == NGHTTP2_REFUSED_STREAM)
    client.finish(stream, Request::End::Refused, {});
  else if (error == NGHTTP2_NO_ERROR || request->was_reset)
    client.finish(stream, Request::End::Failure,
                  std::string("it has reset a request: ") + nghttp2_http2_strerror(error));
  else
    client.finish(stream, Request::End::Failure, "its answer breaks the rules of HTTP");
  return 0;
}

void Client::finish(int32_t stream, Request::End end, std::string reason) {
  Request* const request = find(stream);
  const uint64_t slot = request->slot;
  request->end = end;
  request->reason = std::move(reason);
  consumed_ += request->received.size();
  finished_.push_back(std::move(*request));
  requests_.remove(slot);
  nghttp2_session_set_stream_user_data(session_.get(), stream, nullptr);
}

void Client::tell_finished() {
  std::vector<Request> finished = std::exchange(finished_, {});
  for (Request& request : finished) {
    switch (request.end) {
      case Request::End::Response:
        request.response.body = request.received;
        user_.on_response(request.number, request.response);
        break;
      case Request::End::Refused:
        user_.on_refused(request.number);
        break;
      case Request::End::Failure:
        user_.on_failure(request.number, request.reason);
        break;
    }
  }
  finished.clear();
  finished_ = std::move(finished);  // kept for its memory
  nghttp2_session_consume_connection(session_.get(), std::exchange(consumed_, 0));
}

void Client::on_open() { user_.on_open(); }

void Client::on_bytes(dns::BytesView bytes) {
  const ssize_t taken = nghttp2_session_mem_recv(session_.get(), bytes.data(), bytes.size());
  collect();
  tell_finished();
  if (taken < 0)
    return user_.on_end(UV_EPROTO,
                        std::string("not HTTP/2: ") + nghttp2_strerror(static_cast<int>(taken)));
  const bool is_over = nghttp2_session_want_read(session_.get()) == 0;
  if (is_over && (!is_going_away_ || !requests_.empty())) {
    flush();  // tells the server why
    return user_.on_end(UV_EPROTO, "it has broken the rules of HTTP/2");
  }
  user_.on_turn();
}

}  // namespace

std::string http2_version() { return std::string("nghttp2 ") + nghttp2_version(0)->version_str; }

std::unique_ptr<RequestClient> make_http2_client(const HttpTarget& target, const OpenStream& open,
                                                 RequestClient::User& user) {
  return std::make_unique<Client>(target, open, user);
}

}  // namespace dnslet::io

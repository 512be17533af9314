// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// io/http3 by nghttp3, without tables that compress headers: what is sent and read is as it stands.
// Nobody is told anything from inside the library: what it says gathers until it is done.

#include <nghttp3/nghttp3.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "io/http3.h"
#include "io/http_fields.h"
#include "io/stream_requests.h"

namespace dnslet::io {
namespace {

struct FreeSession {
  void operator()(nghttp3_conn* session) const { nghttp3_conn_del(session); }
};

std::string_view text_of(const nghttp3_rcbuf* buffer) {
  const nghttp3_vec bytes = nghttp3_rcbuf_get_buf(buffer);
  return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

// A header of ours, whose text stays where it is until it has been sent.
nghttp3_nv field(std::string_view name, std::string_view value) {
  // The library only reads them.
  const auto bytes = [](std::string_view text) {
    return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));  // NOLINT
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP3_NV_FLAG_NONE};
}

class Client final : public StreamRequester {
 public:
  Client(const HttpTarget& target, const OpenQuic& open, RequestClient::User& user)
      : StreamRequester(open, user), target_(target) {}

  void flush() override;
  bool takes_more() const override { return StreamRequester::takes_more() && !is_going_away_; }

 private:
  static Client& self(void* user_data) { return *static_cast<Client*>(user_data); }
  static nghttp3_ssize read_body(nghttp3_conn* session, int64_t stream, nghttp3_vec* pieces,
                                 std::size_t count, uint32_t* flags, void* user_data, void*);
  static int on_header(nghttp3_conn* session, int64_t stream, int32_t token, nghttp3_rcbuf* name,
                       nghttp3_rcbuf* value, uint8_t flags, void* user_data, void*);
  static int on_data(nghttp3_conn* session, int64_t stream, const uint8_t* bytes, std::size_t size,
                     void* user_data, void*);
  static int on_last(nghttp3_conn* session, int64_t stream, void* user_data, void*);
  static int on_close(nghttp3_conn* session, int64_t stream, uint64_t code, void* user_data, void*);
  static int on_goaway(nghttp3_conn* session, int64_t first, void* user_data);

  void on_open() override;
  void on_stream(uint64_t stream, dns::BytesView bytes, QuicConnection::Last last) override;
  void on_reset(uint64_t stream, uint64_t code) override;

  void make_session();
  bool bind_streams();
  void submit(uint64_t stream);
  void write_queued();
  void close_stream(uint64_t stream, uint64_t code);
  void violate(int error);
  void violate(const char* how, uint64_t code);

  const HttpTarget& target_;
  std::vector<uint64_t> dropped_;  // streams of requests that ended before these
  bool is_going_away_ = false;
  std::unique_ptr<nghttp3_conn, FreeSession> session_;
};

void Client::make_session() {
  nghttp3_callbacks callbacks{};
  callbacks.recv_header = on_header;
  callbacks.recv_data = on_data;
  callbacks.end_stream = on_last;
  callbacks.stream_close = on_close;
  callbacks.shutdown = on_goaway;
  nghttp3_settings settings;
  nghttp3_settings_default(&settings);
  settings.qpack_encoder_max_dtable_capacity = 0;
  nghttp3_conn* session = nullptr;
  if (nghttp3_conn_client_new(&session, &callbacks, &settings, nghttp3_mem_default(), this) != 0)
    std::abort();  // no memory is left
  session_.reset(session);
}

// RFC 9114 section 6.2: what a connection can't be without. False: the server takes no streams.
bool Client::bind_streams() {
  std::array<int64_t, 3> streams{};
  for (int64_t& stream : streams) {
    const auto opened = quic().open_stream(QuicConnection::Direction::Out);
    if (!opened) return false;
    stream = static_cast<int64_t>(*opened);
  }
  return nghttp3_conn_bind_control_stream(session_.get(), streams[0]) == 0 &&
         nghttp3_conn_bind_qpack_streams(session_.get(), streams[1], streams[2]) == 0;
}

void Client::on_open() {
  make_session();
  if (!bind_streams()) return on_end(UV_EPROTO, "it takes no streams of HTTP/3");
  StreamRequester::on_open();
}

void Client::flush() {
  while (requests().is_waiting() && takes_more()) {
    const auto stream = quic().open_stream(QuicConnection::Direction::Both);
    if (!stream) break;
    requests().begin(*stream);
    submit(*stream);
  }
  write_queued();
  quic().flush();
}

void Client::submit(uint64_t stream) {
  const std::string length = std::to_string(requests().find(stream)->sent.size());
  const std::array fields = {field(":method", "POST"),
                             field(":scheme", "https"),
                             field(":authority", target_.authority),
                             field(":path", target_.path),
                             field("accept", target_.media_type),
                             field("content-type", target_.media_type),
                             field("content-length", length)};
  const nghttp3_data_reader body = {read_body};
  if (nghttp3_conn_submit_request(session_.get(), static_cast<int64_t>(stream), fields.data(),
                                  fields.size(), &body, nullptr) != 0)
    requests().finish(stream, End::Refused);
}

// NOLINTNEXTLINE(readability-function-size): as the library calls it
nghttp3_ssize Client::read_body(nghttp3_conn*, int64_t stream, nghttp3_vec* pieces, std::size_t,
                                uint32_t* flags, void* user_data, void*) {
  *flags |= NGHTTP3_DATA_FLAG_EOF;
  auto* const request = self(user_data).requests().find(static_cast<uint64_t>(stream));
  if (!request) return 0;
  pieces[0] = {request->sent.data(), request->sent.size()};
  return 1;
}

// What has been written is a copy: to the library it is acknowledged.
void Client::write_queued() {
  std::array<nghttp3_vec, 8> pieces{};
  while (StreamRequester::takes_more()) {  // ends: what is queued is finite
    int64_t stream = -1;
    int is_last = 0;
    const nghttp3_ssize count =
        nghttp3_conn_writev_stream(session_.get(), &stream, &is_last, pieces.data(), pieces.size());
    if (count < 0) return violate(static_cast<int>(count));
    if (stream < 0) return;
    dns::Bytes bytes;
    for (const nghttp3_vec& piece : std::span(pieces).first(static_cast<std::size_t>(count)))
      bytes.insert(bytes.end(), piece.base, piece.base + piece.len);
    const auto number = static_cast<uint64_t>(stream);
    const auto last = is_last ? QuicConnection::Last::Yes : QuicConnection::Last::No;
    const bool is_written = quic().write(number, bytes, last);
    (void)nghttp3_conn_add_write_offset(session_.get(), stream, bytes.size());
    (void)nghttp3_conn_add_ack_offset(session_.get(), stream, bytes.size());
    if (is_written) continue;
    nghttp3_conn_shutdown_stream_write(session_.get(), stream);
    if (requests().find(number)) requests().finish(number, End::Failure, "it takes no question");
  }
}

// NOLINTNEXTLINE(readability-function-size): as the library calls it
int Client::on_header(nghttp3_conn*, int64_t stream, int32_t, nghttp3_rcbuf* name,
                      nghttp3_rcbuf* value, uint8_t, void* user_data, void*) {
  auto* const request = self(user_data).requests().find(static_cast<uint64_t>(stream));
  if (request) note_field(request->response, text_of(name), text_of(value));
  return 0;
}

// NOLINTNEXTLINE(readability-function-size): as the library calls it
int Client::on_data(nghttp3_conn*, int64_t stream, const uint8_t* bytes, std::size_t size,
                    void* user_data, void*) {
  Client& client = self(user_data);
  const auto number = static_cast<uint64_t>(stream);
  auto* const request = client.requests().find(number);
  if (!request) return 0;
  if (request->received.size() + size > kMaxBody) {
    client.requests().finish(number, End::Failure, "its answer has more than 65,535 bytes");
    client.dropped_.push_back(number);
    return 0;
  }
  request->received.insert(request->received.end(), bytes, bytes + size);
  return 0;
}

int Client::on_last(nghttp3_conn*, int64_t stream, void* user_data, void*) {
  StreamRequests& requests = self(user_data).requests();
  const auto number = static_cast<uint64_t>(stream);
  if (requests.find(number)) requests.finish(number, End::Response);
  return 0;
}

// NOLINTNEXTLINE(readability-function-size): as the library calls it
int Client::on_close(nghttp3_conn*, int64_t stream, uint64_t code, void* user_data, void*) {
  StreamRequests& requests = self(user_data).requests();
  const auto number = static_cast<uint64_t>(stream);
  if (!requests.find(number)) return 0;
  if (code == NGHTTP3_H3_REQUEST_REJECTED)
    requests.finish(number, End::Refused);
  else
    requests.finish(number, End::Failure, "it has reset a request: error " + std::to_string(code));
  return 0;
}

// What comes from there on has not been looked at (RFC 9114 section 5.2).
int Client::on_goaway(nghttp3_conn*, int64_t first, void* user_data) {
  Client& client = self(user_data);
  client.is_going_away_ = true;
  for (const auto& [stream, request] : client.requests().all_open())
    if (stream >= static_cast<uint64_t>(first)) client.dropped_.push_back(stream);
  for (const uint64_t stream : client.dropped_)
    if (client.requests().find(stream)) client.requests().finish(stream, End::Refused);
  client.requests().refuse_waiting();
  return 0;
}

// A stream in both directions is not the server's to open (RFC 9114 section 6.1): the library takes
// that for a mistake of ours.
void Client::on_stream(uint64_t stream, dns::BytesView bytes, QuicConnection::Last last) {
  constexpr uint64_t kOfServer = 1, kKinds = 4;  // RFC 9000 section 2.1
  if (stream % kKinds == kOfServer)
    return violate("it opens a stream for requests", NGHTTP3_H3_STREAM_CREATION_ERROR);
  const int is_last = last == QuicConnection::Last::Yes ? 1 : 0;
  const nghttp3_ssize taken = nghttp3_conn_read_stream(session_.get(), static_cast<int64_t>(stream),
                                                       bytes.data(), bytes.size(), is_last);
  if (taken < 0) return violate(static_cast<int>(taken));
  if (is_last) close_stream(stream, NGHTTP3_H3_NO_ERROR);
  for (const uint64_t dropped : std::exchange(dropped_, {})) {
    quic().drop(dropped);
    close_stream(dropped, NGHTTP3_H3_REQUEST_CANCELLED);
  }
}

void Client::on_reset(uint64_t stream, uint64_t code) { close_stream(stream, code); }

void Client::close_stream(uint64_t stream, uint64_t code) {
  const int status = nghttp3_conn_close_stream(session_.get(), static_cast<int64_t>(stream), code);
  if (status != 0 && status != NGHTTP3_ERR_STREAM_NOT_FOUND) violate(status);
}

void Client::violate(int error) {
  violate(nghttp3_strerror(error), nghttp3_err_infer_quic_app_error_code(error));
}

void Client::violate(const char* how, uint64_t code) {
  StreamRequester::violate(std::string("it has broken the rules of HTTP/3: ") + how, code);
}

}  // namespace

bool has_http3() { return true; }

std::string http3_version() { return std::string("nghttp3 ") + nghttp3_version(0)->version_str; }

std::unique_ptr<RequestClient> make_http3_client(const HttpTarget& target, const OpenQuic& open,
                                                 RequestClient::User& user) {
  return std::make_unique<Client>(target, open, user);
}

}  // namespace dnslet::io

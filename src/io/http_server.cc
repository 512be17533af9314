// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/http_server.h"

#include <algorithm>
#include <utility>

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
    case 421:
      return "Misdirected Request";
    case 503:
      return "Service Unavailable";
    default:
      return "Bad Request";
  }
}

// RFC 9110 section 9.3.2: HEAD gets the same head and no body.
std::string text_of(const HttpResponse& response, bool has_body) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + ' ' +
                     reason_of(response.status) + "\r\nContent-Type: " + response.type +
                     "\r\nContent-Length: " + std::to_string(response.body.size()) +
                     "\r\nCache-Control: no-store\r\nConnection: close\r\n";
  if (response.status == 405) text += "Allow: GET, HEAD\r\n";
  text += "\r\n";
  return has_body ? text + response.body : text;
}

// A write owns its bytes until its callback.
struct Write {
  uv_write_t request;
  std::string bytes;
};

}  // namespace

// States of a connection, one after the other:
//   reading    the head is not complete
//   answering  whoever decides has it
//   writing    the response is on its way
//   draining   our side is closed; waits for the client to close its own, lest the system throws
//              away what the client has not read yet
class HttpServer::Client {
 public:
  Client(HttpServer& server, Handle<uv_tcp_t> connection)
      : server_(server), deadline_(server.loop_.now() + kTime), handle_(std::move(connection)) {
    handle_->data = this;
  }

  Milliseconds deadline() const { return deadline_; }

  void start(uint64_t id) {
    id_ = id;
    const auto allocate = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
      auto* const client = static_cast<Client*>(handle->data);
      if (!client) return;
      buffer->base = client->server_.incoming_.data();
      buffer->len = client->server_.incoming_.size();
    };
    const auto read = [](uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
      if (auto* const client = static_cast<Client*>(stream->data)) client->on_read(count);
    };
    (void)uv_read_start(stream(), allocate, read);
  }

  void respond(const HttpResponse& response) {
    if (state_ != State::Answering) return;
    state_ = State::Writing;
    auto* const write = new Write{{}, text_of(response, !is_head_request_)};
    write->request.data = write;
    const uv_buf_t buffer =
        uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
    const auto done = [](uv_write_t* request, int status) {
      const std::unique_ptr<Write> owned(static_cast<Write*>(request->data));
      auto* const client = static_cast<Client*>(request->handle->data);
      if (client) client->on_written(status);
    };
    if (uv_write(&write->request, stream(), &buffer, 1, done) == 0) return;
    delete write;
    state_ = State::Draining;  // the deadline ends it
  }

  void expect_answer(bool is_head_request) {
    state_ = State::Answering;
    is_head_request_ = is_head_request;
  }

 private:
  enum class State { Reading, Answering, Writing, Draining };

  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(handle_.get()); }

  void on_read(ssize_t count) {
    if (count == UV_EOF && (state_ == State::Answering || state_ == State::Writing)) {
      has_ended_ = true;  // it may still read
      return;
    }
    if (count < 0) {
      server_.remove(id_);
      return;
    }
    const auto size = static_cast<std::size_t>(count);
    if (state_ == State::Reading) {
      take(std::string_view(server_.incoming_.data(), size));
    } else {
      ignored_ += size;
      if (ignored_ > kMaxIgnored) server_.remove(id_);
    }
  }

  void take(std::string_view bytes) {
    const std::size_t seen = head_.size();
    head_ += bytes;
    const auto size = size_of_head(head_, seen);
    if (!size && head_.size() <= kMaxHead) return;
    server_.on_head(id_, std::string_view(head_).substr(0, size.value_or(0)));
  }

  void on_written(int status) {
    if (status < 0 || has_ended_) {
      server_.remove(id_);
      return;
    }
    state_ = State::Draining;
    auto* const request = new uv_shutdown_t;
    const auto done = [](uv_shutdown_t* ended, int) { delete ended; };
    if (uv_shutdown(request, stream(), done) != 0) delete request;
  }

  HttpServer& server_;
  uint64_t id_ = 0;
  Milliseconds deadline_;
  State state_ = State::Reading;
  bool is_head_request_ = false;
  bool has_ended_ = false;  // the client has closed its side
  std::string head_;
  std::size_t ignored_ = 0;
  Handle<uv_tcp_t> handle_;
};

HttpServer::HttpServer(Loop& loop, OnRequest on_request)
    : loop_(loop), on_request_(std::move(on_request)), timer_(loop, [this] { on_time(); }) {}

HttpServer::~HttpServer() = default;

void HttpServer::add(Handle<uv_tcp_t> connection) {
  if (clients_.size() >= kMaxClients) remove(clients_.oldest());
  const uint64_t id = clients_.add(std::make_unique<Client>(*this, std::move(connection)));
  (*clients_.find(id))->start(id);
  if (!timer_.is_active()) timer_.start_once(kTime);
}

void HttpServer::respond(uint64_t client, const HttpResponse& response) {
  if (const auto* const found = clients_.find(client)) (*found)->respond(response);
}

// `head` is empty where it was too long.
void HttpServer::on_head(uint64_t client, std::string_view head) {
  const auto request = parse_http_head(head);
  (*clients_.find(client))->expect_answer(request && request->method == "HEAD");
  if (request) {
    on_request_(client, *request);
  } else {
    respond(client, {.status = 400, .body = "bad request\n"});
  }
}

void HttpServer::remove(uint64_t client) { clients_.remove(client); }

void HttpServer::on_time() {
  while (const uint64_t oldest = clients_.oldest()) {  // ends: every turn removes one, or stops
    const Milliseconds deadline = (*clients_.find(oldest))->deadline();
    if (deadline > loop_.now()) {
      timer_.start_once(deadline - loop_.now());
      return;
    }
    remove(oldest);
  }
}

}  // namespace dnslet::io

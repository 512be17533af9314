// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/http_server.h"

#include <algorithm>
#include <utility>

#include "io/tcp_stream.h"

namespace dnslet::io {

// States of a connection, one after the other:
//   reading    the head is not complete
//   answering  whoever decides has it
//   writing    the response is on its way
//   draining   our side is closed; waits for the client to close its own, lest the system throws
//              away what the client has not read yet
class HttpServer::Client final : private Stream::User {
 public:
  Client(HttpServer& server, Handle<uv_tcp_t> connection)
      : server_(server),
        deadline_(server.loop_.now() + kTime),
        stream_(std::move(connection), *this) {}

  Milliseconds deadline() const { return deadline_; }

  void start(uint64_t id) {
    id_ = id;
    stream_.start_reading();
  }

  void respond(const HttpReply& response) {
    if (state_ != State::Answering) return;
    state_ = State::Writing;
    std::string text = http1_head(response, Connection::Closes);
    if (!is_head_request_) text += response.body;  // RFC 9110 section 9.3.2
    stream_.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    if (stream_.unsent() == 0) on_written();
  }

  void expect_answer(bool is_head_request) {
    state_ = State::Answering;
    is_head_request_ = is_head_request;
  }

 private:
  enum class State { Reading, Answering, Writing, Draining };

  void on_bytes(dns::BytesView bytes) override {
    if (state_ == State::Reading) {
      take({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    } else {
      ignored_ += bytes.size();
      if (ignored_ > kMaxIgnored) server_.remove(id_);
    }
  }

  void on_end(int status) override {
    const bool may_read = state_ == State::Answering || state_ == State::Writing;
    if (status == UV_EOF && may_read)
      has_ended_ = true;
    else
      server_.remove(id_);
  }

  void take(std::string_view bytes) {
    const std::size_t seen = head_.size();
    head_ += bytes;
    const auto size = size_of_head(head_, seen);
    if (!size && head_.size() <= kMaxHead) return;
    server_.on_head(id_, std::string_view(head_).substr(0, size.value_or(0)));
  }

  // The response is on its way. A client that has closed its side has nothing more to say.
  void on_written() override {
    state_ = State::Draining;
    stream_.finish();
    if (has_ended_) server_.remove(id_);
  }

  HttpServer& server_;
  uint64_t id_ = 0;
  Milliseconds deadline_;
  State state_ = State::Reading;
  bool is_head_request_ = false;
  bool has_ended_ = false;  // the client has closed its side
  std::string head_;
  std::size_t ignored_ = 0;
  TcpStream stream_;
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

void HttpServer::respond(uint64_t client, const HttpReply& response) {
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

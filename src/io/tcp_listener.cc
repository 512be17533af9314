// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/tcp_listener.h"

#include <algorithm>
#include <utility>

namespace dnslet::io {
namespace {

constexpr int kBacklog = 511;

}  // namespace

TcpClients::TcpClients(Loop& loop, const TcpLimits& limits, TcpClient::OnQuestion on_question)
    : loop_(loop),
      limits_(limits),
      events_{std::move(on_question), [this](uint64_t client) { on_activity(client); },
              [this](uint64_t client) { on_gone(client); }},
      buffers_(new TcpBuffers),
      idle_timer_(loop, [this] { close_idle(); }) {}

TcpClients::~TcpClients() = default;

void TcpClients::add(Handle<uv_tcp_t> connection) {
  if (clients_.size() >= limits_.max_clients) {
    ++closed_by_limit_;
    const auto idle = std::ranges::find_if(
        by_activity_, [this](uint64_t id) { return !clients_.at(id).client->has_unanswered(); });
    on_gone(idle == by_activity_.end() ? by_activity_.front() : *idle);
  }
  const uint64_t id = next_id_++;
  by_activity_.push_back(id);
  auto client = std::make_unique<TcpClient>(id, std::move(connection), *buffers_, events_);
  TcpClient& started = *client;
  clients_.emplace(id, Entry{std::move(client), loop_.now(), std::prev(by_activity_.end())});
  if (!idle_timer_.is_active()) idle_timer_.start_once(limits_.idle);
  started.start();
}

void TcpClients::send(uint64_t client, dns::BytesView answer) {
  const auto found = clients_.find(client);
  if (found != clients_.end()) found->second.client->send(answer);
}

void TcpClients::on_activity(uint64_t client) {
  Entry& entry = clients_.at(client);
  entry.active = loop_.now();
  by_activity_.splice(by_activity_.end(), by_activity_, entry.in_order);
}

void TcpClients::on_gone(uint64_t client) {
  const auto found = clients_.find(client);
  by_activity_.erase(found->second.in_order);
  clients_.erase(found);
}

// Closes whoever was idle for too long; a client that still waits for an answer is not idle. Ends:
// every turn closes the first one, moves it to the back with the present time, or stops.
void TcpClients::close_idle() {
  while (!by_activity_.empty()) {
    const uint64_t first = by_activity_.front();
    const Entry& entry = clients_.at(first);
    const Milliseconds left = entry.active + limits_.idle - loop_.now();
    if (left > Milliseconds(0)) {
      idle_timer_.start_once(left);
      return;
    }
    if (entry.client->has_unanswered()) {
      on_activity(first);
    } else {
      on_gone(first);
    }
  }
}

Result<std::unique_ptr<TcpListener>> TcpListener::start(Loop& loop, Descriptor socket,
                                                        OnConnection on_connection) {
  std::unique_ptr<TcpListener> listener(
      new TcpListener(bound_endpoint(socket), std::move(on_connection)));
  Handle<uv_tcp_t> handle(new uv_tcp_t);
  uv_tcp_init(loop.get(), handle.get());
  listener->handle_ = std::move(handle);
  listener->handle_->data = listener.get();

  int status = uv_tcp_open(listener->handle_.get(), socket.get());
  if (status == 0) {
    (void)socket.release();  // the handle closes it
    const auto call = [](uv_stream_t* stream, int listen_status) {
      if (auto* owner = static_cast<TcpListener*>(stream->data)) owner->accept(listen_status);
    };
    status = uv_listen(reinterpret_cast<uv_stream_t*>(listener->handle_.get()), kBacklog, call);
  }
  if (status == 0) return listener;
  return Error{"cannot listen on " + listener->endpoint_.to_text() +
               "/tcp: " + uv_strerror(status)};
}

void TcpListener::accept(int status) {
  if (status < 0) return;  // out of descriptors: libuv has dropped the connection
  Handle<uv_tcp_t> connection(new uv_tcp_t);
  uv_tcp_init(handle_->loop, connection.get());
  connection->data = nullptr;
  auto* const server = reinterpret_cast<uv_stream_t*>(handle_.get());
  if (uv_accept(server, reinterpret_cast<uv_stream_t*>(connection.get())) != 0) return;
  (void)uv_tcp_nodelay(connection.get(), 1);  // answers are written whole: waiting gains nothing
  on_connection_(std::move(connection));
}

}  // namespace dnslet::io

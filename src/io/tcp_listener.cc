// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/tcp_listener.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/tcp_stream.h"

namespace dnslet::io {
namespace {

constexpr int kBacklog = 511;
constexpr int kMaxAccepted = 64;     // in a turn of the loop, in which others wait too
constexpr Milliseconds kPause{100};  // where there is no descriptor left

// Of accept4(): the client has gone before it was accepted (accept(2)), or a signal came.
bool is_passing(int error) { return error == ECONNABORTED || error == EINTR || error == EPROTO; }

IpAddress peer_of(const uv_tcp_t* connection) {
  SocketAddress peer;
  int size = sizeof peer.v6;
  return uv_tcp_getpeername(connection, &peer.any, &size) == 0 ? peer.address() : IpAddress();
}

}  // namespace

TcpClients::TcpClients(Loop& loop, const TcpLimits& limits, StreamClient::OnQuestion on_question)
    : loop_(loop),
      limits_(limits),
      events_{std::move(on_question), [this](uint64_t client) { on_activity(client); },
              [this](uint64_t client) { on_gone(client); }},
      buffers_(new TcpBuffers),
      idle_timer_(loop, [this] { close_idle(); }) {}

TcpClients::~TcpClients() = default;

void TcpClients::add(Handle<uv_tcp_t> connection, std::size_t listener, const Service& service) {
  const IpAddress address = peer_of(connection.get());
  const OpenStream accept = [&connection](Stream::User& user) {
    return std::make_unique<TcpStream>(std::move(connection), user);
  };
  const OpenStream open = [&](Stream::User& user) {
    return service.tls ? service.tls->accept(accept, user) : accept(user);
  };
  add(address, listener,
      [&](const TcpPeer& peer, TcpBuffers& buffers, const StreamClient::Events& events) {
        return std::make_unique<TcpClient>(peer, open, service.make_framing(), buffers, events);
      });
}

void TcpClients::add(const IpAddress& address, std::size_t listener, const MakeClient& make) {
  if (clients_.size() >= limits_.max_clients) {
    if (!close_longest_idle(Among::All)) on_gone(by_activity_.front());
    ++closed_by_limit_;
  }
  const uint64_t id = next_id_++;
  by_activity_.push_back(id);
  auto client = make({id, address, listener}, *buffers_, events_);
  StreamClient& started = *client;
  clients_.emplace(id, Entry{std::move(client), loop_.now(), std::prev(by_activity_.end())});
  if (!idle_timer_.is_active()) idle_timer_.start_once(limits_.idle);
  started.start();
}

void TcpClients::send(uint64_t client, uint64_t request, dns::BytesView answer) {
  const auto found = clients_.find(client);
  if (found != clients_.end()) found->second.client->send(request, answer);
}

void TcpClients::drop(uint64_t client, uint64_t request) {
  const auto found = clients_.find(client);
  if (found != clients_.end()) found->second.client->drop(request);
}

bool TcpClients::close_longest_idle(Among among) {
  const auto idle = std::ranges::find_if(by_activity_, [this, among](uint64_t id) {
    const StreamClient& client = *clients_.at(id).client;
    return !client.has_unanswered() && (among == Among::All || client.has_descriptor());
  });
  if (idle == by_activity_.end()) return false;
  on_gone(*idle);
  return true;
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
  // With the first handle libuv opens a descriptor of its own: now, while there are some.
  const Handle<uv_tcp_t> first(new uv_tcp_t);
  uv_tcp_init(loop.get(), first.get());
  std::unique_ptr<TcpListener> listener(
      new TcpListener(loop, std::move(socket), std::move(on_connection)));
  if (listen(listener->socket_.get(), kBacklog) == 0) {
    listener->watch_.start(UV_READABLE);
    return listener;
  }
  return Error{"cannot listen on " + listener->endpoint_.to_text() +
               "/tcp: " + uv_strerror(-errno)};
}

TcpListener::TcpListener(Loop& loop, Descriptor socket, OnConnection on_connection)
    : loop_(loop),
      socket_(std::move(socket)),
      endpoint_(bound_endpoint(socket_)),
      on_connection_(std::move(on_connection)),
      watch_(loop, socket_.get(), [this](int) { accept_all(); }),
      pause_timer_(loop, [this] { watch_.start(UV_READABLE); }) {}

// Not libuv's accept: without a descriptor that one drops whoever comes, and tells nobody.
void TcpListener::accept_all() {
  for (int left = kMaxAccepted; left > 0; --left) {
    Descriptor socket = accept_one();
    if (!socket && loop_.free_descriptor(errno)) socket = accept_one();
    if (!socket && is_passing(errno)) continue;
    if (!socket && errno == EAGAIN) return;
    if (!socket) {  // they wait in the kernel
      watch_.start(0);
      return pause_timer_.start_once(kPause);
    }
    Handle<uv_tcp_t> connection(new uv_tcp_t);
    uv_tcp_init(loop_.get(), connection.get());
    connection->data = nullptr;
    if (uv_tcp_open(connection.get(), socket.get()) != 0) continue;
    (void)socket.release();                     // the handle closes it
    (void)uv_tcp_nodelay(connection.get(), 1);  // answers are written whole: waiting gains nothing
    on_connection_(std::move(connection));
  }
}

Descriptor TcpListener::accept_one() const {
  return Descriptor(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

}  // namespace dnslet::io

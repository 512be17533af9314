// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/line_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace dnslet::io {
namespace {

constexpr int kMaxAccepted = 64;     // in a turn of the loop, in which others wait too
constexpr Milliseconds kPause{100};  // where there is no descriptor left

// Whatever has become of the socket's mode (unix(7)).
bool may_ask(const Descriptor& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == 0 || peer.uid == geteuid());
}

bool may_go_on(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

// States of a connection, one after the other:
//   reading    the line is not complete; what has come so far is text_
//   answering  whenever the system takes some of it, the next piece is made; text_ is what of the
//              last one it has not taken
class LineServer::Client {
 public:
  Client(LineServer& server, Descriptor socket)
      : server_(server),
        socket_(std::move(socket)),
        watch_(server.loop_, socket_.get(), [this](int) { on_ready(); }),
        timer_(server.loop_, [this] { end(); }) {
    note_progress();
    watch_.start(UV_READABLE);
  }

  static Milliseconds active_of(const std::unique_ptr<Client>& client) { return client->active_; }

 private:
  void note_progress() {
    active_ = server_.loop_.now();
    timer_.start_once(kIdle);
  }

  // Destroys this.
  void end() { server_.remove(this); }

  void on_ready() { answer_ ? write() : read(); }

  void read() {
    std::array<char, kMaxLine> bytes;
    const ssize_t count = recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (count < 0) return may_go_on(errno) ? void() : end();
    text_.append(bytes.data(), static_cast<std::size_t>(count));
    note_progress();
    const std::size_t line_end = text_.find('\n');
    const bool is_whole = line_end != std::string::npos || text_.size() >= kMaxLine;
    if (count == 0 && text_.empty()) return end();
    if (!is_whole && count > 0) return;  // where nothing more will come, it is all of the line
    answer_ = server_.on_line_(std::string_view(text_).substr(0, line_end));
    text_.clear();
    watch_.start(UV_WRITABLE);
  }

  // A piece at a time: others wait too.
  void write() {
    if (text_.empty() && has_more_) has_more_ = answer_(text_);
    const ssize_t sent = send(socket_.get(), text_.data(), text_.size(), MSG_NOSIGNAL);
    if (sent < 0) return may_go_on(errno) ? void() : end();
    text_.erase(0, static_cast<std::size_t>(sent));
    note_progress();
    if (text_.empty() && !has_more_) end();
  }

  LineServer& server_;
  Milliseconds active_{0};
  std::string text_;
  Answer answer_;
  bool has_more_ = true;
  Descriptor socket_;
  Watch watch_;
  Timer timer_;
};

LineServer::LineServer(Loop& loop, const LocalSocket& socket, OnLine on_line)
    : loop_(loop),
      socket_(socket),
      on_line_(std::move(on_line)),
      watch_(loop, socket.fd(), [this](int) { accept_all(); }),
      pause_(loop, [this] { start(); }) {}

LineServer::~LineServer() = default;

void LineServer::accept_all() {
  for (int left = kMaxAccepted; left > 0; --left) {
    const auto accept_one = [this] {
      return Descriptor(accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    };
    Descriptor socket = accept_one();
    if (!socket && loop_.free_descriptor(errno)) socket = accept_one();
    if (socket) {
      add(std::move(socket));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != ECONNABORTED && errno != EINTR) {  // they wait in the kernel
      watch_.start(0);
      return pause_.start_once(kPause);
    }
  }
}

void LineServer::add(Descriptor socket) {
  if (!may_ask(socket)) return;
  if (clients_.size() >= kMaxClients)
    remove(std::ranges::min_element(clients_, {}, &Client::active_of)->get());
  clients_.push_back(std::make_unique<Client>(*this, std::move(socket)));
}

void LineServer::remove(const Client* client) {
  std::erase_if(clients_, [client](const auto& one) { return one.get() == client; });
}

}  // namespace dnslet::io

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// The nameserver behind the servers under test: stub_upstream [PORT], over UDP and TCP, with the
// answers of stub_answer.h. On SIGTERM it prints how many questions
// have come: that tells what a cache has kept.

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>
#include <vector>

#include "datagrams.h"
#include "stub_answer.h"

namespace {

volatile std::sig_atomic_t is_over = 0;

// One TCP client: what it has sent is answered in one write a turn.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  Connection(Connection&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), incoming_(std::move(other.incoming_)) {}
  Connection& operator=(Connection&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(incoming_, other.incoming_);
    return *this;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    if (fd_ >= 0) close(fd_);
  }

  int fd() const { return fd_; }

  // Answers what is there; adds the number of answers. False: the client has gone, or can't be
  // understood, or does not read.
  bool serve(unsigned long& answered) {
    std::array<uint8_t, 65536> buffer;
    const ssize_t size = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size <= 0) return false;
    incoming_.insert(incoming_.end(), buffer.begin(), buffer.begin() + size);
    std::vector<uint8_t> outgoing;
    if (!bench::answer_frames(incoming_, outgoing, answered)) return false;
    const auto sent = send(fd_, outgoing.data(), outgoing.size(), MSG_NOSIGNAL);
    return sent == static_cast<ssize_t>(outgoing.size());
  }

 private:
  int fd_;
  std::vector<uint8_t> incoming_;
};

// A TCP socket at the port of the UDP one.
int tcp_beside(int udp) {
  sockaddr_in address{};
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd < 0 || getsockname(udp, any, &size) != 0 || bind(fd, any, size) != 0 ||
      listen(fd, 128) != 0)
    bench::fail("cannot listen");
  return fd;
}

unsigned long serve_datagrams(int fd, bench::Batch& batch) {
  const std::size_t received = batch.receive(fd, MSG_DONTWAIT);
  for (std::size_t i = 0; i < received; ++i)
    batch.set_size(i, bench::answer(batch.packet(i), batch.received_size(i)));
  batch.send_back(fd, received);
  return received;
}

}  // namespace

int main(int count, char** words) {
  const int udp = bench::listening_socket(count > 1 ? bench::number_from_text(words[1]) : 0);
  const int tcp = tcp_beside(udp);
  struct sigaction ending {};
  ending.sa_handler = [](int) { is_over = 1; };
  sigaction(SIGTERM, &ending, nullptr);  // without SA_RESTART: it interrupts poll()

  static bench::Batch batch;
  std::vector<Connection> connections;
  unsigned long answered = 0;
  std::vector<pollfd> watched;
  while (!is_over) {
    watched.assign({{udp, POLLIN, 0}, {tcp, POLLIN, 0}});
    for (const Connection& connection : connections)
      watched.push_back({connection.fd(), POLLIN, 0});
    if (poll(watched.data(), watched.size(), 1000) <= 0) continue;
    if (watched[0].revents != 0) answered += serve_datagrams(udp, batch);
    for (std::size_t i = connections.size(); i-- > 0;)
      if (watched[i + 2].revents != 0 && !connections[i].serve(answered))
        connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i));
    if (watched[1].revents != 0) connections.emplace_back(accept(tcp, nullptr, nullptr));
  }
  std::printf("answered %lu\n", answered);
}

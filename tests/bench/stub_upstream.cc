// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// The nameserver behind the servers under test: stub_upstream [PORT], over UDP and TCP. Every A
// question gets one address for 3600 seconds, any other type an empty answer. Names that begin with
// x do not exist, those that begin with t get no answer. On SIGTERM it prints how many questions
// have come: that tells what a cache has kept.

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>
#include <vector>

#include "datagrams.h"

namespace {

volatile std::sig_atomic_t is_over = 0;

// Owner (a pointer to the question), SOA, IN, 3600 seconds, 22 bytes: root, root, five numbers; the
// last one is MINIMUM, 3600.
constexpr std::array<uint8_t, 34> kAuthorityRecord = {0xc0, 12, 0, 6, 0, 1, 0, 0, 0x0e, 16, 0, 22,
                                                      0,    0,  0, 0, 0, 1, 0, 0, 0,    1,  0, 0,
                                                      0,    1,  0, 0, 0, 1, 0, 0, 0x0e, 16};

// Where the question section of one question ends; 0: it does not.
std::size_t question_end(const uint8_t* packet, std::size_t size) {
  std::size_t at = bench::kHeaderSize;
  while (at < size && packet[at] != 0) at += packet[at] + 1U;
  at += 5;
  return at <= size ? at : 0;
}

// Turns the question into its answer and returns the answer's size; 0: there is none. Its OPT, if
// any, is left out.
std::size_t answer(uint8_t* packet, std::size_t size) {
  const std::size_t end = question_end(packet, size);
  if (end == 0 || end + kAuthorityRecord.size() > bench::kMaxPacket) return 0;
  const uint8_t letter = packet[bench::kHeaderSize + 1];
  if (letter == 't') return 0;
  const bool is_address = packet[end - 4] == 0 && packet[end - 3] == 1;
  packet[2] = static_cast<uint8_t>(0x80 | (packet[2] & 0x01));
  packet[3] = 0x80;
  std::fill_n(packet + 6, 6, uint8_t{0});
  if (letter == 'x') {
    packet[3] |= 3;  // NXDOMAIN
    packet[9] = 1;
    std::ranges::copy(kAuthorityRecord, packet + end);
    return end + kAuthorityRecord.size();
  }
  if (!is_address) return end;
  packet[7] = 1;
  std::ranges::copy(bench::kAnswerRecord, packet + end);
  return end + bench::kAnswerRecord.size();
}

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
    std::size_t taken = 0;
    while (incoming_.size() - taken >= 2) {
      const std::size_t length = incoming_[taken] * 256U + incoming_[taken + 1];
      if (length > bench::kMaxPacket) return false;
      if (incoming_.size() - taken < 2 + length) break;
      add_answer(incoming_.data() + taken + 2, length, outgoing);
      taken += 2 + length;
      ++answered;
    }
    incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<std::ptrdiff_t>(taken));
    const auto sent = send(fd_, outgoing.data(), outgoing.size(), MSG_NOSIGNAL);
    return sent == static_cast<ssize_t>(outgoing.size());
  }

 private:
  static void add_answer(const uint8_t* question, std::size_t size, std::vector<uint8_t>& out) {
    std::array<uint8_t, bench::kMaxPacket> packet;
    std::copy_n(question, size, packet.begin());
    const std::size_t length = answer(packet.data(), size);
    if (length == 0) return;
    out.push_back(static_cast<uint8_t>(length >> 8));
    out.push_back(static_cast<uint8_t>(length & 0xff));
    out.insert(out.end(), packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(length));
  }

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
    batch.set_size(i, answer(batch.packet(i), batch.received_size(i)));
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

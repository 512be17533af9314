// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// What the programs of the benchmark share: UDP sockets of the loopback with large buffers, packets
// moved in batches (one system call for up to 64), and the one answer that all of them give. They
// use nothing of dnslet, so that a mistake there can't hide here. Trouble ends the program.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

namespace bench {

constexpr std::size_t kHeaderSize = 12;
constexpr std::size_t kMaxPacket = 512;
// Owner (a pointer to the question), A, IN, 3600 seconds, 4 bytes: 192.0.2.1.
constexpr std::array<uint8_t, 16> kAnswerRecord = {0xc0, 12, 0, 1, 0,   1, 0, 0,
                                                   0x0e, 16, 0, 4, 192, 0, 2, 1};

using Packet = std::span<const uint8_t>;

// NOERROR with a record.
inline bool is_good_answer(Packet packet) {
  return packet.size() > kHeaderSize && (packet[3] & 0x0f) == 0 && packet[7] > 0;
}

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

// The number that is the whole text; anything else ends the program.
inline uint32_t number_from_text(std::string_view text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  std::fprintf(stderr, "not a number: %.*s\n", static_cast<int>(text.size()), text.data());
  std::exit(2);
}

inline sockaddr_in loopback(uint32_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// SO_RCVBUFFORCE goes beyond net.core.rmem_max where the process may do that.
inline void enlarge_buffers(int fd) {
  constexpr int kSize = 8 << 20;
  for (const int option : {SO_RCVBUF, SO_RCVBUFFORCE, SO_SNDBUF, SO_SNDBUFFORCE})
    (void)setsockopt(fd, SOL_SOCKET, option, &kSize, sizeof kSize);
}

// With port 0 the kernel chooses one; it is printed as `port N`.
inline int listening_socket(uint32_t port) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address = loopback(port);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, any, size) != 0 || getsockname(fd, any, &size) != 0) fail("cannot bind");
  enlarge_buffers(fd);
  std::printf("port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

// To a server on the loopback; `type`: SOCK_DGRAM or SOCK_STREAM.
inline int connected_socket(uint32_t port, int type) {
  const int fd = socket(AF_INET, type, 0);
  const sockaddr_in server = loopback(port);
  if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0)
    fail("cannot connect");
  if (type == SOCK_DGRAM) enlarge_buffers(fd);
  return fd;
}

// Up to 64 packets with the addresses of their other ends. An answer is written over its question.
class Batch {
 public:
  static constexpr std::size_t kSize = 64;

  Batch() {
    for (std::size_t i = 0; i < kSize; ++i) {
      vectors_[i] = {packets_[i].data(), kMaxPacket};
      headers_[i].msg_hdr.msg_iov = &vectors_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // Returns how many packets came. `flags`: MSG_DONTWAIT, or MSG_WAITFORONE to wait for the first;
  // 0: none there, or a signal, or an error that an earlier packet met.
  std::size_t receive(int fd, int flags) {
    for (std::size_t i = 0; i < kSize; ++i) {
      vectors_[i].iov_len = kMaxPacket;
      headers_[i].msg_hdr.msg_name = &peers_[i];
      headers_[i].msg_hdr.msg_namelen = sizeof peers_[i];
    }
    // The flags are an int in glibc and unsigned in musl.
    const int count = flags == MSG_WAITFORONE
                          ? recvmmsg(fd, headers_.data(), kSize, MSG_WAITFORONE, nullptr)
                          : recvmmsg(fd, headers_.data(), kSize, MSG_DONTWAIT, nullptr);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }

  uint8_t* packet(std::size_t i) { return packets_[i].data(); }
  std::size_t received_size(std::size_t i) const { return headers_[i].msg_len; }
  void set_size(std::size_t i, std::size_t size) { vectors_[i].iov_len = size; }

  // To the peers that receive() noted. Packets that the kernel refuses are lost; empty ones are not
  // sent.
  void send_back(int fd, std::size_t count) { send_all(fd, count); }

  // To the peer of a connected socket.
  void send(int fd, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      headers_[i].msg_hdr.msg_name = nullptr;
      headers_[i].msg_hdr.msg_namelen = 0;
    }
    send_all(fd, count);
  }

 private:
  void send_all(int fd, std::size_t count) {
    for (std::size_t sent = 0; sent < count;) {
      const std::size_t run = run_of_packets(sent, count);
      const int now = run == 0 ? 0 : sendmmsg(fd, &headers_[sent], static_cast<unsigned>(run), 0);
      sent += now > 0 ? static_cast<std::size_t>(now) : 1;
    }
  }

  // How many from this one on are not empty.
  std::size_t run_of_packets(std::size_t from, std::size_t count) const {
    std::size_t end = from;
    while (end < count && vectors_[end].iov_len > 0) ++end;
    return end - from;
  }

  std::array<std::array<uint8_t, kMaxPacket>, kSize> packets_;
  std::array<sockaddr_in, kSize> peers_;
  std::array<iovec, kSize> vectors_;
  std::array<mmsghdr, kSize> headers_{};
};

}  // namespace bench

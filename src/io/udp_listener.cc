// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/udp_listener.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace dnslet::io {
namespace {

constexpr std::size_t kControlSize = CMSG_SPACE(sizeof(in6_pktinfo));
// How many full batches are taken in one turn, so that TCP, upstream and timers get theirs.
constexpr int kBatchesPerTurn = 8;
// From how many answers on it pays to leave the loop's epoll set while they are sent: each datagram
// that has left wakes the set that its socket is in, which takes longer than leaving and coming
// back does for a dozen.
constexpr std::size_t kManyAnswers = 16;

// A size_t in glibc, a socklen_t in musl.
using ControlLength = decltype(msghdr::msg_controllen);

struct alignas(cmsghdr) Control {
  std::array<uint8_t, kControlSize> bytes;
};

cmsghdr* next_control(msghdr& message, cmsghdr* item) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"  // musl's macro compares a size with a distance
  return CMSG_NXTHDR(&message, item);
#pragma GCC diagnostic pop
}

void take_local(const in_pktinfo& packet, UdpPeer& peer) {
  peer.local = IpAddress();
  // Packets that came in before IP_PKTINFO was set, as to a socket passed by systemd, lack it.
  const bool has_source = packet.ipi_spec_dst.s_addr != INADDR_ANY;
  std::memcpy(peer.local.bytes.data(), has_source ? &packet.ipi_spec_dst : &packet.ipi_addr, 4);
  peer.has_local = true;
}

void take_local(const in6_pktinfo& packet, UdpPeer& peer) {
  peer.local.family = Family::V6;
  std::memcpy(peer.local.bytes.data(), &packet.ipi6_addr, 16);
  if (IN6_IS_ADDR_LINKLOCAL(&packet.ipi6_addr)) peer.interface = packet.ipi6_ifindex;
  peer.has_local = true;
}

template <typename Packet>
Packet packet_info(cmsghdr* item) {
  Packet packet;
  std::memcpy(&packet, CMSG_DATA(item), sizeof packet);
  return packet;
}

// Reads where the packet came to from the control data.
void read_local(msghdr& message, UdpPeer& peer) {
  peer.has_local = false;
  peer.interface = 0;
  for (cmsghdr* item = CMSG_FIRSTHDR(&message); item; item = next_control(message, item)) {
    if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO)
      take_local(packet_info<in_pktinfo>(item), peer);
    if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO)
      take_local(packet_info<in6_pktinfo>(item), peer);
  }
}

template <typename Packet>
void put_control(msghdr& message, int level, int type, const Packet& packet) {
  message.msg_controllen = CMSG_SPACE(sizeof packet);
  cmsghdr* item = CMSG_FIRSTHDR(&message);
  item->cmsg_level = level;
  item->cmsg_type = type;
  item->cmsg_len = CMSG_LEN(sizeof packet);
  std::memcpy(CMSG_DATA(item), &packet, sizeof packet);
}

// Makes the answer leave from the address that was asked; the interface is the kernel's choice, but
// for a link-local address: the kernel refuses one without its interface, unless that of the client
// tells it (RFC 4007 section 6).
void write_local(msghdr& message, Control& control, const UdpPeer& peer) {
  message.msg_control = nullptr;
  message.msg_controllen = 0;
  if (!peer.has_local) return;
  control.bytes.fill(0);
  message.msg_control = control.bytes.data();
  message.msg_controllen = static_cast<ControlLength>(control.bytes.size());
  if (peer.local.family == Family::V4) {
    in_pktinfo packet{};
    std::memcpy(&packet.ipi_spec_dst, peer.local.bytes.data(), 4);
    put_control(message, IPPROTO_IP, IP_PKTINFO, packet);
  } else {
    in6_pktinfo packet{};
    std::memcpy(&packet.ipi6_addr, peer.local.bytes.data(), 16);
    packet.ipi6_ifindex = peer.interface;
    put_control(message, IPPROTO_IPV6, IPV6_PKTINFO, packet);
  }
}

// The system call itself. musl's sendmmsg() is a loop of sendmsg(), because its msghdr and cmsghdr
// have an int and padding where the kernel's have a long; with the padding zero, as it is here,
// these are the same.
int send_batch(int fd, mmsghdr* messages, std::size_t count) {
  return static_cast<int>(syscall(SYS_sendmmsg, fd, messages, count, MSG_DONTWAIT));
}

}  // namespace

// The buffers of one socket. Only what a load really uses becomes resident.
struct UdpListener::Batch {
  std::array<std::array<uint8_t, kMaxQuestion>, kBatch> questions;
  std::array<UdpPeer, kBatch> asking;
  std::array<Control, kBatch> asking_control;
  std::array<iovec, kBatch> asking_vector;
  std::array<mmsghdr, kBatch> receiving;
  std::array<dns::BytesView, kBatch> packets;  // of questions, as long as they came

  std::array<std::array<uint8_t, kMaxAnswer>, kBatch> answers;
  std::array<UdpPeer, kBatch> answered;
  std::array<Control, kBatch> answered_control;
  std::array<iovec, kBatch> answered_vector;
  std::array<mmsghdr, kBatch> sending;

  // Readies a place for a question; the kernel writes these fields with each one.
  void expect(std::size_t i, std::size_t control_size) {
    receiving[i].msg_hdr.msg_namelen = sizeof(sockaddr_in6);
    receiving[i].msg_hdr.msg_controllen = static_cast<ControlLength>(control_size);
  }
  // Readies a place for answers, but for what each one brings.
  void prepare(std::size_t i) {
    answered_vector[i].iov_base = answers[i].data();
    msghdr& header = sending[i].msg_hdr;
    header = msghdr();
    header.msg_name = &answered[i].remote.any;
    header.msg_iov = &answered_vector[i];
    header.msg_iovlen = 1;
  }
};

UdpListener::UdpListener(Loop& loop, Descriptor socket, Callbacks callbacks)
    : socket_(std::move(socket)),
      endpoint_(bound_endpoint(socket_)),
      control_size_(endpoint_.address.is_wildcard() ? kControlSize : 0),
      callbacks_(std::move(callbacks)),
      batch_(new Batch),  // not value-initialised: untouched pages cost nothing
      watch_(loop, socket_.get(), [this](int events) { on_ready(events); }),
      before_waiting_(loop, [this] {
        flush();
        watch_.start(is_blocked_ ? UV_WRITABLE : UV_READABLE);
      }) {
  // What becomes of answers is not asked: a queue of errors, which a socket passed by systemd may
  // have, would make it look ready for ever.
  constexpr int kOff = 0;
  (void)setsockopt(socket_.get(), IPPROTO_IP, IP_RECVERR, &kOff, sizeof kOff);
  if (endpoint_.address.family == Family::V6)
    (void)setsockopt(socket_.get(), IPPROTO_IPV6, IPV6_RECVERR, &kOff, sizeof kOff);
  for (std::size_t i = 0; i < kBatch; ++i) {
    batch_->asking_vector[i] = {batch_->questions[i].data(), kMaxQuestion};
    msghdr& header = batch_->receiving[i].msg_hdr;
    header = msghdr();
    header.msg_name = &batch_->asking[i].remote.any;
    header.msg_iov = &batch_->asking_vector[i];
    header.msg_iovlen = 1;
    header.msg_control = batch_->asking_control[i].bytes.data();
    batch_->expect(i, control_size_);
    batch_->prepare(i);
  }
}

UdpListener::~UdpListener() { flush(); }

void UdpListener::on_ready(int events) {
  if (events & UV_WRITABLE) flush();
  if (events & UV_READABLE) receive();
}

void UdpListener::receive() {
  for (int turn = 0; turn < kBatchesPerTurn; ++turn) {
    const int count =
        recvmmsg(socket_.get(), batch_->receiving.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (count <= 0) break;  // nothing there, or an error that this has taken off the socket
    answer(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) batch_->expect(static_cast<std::size_t>(i), control_size_);
    if (static_cast<std::size_t>(count) < kBatch) break;
  }
  flush();  // not at the end of the turn: who asks alone need not wait for it
}

void UdpListener::answer(std::size_t received) {
  auto& packets = batch_->packets;
  for (std::size_t i = 0; i < received; ++i)
    packets[i] = {batch_->questions[i].data(), batch_->receiving[i].msg_len};
  if (received > 1) callbacks_.on_batch(std::span(packets).first(received));

  for (std::size_t i = 0; i < received; ++i) {
    if (queued_ == kBatch) flush();
    if (queued_ == kBatch) return;  // the send buffer is full: questions are lost, not memory
    UdpPeer& peer = batch_->asking[i];
    peer.remote.size = batch_->receiving[i].msg_hdr.msg_namelen;
    read_local(batch_->receiving[i].msg_hdr, peer);
    const std::size_t size = callbacks_.on_question(packets[i], peer, batch_->answers[queued_]);
    if (size > 0) queue(size, peer);
  }
}

void UdpListener::send(const UdpPeer& peer, dns::BytesView answer) {
  if (queued_ == kBatch) flush();
  if (queued_ == kBatch || answer.size() > kMaxAnswer) {
    ++send_errors_;
    return;
  }
  dns::copy_bytes(answer, batch_->answers[queued_]);
  queue(answer.size(), peer);
}

void UdpListener::queue(std::size_t size, const UdpPeer& peer) {
  const std::size_t i = queued_++;
  batch_->answered[i] = peer;
  batch_->answered_vector[i].iov_len = size;
  msghdr& header = batch_->sending[i].msg_hdr;
  header.msg_namelen = peer.remote.size;
  write_local(header, batch_->answered_control[i], peer);
}

// Sends what is queued. When the kernel's buffer is full the rest stays queued and no question is
// read until there is room; an answer that the kernel refuses for itself is dropped.
void UdpListener::flush() {
  if (queued_ >= kManyAnswers && !is_blocked_) watch_.start(0);
  std::size_t sent = 0;
  while (sent < queued_) {
    const int count = send_batch(socket_.get(), batch_->sending.data() + sent, queued_ - sent);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    if (errno == EINTR) continue;
    ++send_errors_;
    ++sent;
  }

  const std::size_t left = queued_ - sent;
  queued_ = 0;
  for (std::size_t i = 0; i < left; ++i) {
    const std::size_t from = sent + i;
    const std::size_t size = batch_->answered_vector[from].iov_len;
    if (from != i) std::copy_n(batch_->answers[from].begin(), size, batch_->answers[i].begin());
    queue(size, batch_->answered[from]);
  }
  is_blocked_ = left > 0;
}

}  // namespace dnslet::io

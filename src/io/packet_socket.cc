// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/packet_socket.h"

#include <linux/filter.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>

namespace dnslet::io {
namespace {

void attach(int fd, std::span<sock_filter> program) {
  const sock_fprog filter = {static_cast<unsigned short>(program.size()), program.data()};
  (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

sockaddr_ll address_of(int interface) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETHERTYPE_IP);
  address.sll_ifindex = interface;
  return address;
}

}  // namespace

// Protocol 0: nothing comes before it is bound.
Status PacketSocket::open() {
  socket_ = Descriptor(::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_)
    return Error{std::string("cannot open a packet socket: ") + uv_strerror(-errno) +
                 "; it needs CAP_NET_RAW: start dnslet as root, in a container with --cap-add "
                 "NET_RAW, its systemd unit with CapabilityBoundingSet=CAP_NET_RAW and "
                 "RestrictAddressFamilies=AF_PACKET"};
  hear_nothing();
  return Done();
}

int PacketSocket::bind(int interface) {
  const sockaddr_ll address = address_of(interface);
  interface_ = interface;
  const auto* const any = reinterpret_cast<const sockaddr*>(&address);
  return ::bind(socket_.get(), any, sizeof address) == 0 ? 0 : errno;
}

void PacketSocket::hear_nothing() {
  std::array<sock_filter, 1> program = {{BPF_STMT(BPF_RET | BPF_K, 0)}};
  attach(socket_.get(), program);
}

// No part of a packet that was divided, either.
void PacketSocket::hear(const Wanted& wanted) {
  constexpr uint32_t kProtocolPlace = 9;
  constexpr uint32_t kPartPlace = 6;
  constexpr uint32_t kPartBits = 0x3fff;
  constexpr uint32_t kWhole = 0xffff;
  const auto place = static_cast<uint32_t>(wanted.place);
  std::array<sock_filter, 11> program = {{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kProtocolPlace),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 8),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, kPartPlace),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kPartBits, 6, 0),
      BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),  // the size of the IP header
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, wanted.port, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_IND, place),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, wanted.value, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, kWhole),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  attach(socket_.get(), program);
}

int PacketSocket::broadcast(dns::BytesView packet) {
  sockaddr_ll address = address_of(interface_);
  address.sll_halen = 6;
  std::memset(address.sll_addr, 0xff, address.sll_halen);
  const auto* const any = reinterpret_cast<const sockaddr*>(&address);
  const ssize_t sent = sendto(socket_.get(), packet.data(), packet.size(), 0, any, sizeof address);
  return sent < 0 ? errno : 0;
}

dns::BytesView PacketSocket::receive(dns::MutableBytesView room) {
  const ssize_t size = recv(socket_.get(), room.data(), room.size(), 0);
  return room.first(size > 0 ? static_cast<std::size_t>(size) : 0);
}

}  // namespace dnslet::io

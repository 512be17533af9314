// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/netlink.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

namespace dnslet::io {
namespace {

constexpr std::size_t kAlignment = 4;
constexpr std::size_t kRoom = std::size_t{64} << 10;  // for the longest datagram of a dump

constexpr std::size_t aligned(std::size_t size) {
  return (size + kAlignment - 1) / kAlignment * kAlignment;
}

// The structures of the kernel are copied, never pointed to: bytes have no alignment.
template <typename T>
bool read(NetlinkBytes from, T& into) {
  if (from.size() < sizeof into) return false;
  std::memcpy(&into, from.data(), sizeof into);
  return true;
}

template <typename T>
void append(std::vector<uint8_t>& bytes, const T& value) {
  const auto* const first = reinterpret_cast<const uint8_t*>(&value);
  bytes.insert(bytes.end(), first, first + sizeof value);
}

NetlinkBytes behind(NetlinkBytes bytes, std::size_t size) {
  return bytes.subspan(std::min(aligned(size), bytes.size()));
}

// Reads `payload`, behind the header of a message. False: it is not as it should be.
bool read_reply(const nlmsghdr& header, NetlinkBytes payload, NetlinkReply& reply) {
  reply.request = header.nlmsg_seq;
  if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) {
    int status = 0;
    if (!read(payload, status)) return false;
    reply.status = -status;
    return true;
  }
  reply.attributes = behind(payload, sizeof(nfgenmsg));
  return header.nlmsg_type >= NLMSG_MIN_TYPE;
}

}  // namespace

std::size_t NetlinkRequests::begin(const Head& head) {
  begun_ = bytes_.size();
  nlmsghdr header{};
  header.nlmsg_type = head.type;
  header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | head.flags);
  header.nlmsg_seq = static_cast<uint32_t>(count_);
  append(bytes_, header);
  append(bytes_,
         nfgenmsg{
             .nfgen_family = head.family, .version = NFNETLINK_V0, .res_id = htons(head.resource)});
  pad();
  return count_++;
}

void NetlinkRequests::add(uint16_t attribute, NetlinkBytes value) {
  const auto size = static_cast<uint16_t>(sizeof(nlattr) + value.size());
  append(bytes_, nlattr{.nla_len = size, .nla_type = attribute});
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  pad();
}

void NetlinkRequests::add_text(uint16_t attribute, std::string_view text) {
  std::vector<uint8_t> value(text.begin(), text.end());
  value.push_back(0);
  add(attribute, value);
}

void NetlinkRequests::add_number(uint16_t attribute, uint64_t value, std::size_t size) {
  uint8_t bytes[8] = {};
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<uint8_t>(value >> 8 * (size - 1 - i));
  add(attribute, {bytes, size});
}

std::size_t NetlinkRequests::open(uint16_t attribute) {
  const std::size_t nest = bytes_.size();
  add(static_cast<uint16_t>(attribute | NLA_F_NESTED), {});
  return nest;
}

void NetlinkRequests::close(std::size_t nest) {
  const auto size = static_cast<uint16_t>(bytes_.size() - nest);
  std::memcpy(bytes_.data() + nest + offsetof(nlattr, nla_len), &size, sizeof size);
}

// Keeps the size of the request true, too.
void NetlinkRequests::pad() {
  bytes_.resize(aligned(bytes_.size()));
  const auto size = static_cast<uint32_t>(bytes_.size() - begun_);
  std::memcpy(bytes_.data() + begun_ + offsetof(nlmsghdr, nlmsg_len), &size, sizeof size);
}

// Ends: each attribute is at least as long as its header.
std::optional<NetlinkBytes> find_attribute(NetlinkBytes attributes, uint16_t wanted) {
  nlattr head{};
  while (read(attributes, head) && head.nla_len >= sizeof head &&
         head.nla_len <= attributes.size()) {
    if ((head.nla_type & NLA_TYPE_MASK) == wanted)
      return attributes.subspan(sizeof head, head.nla_len - sizeof head);
    attributes = behind(attributes, head.nla_len);
  }
  return std::nullopt;
}

uint64_t number_in(NetlinkBytes attributes, uint16_t wanted) {
  const auto value = find_attribute(attributes, wanted);
  uint64_t number = 0;
  if (!value || value->size() > sizeof number) return 0;
  for (const uint8_t byte : *value) number = number << 8 | byte;
  return number;
}

int NetlinkSocket::open() {
  Descriptor opened(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
  if (!opened) return errno;
  const int on = 1;
  // Only the kernel's header comes back with a status; before Linux 4.3 the whole request does.
  (void)setsockopt(opened.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (connect(opened.get(), reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) != 0)
    return errno;
  socket_ = std::move(opened);
  room_.resize(kRoom);
  return 0;
}

int NetlinkSocket::exchange(const NetlinkRequests& requests,
                            const std::function<void(const NetlinkReply&)>& visit) {
  if (!socket_)
    if (const int error = open()) return error;
  const NetlinkBytes bytes = requests.bytes();
  if (send(socket_.get(), bytes.data(), bytes.size(), 0) < 0) return errno;
  return receive(visit);
}

// Until nothing is left: the kernel has said all by now. Where it had no room for that (ENOBUFS),
// what is there is read too.
int NetlinkSocket::receive(const std::function<void(const NetlinkReply&)>& visit) {
  int error = 0;
  while (true) {
    const ssize_t size = recv(socket_.get(), room_.data(), room_.size(), 0);
    if (size < 0 && errno == EAGAIN) return error;
    if (size < 0 && errno != ENOBUFS && errno != EINTR) return errno;
    if (size < 0 && errno == ENOBUFS) error = ENOBUFS;
    if (size <= 0) continue;
    NetlinkBytes left(room_.data(), static_cast<std::size_t>(size));
    nlmsghdr header{};
    while (read(left, header) && header.nlmsg_len >= sizeof header &&
           header.nlmsg_len <= left.size()) {
      NetlinkReply reply;
      if (read_reply(header, behind(left.first(header.nlmsg_len), sizeof header), reply))
        visit(reply);
      left = behind(left, header.nlmsg_len);
    }
  }
}

}  // namespace dnslet::io

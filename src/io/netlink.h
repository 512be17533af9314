// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Requests to the kernel's packet filter over netlink(7), and what it says to them. Knows no
// request by itself; numbers in attributes are in network order, as nfnetlink wants them.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "io/loop.h"

namespace dnslet::io {

using NetlinkBytes = std::span<const uint8_t>;

// Requests that are sent together, in their order.
class NetlinkRequests {
 public:
  struct Head {
    uint16_t type = 0;
    uint16_t flags = 0;  // besides that it is a request
    uint8_t family = 0;  // NFPROTO_*
    uint16_t resource = 0;
  };

  // Another request, to which attributes are added. Returns its place.
  std::size_t begin(const Head& head);
  void add(uint16_t attribute, NetlinkBytes value);
  void add_text(uint16_t attribute, std::string_view text);
  void add_u8(uint16_t attribute, uint8_t value) { add(attribute, {&value, 1}); }
  void add_u32(uint16_t attribute, uint32_t value) { add_number(attribute, value, 4); }
  void add_u64(uint16_t attribute, uint64_t value) { add_number(attribute, value, 8); }
  // An attribute that holds those which are added until close() gets what this returns.
  std::size_t open(uint16_t attribute);
  void close(std::size_t nest);

  NetlinkBytes bytes() const { return bytes_; }

 private:
  void add_number(uint16_t attribute, uint64_t value, std::size_t size);
  void pad();

  std::vector<uint8_t> bytes_;
  std::size_t begun_ = 0;  // where the last request is
  std::size_t count_ = 0;
};

// One of the kernel's messages.
struct NetlinkReply {
  std::size_t request = 0;      // its place
  std::optional<int> status{};  // 0: it is done, else an errno; nullopt: it is data
  NetlinkBytes attributes{};    // of data
};

// The value of an attribute among others; nullopt: it is not there.
std::optional<NetlinkBytes> find_attribute(NetlinkBytes attributes, uint16_t wanted);
// 0 where it is not there, or of another size.
uint64_t number_in(NetlinkBytes attributes, uint16_t wanted);

class NetlinkSocket {
 public:
  // Sends the requests and tells `visit` all that the kernel says to them, before it returns: a
  // request is carried out while it is sent. Returns 0, or an errno.
  int exchange(const NetlinkRequests& requests,
               const std::function<void(const NetlinkReply&)>& visit);

 private:
  int open();
  int receive(const std::function<void(const NetlinkReply&)>& visit);

  Descriptor socket_;  // opened by the first exchange
  std::vector<uint8_t> room_;
};

}  // namespace dnslet::io

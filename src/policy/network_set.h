// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A set of networks, of both families. Networks are added, then finish() is called, then addresses
// are looked up: by bisection, whatever their number.

#include <cstddef>
#include <vector>

#include "base/address.h"

namespace dnslet::policy {

class NetworkSet {
 public:
  // Those of IPv4 and those of IPv6 that hold IPv4 addresses (RFC 4291 section 2.5.5.2) are one.
  void add(const Network& network);
  // Puts together what overlaps. To be called once, when all are added.
  void finish();

  std::size_t size() const { return ranges_.size(); }  // after finish(): of what lies apart
  bool empty() const { return ranges_.empty(); }
  std::size_t memory() const { return ranges_.capacity() * sizeof(Range); }  // bytes

  // REQUIRES: finish() was called.
  bool contains(const IpAddress& address) const;

 private:
  using Bytes = decltype(IpAddress::bytes);
  // From one address to another, both included, as addresses of IPv6.
  struct Range {
    Bytes first;
    Bytes last;
  };

  static Bytes bytes_of(const IpAddress& address);

  std::vector<Range> ranges_;
};

}  // namespace dnslet::policy

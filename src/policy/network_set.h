// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A set of very many networks: an address is found among them by halving, however many there are.
//
// Networks are added, then finish() is called, then addresses are looked up. What overlaps or
// touches becomes one range: 8 bytes each for IPv4, 32 for IPv6.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/address.h"

namespace dnslet::policy {

class NetworkSet {
 public:
  void add(const Network& network);
  // To be called once, when all are added.
  void finish();

  std::size_t size() const { return v4_.size() + v6_.size(); }  // of ranges
  bool empty() const { return size() == 0; }
  std::size_t memory() const;  // bytes

  // Whether an address is in one of them, as Network::contains() says; an IPv4-mapped address is
  // compared as IPv4. REQUIRES: finish() was called.
  bool contains(const IpAddress& address) const;

  // An address of IPv4 as a number.
  using Narrow = uint32_t;
  static Narrow narrow(const IpAddress& address);
  template <typename Value>
  struct Range {
    Value first{};
    Value last{};
  };
  // The addresses of a network of IPv4.
  static Range<Narrow> range_of(const Network& network);

 private:
  struct Wide {
    uint64_t high = 0;
    uint64_t low = 0;
    auto operator<=>(const Wide&) const = default;  // NOLINT(modernize-use-nullptr)
  };
  template <typename Value>
  using Ranges = std::vector<Range<Value>>;

  static Wide wide(const IpAddress& address);
  static bool is_next(Narrow value, Narrow next) { return next != 0 && value == next - 1; }
  static bool is_next(const Wide& value, const Wide& next);
  template <typename Value>
  static void join(Ranges<Value>& ranges);
  template <typename Value>
  static bool has(const Ranges<Value>& ranges, const Value& value);

  Ranges<Narrow> v4_;
  Ranges<Wide> v6_;
};

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// --fake-ip: addresses that stand for names, as a proxy wants them that is to learn the name of
// each connection. May be used by several threads at once.
//
// A name has the same address as long as it is remembered, and in each family the one with the same
// place in the network. What is asked for, as a name or as an address, is in use; where all
// addresses of the smallest network are given, or kMostNames names have one, the name that was not
// in use for longest loses its own. Memory is bounded, and a step costs the same however many names
// there are.

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "base/address.h"
#include "dns/name.h"
#include "policy/recent_places.h"

namespace dnslet::policy {

class FakeAddresses {
 public:
  static constexpr uint32_t kMostNames = 65536;

  // Whether a network has addresses to give: its first and last ones are never given.
  static bool is_large_enough(const Network& network);

  // `networks`: one, or one of each family; bits behind the prefix do not count. REQUIRES: they are
  // large enough. `seed`: see dns/hash.h.
  FakeAddresses(const std::vector<Network>& networks, uint64_t seed);

  // The name's address, from now on if it had none; nullopt: there is no network of this family.
  // Allocates for a name that is new at most.
  std::optional<IpAddress> address_of(dns::NameView name, Family family);
  // Whether it is in one of the networks. IPv4 inside IPv6 is an address of IPv6.
  bool has(const IpAddress& address) const;
  // Whose address it is; nullopt: nobody's.
  std::optional<dns::Name> name_of(const IpAddress& address);

  // For a file, so that names have their addresses again when the program does.
  // What the addresses of places depend on: where each network begins.
  dns::Bytes networks() const;
  // Whether that of some family begins where one of these does.
  bool has_some_of(dns::BytesView networks) const;
  // Puts the names of so many places from the first one on behind `out`, in wire form.
  void append_names(uint32_t first, std::size_t most, dns::Bytes& out);
  // Their numbers, as of dns::Writer::u32(), that which was in use longest ago first.
  dns::Bytes places_by_use();
  // Gives them out as they were, as far as there is room. What makes no sense is left out.
  // REQUIRES: no address has been given.
  void restore(const std::vector<dns::Name>& names, const std::vector<uint32_t>& order);

 private:
  const Network* network_of(Family family) const;
  static IpAddress address_at(const Network& network, uint32_t place);
  uint32_t take(dns::BytesView wire, uint64_t hash);

  std::vector<Network> networks_;  // bits behind the prefix are 0
  uint64_t seed_;
  std::mutex mutex_;  // of all below
  RecentPlaces places_;
  std::vector<std::vector<uint8_t>> names_;  // by place, in wire form
};

}  // namespace dnslet::policy

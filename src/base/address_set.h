// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A set of addresses of the kernel's packet filter, as a rule names it. Plain values.

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace dnslet {

// Whether this variant writes to them: base/sets_full.cc or base/sets_min.cc is linked. Without it
// no rule names a set.
bool has_address_sets();

// A family of tables of nftables, and the kernel's number of it (NFPROTO_*).
struct NftFamily {
  std::string_view word;
  uint8_t protocol;
};
inline constexpr std::array<NftFamily, 6> kNftFamilies = {
    {{"inet", 1}, {"ip", 2}, {"ip6", 10}, {"arp", 3}, {"bridge", 7}, {"netdev", 5}}};

struct AddressSet {
  enum class Kind : uint8_t { Nft, Ipset };

  Kind kind = Kind::Nft;
  std::string family{};  // of kNftFamilies
  std::string table{};   // likewise
  std::string name{};

  auto operator<=>(const AddressSet&) const = default;  // NOLINT(modernize-use-nullptr)

  // As a rule writes it: "nft:inet/filter/allowed", "ipset:allowed".
  std::string to_text() const;
};

// What is to be written to them later, or by another thread, owns them too.
using AddressSets = std::vector<std::shared_ptr<const AddressSet>>;

// An address that is to be in a set for so long.
struct AddressPut {
  std::shared_ptr<const AddressSet> set;
  IpAddress address;
  std::chrono::seconds lifetime{0};
};

}  // namespace dnslet

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// --reverse-mapping: by which names addresses were given out to clients, for questions for the name
// of an address to which nobody else has an answer. May be used by several threads at once.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "base/address.h"
#include "dns/name.h"
#include "policy/recent_places.h"
#include "policy/route.h"

namespace dnslet::policy {

class ReverseNames {
 public:
  // Those that were noted or asked for longest ago make room.
  static constexpr uint32_t kMostAddresses = 65536;
  // An address is remembered for as long as the answer lives, and no shorter.
  static constexpr std::chrono::seconds kLeastTime{60};

  // An address, and what clients have to have in common that it was given to and that ask for it.
  struct Key {
    IpAddress address;
    Route route;

    bool operator==(const Key&) const = default;
  };

  // `seed`: see dns/hash.h.
  explicit ReverseNames(uint64_t seed) : seed_(seed), places_(kMostAddresses) {
    noted_.reserve(kMostAddresses);
  }

  // The address was given out as one of this name, in an answer that lives for so long from `now`
  // on, by the monotonic clock. The last name counts.
  void note(const Key& key, dns::NameView name, std::chrono::seconds lifetime,
            std::chrono::milliseconds now);
  // The name; nullopt: none is known any more.
  std::optional<dns::Name> find(const Key& key, std::chrono::milliseconds now);

 private:
  struct Noted {
    Key key;
    std::chrono::milliseconds end{0};
    std::vector<uint8_t> name;  // in wire form
  };

  uint64_t hash_of(const Key& key) const;
  std::optional<uint32_t> place_of(const Key& key, uint64_t hash) const;

  uint64_t seed_;
  std::mutex mutex_;  // of all below
  RecentPlaces places_;
  std::vector<Noted> noted_;  // by place
};

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Which addresses of an answer go into which sets, for how long, and which of them need not be put
// there again.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "base/address_set.h"
#include "dns/wire.h"
#include "policy/recent_places.h"

namespace dnslet::policy {

// Long enough for a client whose answer lives no longer: the third packet of a TCP connection that
// begins with two lost ones goes out after 3 s, the fourth after 7.
inline constexpr std::chrono::seconds kLeastTimeInSet{10};

// Each address in the answer section, hints of HTTPS and SVCB too, for each set, for as long as its
// record lives. REQUIRES: the message is one of ours, so it can be parsed.
std::vector<AddressPut> addresses_for(const AddressSets& sets, dns::BytesView message);

// What was put into sets lately. May be used by several threads at once.
class RecentPuts {
 public:
  // Those that were put or asked for longest ago make room.
  static constexpr uint32_t kMostAddresses = 65536;
  // For so long an address is taken to be in the set. Then a set that was made anew meanwhile gets
  // it again, with the next answer that has it.
  static constexpr std::chrono::seconds kTrust{1};

  // `seed`: see dns/hash.h.
  explicit RecentPuts(uint64_t seed) : seed_(seed) {}

  // Whether it has just been put there, for no less. Else it has to be, and its lifetime becomes
  // the longer one of two answers.
  bool has(AddressPut& put, std::chrono::milliseconds now);
  // It has been put there.
  void note(const AddressPut& put, std::chrono::milliseconds now);

 private:
  struct Noted {
    uint64_t set = 0;  // a keyed hash of its text
    IpAddress address;
    std::chrono::milliseconds put_at{0};
    std::chrono::milliseconds end{0};
  };

  // `set`: as in Noted.
  std::optional<uint32_t> place_of(uint64_t set, const IpAddress& address) const;

  uint64_t seed_;
  std::mutex mutex_;                    // of all below
  std::optional<RecentPlaces> places_;  // none before the first address
  std::vector<Noted> noted_;            // by place
};

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What the answers of the last second have shown of the other address family's questions. A client
// sends both at once, but without the cache the first may be over when the second one arrives.

#include <array>
#include <cstdint>
#include <memory>

#include "policy/lookup.h"

namespace dnslet::policy {

class RecentFamilies {
 public:
  static constexpr std::size_t kPlaces = 256;  // a newer one takes the place
  static constexpr Milliseconds kTime{1000};

  struct Shown {
    Existence existence = Existence::Unknown;
    Milliseconds at{0};
  };

  // `question`: the one that may come, with its hash.
  void note(const UpstreamQuestion& question, uint64_t hash, const Shown& shown) {
    if (!places_) places_ = std::make_unique<Places>();
    (*places_)[hash % kPlaces] = {hash, shown, question};
  }
  Shown find(const UpstreamQuestion& question, uint64_t hash, Milliseconds now) const {
    if (!places_) return {};
    const Place& place = (*places_)[hash % kPlaces];
    const bool is_known =
        place.hash == hash && now < place.shown.at + kTime && place.question == question;
    return is_known ? place.shown : Shown();
  }

 private:
  struct Place {
    uint64_t hash = 0;
    Shown shown;
    UpstreamQuestion question;
  };
  using Places = std::array<Place, kPlaces>;

  std::unique_ptr<Places> places_;  // none before the first
};

}  // namespace dnslet::policy

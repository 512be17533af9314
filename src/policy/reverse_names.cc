// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/reverse_names.h"

#include <algorithm>

#include "dns/hash.h"

namespace dnslet::policy {

void ReverseNames::note(const Key& key, dns::NameView name, std::chrono::seconds lifetime,
                        std::chrono::milliseconds now) {
  const dns::BytesView wire = name.wire();
  const std::chrono::milliseconds end = now + std::max(lifetime, kLeastTime);
  const uint64_t hash = hash_of(key);
  const std::lock_guard lock(mutex_);
  auto place = place_of(key, hash);
  if (place)
    places_.use(*place);
  else
    place = places_.take(hash);
  if (*place == noted_.size()) noted_.emplace_back();

  Noted& noted = noted_[*place];
  const bool is_same = noted.key == key && dns::same_bytes(noted.name, wire);
  noted.end = is_same ? std::max(noted.end, end) : end;
  if (is_same) return;
  noted.key = key;
  noted.name.assign(wire.begin(), wire.end());
}

std::optional<dns::Name> ReverseNames::find(const Key& key, std::chrono::milliseconds now) {
  const uint64_t hash = hash_of(key);
  const std::lock_guard lock(mutex_);
  const auto place = place_of(key, hash);
  if (!place || noted_[*place].end <= now) return std::nullopt;
  places_.use(*place);
  return dns::Name(dns::NameView(noted_[*place].name));
}

uint64_t ReverseNames::hash_of(const Key& key) const {
  const uint64_t of_route = key.route.is_by_name() ? 0 : policy::hash_of(key.route, seed_);
  return dns::hash(key.address.data(), seed_ ^ of_route);
}

std::optional<uint32_t> ReverseNames::place_of(const Key& key, uint64_t hash) const {
  return places_.find(hash, [&](uint32_t held) { return noted_[held].key == key; });
}

}  // namespace dnslet::policy

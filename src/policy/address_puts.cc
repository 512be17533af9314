// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/address_puts.h"

#include <algorithm>

#include "dns/addresses.h"
#include "dns/hash.h"
#include "dns/message.h"
#include "dns/svcb.h"

namespace dnslet::policy {

using std::chrono::milliseconds, std::chrono::seconds;

namespace {

uint64_t hash_of(uint64_t set, const IpAddress& address) { return dns::hash(address.data(), set); }

}  // namespace

std::vector<AddressPut> addresses_for(const AddressSets& sets, dns::BytesView message) {
  std::vector<AddressPut> puts;
  const auto answer = dns::Message::reopen(message);
  const auto add = [&](const IpAddress& address, uint32_t ttl) {
    for (const auto& set : sets)
      puts.push_back({set, address, std::max(seconds(ttl), kLeastTimeInSet)});
  };
  answer.walk_records([&](const dns::Record& record) {
    if (record.section != dns::Section::Answer) return false;
    if (const auto address = dns::address_in(answer, record)) add(*address, record.ttl);
    if (dns::has_params(record.type))
      for (const IpAddress& hint : dns::hints_of(answer.rdata(record))) add(hint, record.ttl);
    return true;
  });
  return puts;
}

bool RecentPuts::has(AddressPut& put, milliseconds now) {
  const uint64_t set = dns::hash(put.set->to_text(), seed_);
  const std::lock_guard lock(mutex_);
  const auto place = place_of(set, put.address);
  if (!place) return false;
  places_->use(*place);
  const Noted& noted = noted_[*place];
  const auto left = std::chrono::ceil<seconds>(noted.end - now);
  if (now - noted.put_at < kTrust && left >= put.lifetime) return true;
  put.lifetime = std::max(put.lifetime, left);
  return false;
}

void RecentPuts::note(const AddressPut& put, milliseconds now) {
  const uint64_t set = dns::hash(put.set->to_text(), seed_);
  const std::lock_guard lock(mutex_);
  if (!places_) {
    places_.emplace(kMostAddresses);
    noted_.reserve(kMostAddresses);
  }
  auto place = place_of(set, put.address);
  if (place)
    places_->use(*place);
  else
    place = places_->take(hash_of(set, put.address));
  if (*place == noted_.size()) noted_.emplace_back();
  noted_[*place] = {set, put.address, now, now + put.lifetime};
}

std::optional<uint32_t> RecentPuts::place_of(uint64_t set, const IpAddress& address) const {
  if (!places_) return std::nullopt;
  return places_->find(hash_of(set, address), [&](uint32_t held) {
    return noted_[held].set == set && noted_[held].address == address;
  });
}

}  // namespace dnslet::policy

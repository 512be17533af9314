// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/fake_addresses.h"

#include <algorithm>
#include <cassert>

#include "dns/hash.h"

namespace dnslet::policy {
namespace {

std::size_t free_bits(const Network& network) {
  return 8 * network.address.size() - network.prefix;
}

// How many addresses of it are given, as far as names are remembered.
uint32_t usable(const Network& network) {
  constexpr std::size_t kBitsOfMost = 17;  // 2^16 and more are left when two are taken off
  const std::size_t bits = std::min(free_bits(network), kBitsOfMost);
  return std::min((uint32_t{1} << bits) - 2, FakeAddresses::kMostNames);
}

uint32_t capacity_of(const std::vector<Network>& networks) {
  uint32_t capacity = FakeAddresses::kMostNames;
  for (const Network& network : networks) capacity = std::min(capacity, usable(network));
  return capacity;
}

// The last 32 bits.
uint32_t low_of(const IpAddress& address) {
  uint32_t low = 0;
  for (const uint8_t byte : address.data().last(4)) low = low << 8 | byte;
  return low;
}

void set_low(IpAddress& address, uint32_t low) {
  for (std::size_t i = address.size(); i-- > address.size() - 4; low >>= 8)
    address.bytes[i] = static_cast<uint8_t>(low);
}

Network without_rest(Network network) {
  for (std::size_t bit = network.prefix; bit < 8 * network.address.size(); ++bit)
    network.address.bytes[bit / 8] &= static_cast<uint8_t>(~(0x80U >> bit % 8));
  return network;
}

}  // namespace

bool FakeAddresses::is_large_enough(const Network& network) { return free_bits(network) >= 2; }

FakeAddresses::FakeAddresses(const std::vector<Network>& networks, uint64_t seed)
    : networks_(networks), seed_(seed), places_(capacity_of(networks)) {
  std::ranges::transform(networks, networks_.begin(), without_rest);
  names_.reserve(capacity_of(networks));
}

std::optional<IpAddress> FakeAddresses::address_of(dns::NameView name, Family family) {
  const Network* const network = network_of(family);
  if (network == nullptr) return std::nullopt;
  const dns::BytesView wire = name.wire();
  const uint64_t hash = dns::hash(wire, seed_);
  const std::lock_guard lock(mutex_);
  auto place =
      places_.find(hash, [&](uint32_t held) { return dns::same_bytes(names_[held], wire); });
  if (place) {
    places_.use(*place);
  } else {
    place = take(wire, hash);
  }
  return address_at(*network, *place);
}

uint32_t FakeAddresses::take(dns::BytesView wire, uint64_t hash) {
  const uint32_t place = places_.take(hash);
  if (place == names_.size()) names_.emplace_back();
  names_[place].assign(wire.begin(), wire.end());
  return place;
}

dns::Bytes FakeAddresses::networks() const {
  dns::Bytes bytes;
  for (const Network& network : networks_) {
    bytes.push_back(network.address.family == Family::V4 ? 4 : 6);
    bytes.insert(bytes.end(), network.address.bytes.begin(), network.address.bytes.end());
  }
  return bytes;
}

bool FakeAddresses::has_some_of(dns::BytesView networks) const {
  const dns::Bytes own = this->networks();
  constexpr std::size_t kEach = 17;
  for (dns::BytesView rest = networks; rest.size() >= kEach; rest = rest.subspan(kEach))
    for (dns::BytesView mine = own; mine.size() >= kEach; mine = mine.subspan(kEach))
      if (dns::same_bytes(mine.first(kEach), rest.first(kEach))) return true;
  return false;
}

void FakeAddresses::append_names(uint32_t first, std::size_t most, dns::Bytes& out) {
  const std::lock_guard lock(mutex_);
  for (std::size_t place = first; place < names_.size() && place - first < most; ++place)
    out.insert(out.end(), names_[place].begin(), names_[place].end());
}

dns::Bytes FakeAddresses::places_by_use() {
  const std::lock_guard lock(mutex_);
  dns::Bytes bytes(names_.size() * sizeof(uint32_t));
  dns::Writer writer(bytes);
  places_.for_each_by_use([&writer](uint32_t place) { writer.u32(place); });
  return bytes;
}

void FakeAddresses::restore(const std::vector<dns::Name>& names,
                            const std::vector<uint32_t>& order) {
  const std::lock_guard lock(mutex_);
  assert(names_.empty());
  const std::size_t room = std::min<std::size_t>(names.size(), capacity_of(networks_));
  for (std::size_t i = 0; i < room; ++i) {
    const dns::BytesView wire = names[i].view().wire();
    take(wire, dns::hash(wire, seed_));
  }
  for (const uint32_t place : order)
    if (place < room) places_.use(place);
}

bool FakeAddresses::has(const IpAddress& address) const {
  const Network* const network = network_of(address.family);
  return network != nullptr && without_rest({address, network->prefix}).address == network->address;
}

std::optional<dns::Name> FakeAddresses::name_of(const IpAddress& address) {
  const Network* const network = network_of(address.family);
  if (network == nullptr) return std::nullopt;
  const uint32_t place = low_of(address) - low_of(network->address) - 1;
  const std::lock_guard lock(mutex_);
  if (place >= places_.taken() || address_at(*network, place) != address) return std::nullopt;
  places_.use(place);
  return dns::Name(dns::NameView(names_[place]));
}

const Network* FakeAddresses::network_of(Family family) const {
  const auto fits = [family](const Network& network) { return network.address.family == family; };
  const auto network = std::ranges::find_if(networks_, fits);
  return network == networks_.end() ? nullptr : &*network;
}

// The first address of a network is never given.
IpAddress FakeAddresses::address_at(const Network& network, uint32_t place) {
  IpAddress address = network.address;
  set_low(address, low_of(address) + place + 1);
  return address;
}

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/recent_places.h"

#include <bit>

namespace dnslet::policy {

// Room for all at once: growing would take long while others wait. What is not used is not
// resident.
RecentPlaces::RecentPlaces(uint32_t capacity)
    : capacity_(capacity), heads_(std::bit_ceil(capacity)) {
  nodes_.reserve(std::size_t{capacity} + 1);
  nodes_.emplace_back();
}

void RecentPlaces::use(uint32_t place) {
  unlink(place + 1);
  link_newest(place + 1);
}

uint32_t RecentPlaces::take(uint64_t hash) {
  auto node = static_cast<uint32_t>(nodes_.size());
  if (taken() < capacity_) {
    nodes_.emplace_back();
  } else {
    node = nodes_[0].newer;
    unlink(node);
    leave_bucket(node);
  }
  uint32_t& head = heads_[bucket_of(hash)];
  nodes_[node].hash = hash;
  nodes_[node].next = head;
  head = node;
  link_newest(node);
  return node - 1;
}

// Node 0 is older than the oldest and newer than the newest.
void RecentPlaces::link_newest(uint32_t node) {
  const uint32_t newest = nodes_[0].older;
  nodes_[node].older = newest;
  nodes_[node].newer = 0;
  nodes_[newest].newer = node;
  nodes_[0].older = node;
}

void RecentPlaces::unlink(uint32_t node) {
  const Node& gone = nodes_[node];
  nodes_[gone.older].newer = gone.newer;
  nodes_[gone.newer].older = gone.older;
}

void RecentPlaces::leave_bucket(uint32_t node) {
  uint32_t* link = &heads_[bucket_of(nodes_[node].hash)];
  while (*link != node) link = &nodes_[*link].next;  // ends: it is in there
  *link = nodes_[node].next;
}

}  // namespace dnslet::policy

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/preload.h"

#include <algorithm>
#include <array>

namespace dnslet::policy {
namespace {

// The tables that have something.
struct In {
  bool hosts;
  bool cache;
};

struct Expected {
  uint64_t in_hosts;
  uint64_t in_cache;
};

// Where the question will be looked for, as far as header and question tell: most clients don't
// ask for DNSSEC data.
std::optional<Expected> expect(const Tables& tables, const In& in, dns::BytesView packet) {
  dns::Reader reader(packet);
  reader.skip(2);
  const uint16_t flags = reader.u16();
  reader.skip(8);
  const auto name = dns::Name::from_wire(reader);
  if (!name) return std::nullopt;
  const auto type = static_cast<dns::Type>(reader.u16());
  const auto qclass = static_cast<dns::Class>(reader.u16());
  const bool checking_disabled = (flags & dns::flag::kCd) != 0;
  const CacheKey key = {*name, type, qclass, false, checking_disabled, Scope::AsItStands};
  return Expected{in.hosts ? tables.hosts.hash_of(*name) : 0,
                  in.cache ? tables.cache.hash_of(key) : 0};
}

}  // namespace

void preload(const Tables& tables, std::span<const dns::BytesView> packets) {
  const In in = {!tables.hosts.empty(), tables.cache.can_prefetch()};
  if (!in.hosts && !in.cache) return;
  std::array<Expected, kMaxPreloaded> batch;
  std::size_t count = 0;
  for (const dns::BytesView packet : packets.first(std::min(packets.size(), kMaxPreloaded)))
    if (const auto expected = expect(tables, in, packet)) batch[count++] = *expected;

  for (const Depth depth : {Depth::Slot, Depth::Entry, Depth::Bytes}) {
    for (std::size_t i = 0; i < count; ++i) {
      if (in.hosts) tables.hosts.prefetch(batch[i].in_hosts, depth);
      if (in.cache) tables.cache.prefetch(batch[i].in_cache, depth);
    }
  }
}

}  // namespace dnslet::policy

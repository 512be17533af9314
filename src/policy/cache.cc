// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/cache.h"

#include <algorithm>

namespace dnslet::policy {
namespace {

// RFC 2181 section 8: a TTL with the top bit set counts as 0.
uint32_t sane(uint32_t ttl) { return ttl > INT32_MAX ? 0 : ttl; }

// RFC 2308 section 5: the SOA's TTL and its last field, MINIMUM, limit a negative answer.
uint32_t negative_ttl(const dns::Message& message, const dns::Record& soa) {
  const dns::BytesView rdata = message.rdata(soa);
  dns::Reader reader(rdata.last(4));  // a message that has been parsed has a whole one
  return std::min(sane(soa.ttl), sane(reader.u32()));
}

}  // namespace

std::chrono::seconds time_to_keep(const dns::Message& message, const CacheTtls& ttls) {
  const bool no_such_name = message.rcode() == dns::Rcode::NxDomain;
  if (message.has(dns::flag::kTc)) return {};
  if (message.rcode() != dns::Rcode::NoError && !no_such_name) return {};

  uint32_t smallest = UINT32_MAX;
  bool has_data = false;
  std::optional<uint32_t> negative;
  const dns::Type asked = message.question().type;
  message.for_each_record([&](const dns::Record& record) {
    if (record.type == dns::Type::OPT) return;
    smallest = std::min(smallest, sane(record.ttl));
    if (record.section == dns::Section::Answer)
      has_data = has_data || record.type == asked || asked == dns::Type::ANY;
    if (record.section == dns::Section::Authority && record.type == dns::Type::SOA)
      negative = std::min(negative.value_or(UINT32_MAX), negative_ttl(message, record));
  });

  if (has_data && !no_such_name) return std::min(std::chrono::seconds(smallest), ttls.max);
  if (!negative) return {};
  const std::chrono::seconds most = std::min(ttls.max, ttls.max_negative);
  return std::min(std::chrono::seconds(std::min(smallest, *negative)), most);
}

// Shards keep off each other's cache lines.
struct alignas(64) Cache::Shard {
  Shard(std::size_t capacity, std::chrono::seconds stale, uint64_t seed)
      : table({capacity, capacity * kBytesPerAnswer, stale}, seed) {}

  CacheTable table;
  std::mutex mutex;
};

Cache::Cache(std::size_t capacity, uint64_t seed, std::size_t workers, std::chrono::seconds stale)
    : seed_(seed), stale_(stale), is_shared_(workers > 1) {
  const std::size_t most = is_shared_ ? workers * kShardsPerWorker : 1;
  const std::size_t count = std::clamp<std::size_t>(capacity / kMinPerShard, 1, most);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t share = capacity / count + (i < capacity % count ? 1 : 0);
    shards_.push_back(std::make_unique<Shard>(share, stale, seed));
  }
}

Cache::~Cache() = default;

bool Cache::reserve() {
  return std::ranges::all_of(shards_, [](const auto& shard) { return shard->table.reserve(); });
}

void Cache::store(const CacheKey& key, const ParsedAnswer& answer, Milliseconds now,
                  std::chrono::seconds lifetime) {
  const uint64_t hash = CacheTable::hash_of(key, seed_);
  Shard& shard = shard_of(hash);
  const auto held = lock(shard);
  shard.table.store({key, hash}, answer, {now, lifetime});
}

std::optional<CacheHit> Cache::find(const CacheKey& key, Milliseconds now,
                                    dns::MutableBytesView slot, dns::MutableBytesView large) {
  // An empty cache costs no hash.
  if (!is_shared_ && shards_.front()->table.entries() == 0) {
    shards_.front()->table.note_miss();
    return std::nullopt;
  }
  const uint64_t hash = CacheTable::hash_of(key, seed_);
  Shard& shard = shard_of(hash);
  const auto held = lock(shard);
  return shard.table.find({key, hash}, now, {slot, large});
}

std::optional<CacheHit> Cache::find_stale(const CacheKey& key, Milliseconds now,
                                          const CacheTable::Room& room, Ended which) {
  if (!keeps_stale()) return std::nullopt;
  const uint64_t hash = CacheTable::hash_of(key, seed_);
  Shard& shard = shard_of(hash);
  const auto held = lock(shard);
  return shard.table.find_stale({key, hash}, now, room, which);
}

void Cache::note_failure(const CacheKey& key, Milliseconds now) {
  if (!keeps_stale()) return;
  const uint64_t hash = CacheTable::hash_of(key, seed_);
  Shard& shard = shard_of(hash);
  const auto held = lock(shard);
  shard.table.note_failure({key, hash}, now);
}

bool Cache::claim_refresh(const CacheKey& key) {
  const uint64_t hash = CacheTable::hash_of(key, seed_);
  Shard& shard = shard_of(hash);
  const auto held = lock(shard);
  return shard.table.claim_refresh({key, hash});
}

Existence Cache::existence(const CacheKey& key, Milliseconds now) const {
  if (!is_shared_ && shards_.front()->table.entries() == 0) return Existence::Unknown;
  const uint64_t hash = CacheTable::hash_of(key, seed_);
  Shard& shard = shard_of(hash);
  const auto held = lock(shard);
  return shard.table.existence({key, hash}, now);
}

void Cache::make_no_data(const CacheKey& key) {
  if (!is_shared_ && shards_.front()->table.entries() == 0) return;
  const uint64_t hash = CacheTable::hash_of(key, seed_);
  Shard& shard = shard_of(hash);
  const auto held = lock(shard);
  shard.table.make_no_data({key, hash});
}

void Cache::prefetch(uint64_t hash, Depth depth) const {
  shards_.front()->table.prefetch(hash, depth);
}

void Cache::clear() {
  for (const auto& shard : shards_) {
    const auto held = lock(*shard);
    shard->table.clear();
  }
}

CacheCounters Cache::counters() const {
  CacheCounters sum;
  for (const auto& shard : shards_) {
    const auto held = lock(*shard);
    sum.entries += shard->table.entries();
    sum.bytes += shard->table.bytes();
    sum.evictions += shard->table.evictions();
    sum.hits += shard->table.hits();
    sum.misses += shard->table.lookups() - shard->table.hits();
  }
  return sum;
}

// By the top bits: those below find the bucket and tell keys apart.
Cache::Shard& Cache::shard_of(uint64_t hash) const {
  if (!is_shared_) return *shards_.front();
  return *shards_[(hash >> 48) * shards_.size() >> 16];
}

// With one worker there is nobody to wait for.
std::unique_lock<std::mutex> Cache::lock(Shard& shard) const {
  return is_shared_ ? std::unique_lock(shard.mutex) : std::unique_lock<std::mutex>();
}

}  // namespace dnslet::policy

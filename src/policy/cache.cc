// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/cache.h"

#include <algorithm>
#include <utility>

namespace dnslet::policy {
// Shards keep off each other's cache lines.
struct alignas(64) Cache::Shard {
  Shard(std::size_t capacity, std::chrono::seconds stale, uint64_t seed)
      : table({capacity, capacity * kBytesPerAnswer, stale}, seed) {}

  CacheTable table;
  std::mutex mutex;
};

// Calls `act(table, hashed key)` with the table that the key belongs to, which is locked meanwhile.
template <typename Act>
auto Cache::at(const CacheKey& key, Act act) const {
  const uint64_t hash = CacheTable::hash_of(key, seed_);
  Shard& shard = shard_of(hash);
  const auto held = lock(shard);
  return act(shard.table, CacheTable::HashedKey{key, hash});
}

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

void Cache::store(const CacheKey& key, const Answer& answer, Milliseconds now,
                  std::chrono::seconds lifetime) {
  at(key, [&](CacheTable& table, const CacheTable::HashedKey& hashed) {
    table.store(hashed, answer, {now, lifetime});
  });
}

std::optional<CacheHit> Cache::find(const CacheKey& key, Milliseconds now,
                                    dns::MutableBytesView slot, dns::MutableBytesView large) {
  // An empty cache costs no hash.
  if (!is_shared_ && shards_.front()->table.entries() == 0) {
    shards_.front()->table.note_miss();
    return std::nullopt;
  }
  return at(key, [&](CacheTable& table, const CacheTable::HashedKey& hashed) {
    return table.find(hashed, now, {slot, large});
  });
}

std::optional<CacheHit> Cache::find_stale(const CacheKey& key, Milliseconds now,
                                          const CacheTable::Room& room, Ended which) {
  if (!keeps_stale()) return std::nullopt;
  return at(key, [&](CacheTable& table, const CacheTable::HashedKey& hashed) {
    return table.find_stale(hashed, now, room, which);
  });
}

void Cache::note_failure(const CacheKey& key, Milliseconds now) {
  if (!keeps_stale()) return;
  at(key, [&](CacheTable& table, const CacheTable::HashedKey& hashed) {
    table.note_failure(hashed, now);
  });
}

bool Cache::claim_refresh(const CacheKey& key, Milliseconds now) {
  return at(key, [&](CacheTable& table, const CacheTable::HashedKey& hashed) {
    return table.claim_refresh(hashed, now);
  });
}

void Cache::end_refresh(const CacheKey& key, Milliseconds now) {
  if (!keeps_stale()) return;
  at(key, [&](CacheTable& table, const CacheTable::HashedKey& hashed) {
    table.end_refresh(hashed, now);
  });
}

Existence Cache::existence(const CacheKey& key, Milliseconds now) const {
  if (!is_shared_ && shards_.front()->table.entries() == 0) return Existence::Unknown;
  return at(key, [&](CacheTable& table, const CacheTable::HashedKey& hashed) {
    return table.existence(hashed, now);
  });
}

bool Cache::is_told_ended(const CacheKey& key, Milliseconds now) const {
  if (!keeps_stale()) return false;
  return at(key, [&](CacheTable& table, const CacheTable::HashedKey& hashed) {
    return table.is_told_ended(hashed, now);
  });
}

void Cache::make_no_data(const CacheKey& key) {
  if (!is_shared_ && shards_.front()->table.entries() == 0) return;
  at(key,
     [&](CacheTable& table, const CacheTable::HashedKey& hashed) { table.make_no_data(hashed); });
}

void Cache::prefetch(uint64_t hash, Depth depth) const {
  shards_.front()->table.prefetch(hash, depth);
}

void Cache::clear() {
  ++clearings_;  // before: what restore() has put in by then goes, and no more comes
  for (const auto& shard : shards_) {
    const auto held = lock(*shard);
    shard->table.clear();
  }
}

void Cache::restore(const CacheKey& key, const Answer& answer, const CacheTable::Validity& validity,
                    uint32_t clearings) {
  at(key, [&](CacheTable& table, const CacheTable::HashedKey& hashed) {
    if (clearings_.load() == clearings && !table.has(hashed)) table.store(hashed, answer, validity);
  });
}

bool Cache::walk(Walk& walk, std::size_t most, Milliseconds now, const CacheTable::Visit& visit) {
  if (walk.shard == shards_.size()) return false;
  Shard& shard = *shards_[walk.shard];
  const auto held = lock(shard);
  if (!std::exchange(walk.is_begun, true)) shard.table.begin_walk();
  if (!shard.table.walk(most, now, visit)) {
    ++walk.shard;
    walk.is_begun = false;
  }
  return walk.shard < shards_.size();
}

// Calls `act(table, bucket)` for the next few, with the table locked meanwhile.
template <typename Act>
void Cache::each_bucket(Place& place, Act act) const {
  constexpr std::size_t kBuckets = 16;
  Shard& shard = *shards_[place.shard];
  const auto held = lock(shard);
  const std::size_t all = shard.table.buckets();
  const std::size_t end = std::min(place.bucket + kBuckets, all);
  for (; place.bucket < end; ++place.bucket) act(shard.table, place.bucket);
  if (place.bucket >= all) place = {place.shard + 1, 0};
}

void Cache::visit(Place& place, const NameChoice& names, Milliseconds now,
                  const CacheTable::Visit& visit) {
  each_bucket(place, [&](const CacheTable& table, std::size_t bucket) {
    table.visit(bucket, names, now, visit);
  });
}

std::size_t Cache::remove(Place& place, const NameChoice& names) {
  std::size_t removed = 0;
  each_bucket(place, [&](CacheTable& table, std::size_t bucket) {
    removed += table.remove_from(bucket, names);
  });
  return removed;
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

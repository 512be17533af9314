// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// LRU cache of answers, kept as packets, for one worker or shared by several.
//
// One entry serves UDP and TCP, every EDNS size and every spelling of the name. What comes out is a
// copy with its TTLs counted down. Two limits, and the least recently used entry is the victim of
// both: the capacity in answers, and kBytesPerAnswer of memory for each answer of capacity in
// total.
//
// One worker has one table and pays for no lock. For several the cache is cut into shards by hash,
// each with a mutex and its share of both limits: then "least recently used" is said of the shard.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "dns/message.h"
#include "policy/cache_table.h"

namespace dnslet::policy {

// How long an answer may be kept (contract section 8).
struct CacheTtls {
  std::chrono::seconds max{60};
  std::chrono::seconds max_negative{10};

  // The longest time that an answer of this kind is kept.
  std::chrono::seconds most_for(const Answer& answer) const {
    return answer.kind() == dns::AnswerKind::Data ? max : std::min(max, max_negative);
  }
};

struct CacheCounters {
  std::size_t entries = 0;
  std::size_t bytes = 0;  // memory taken, tables and allocator included
  uint64_t evictions = 0;
  uint64_t hits = 0;  // of look-ups
  uint64_t misses = 0;
};

class Cache {
 public:
  static constexpr std::size_t kBytesPerAnswer = 1024;
  static constexpr std::size_t kShardsPerWorker = 16;
  static constexpr std::size_t kMinPerShard = 256;  // answers; a small cache has fewer shards

  // `capacity` 0: keeps nothing. `seed`: see dns/hash.h. `workers`: the threads that share it; with
  // more than one, every function below may be called by all of them at once. `stale`: how long an
  // answer is kept for find_stale() when it has ended.
  Cache(std::size_t capacity, uint64_t seed, std::size_t workers = 1,
        std::chrono::seconds stale = std::chrono::seconds(0));
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // Sets aside the memory of the tables. False: the system has not so much.
  [[nodiscard]] bool reserve();
  // Keeps a copy of the answer until now + lifetime, in place of an earlier one, which goes also
  // where the lifetime is 0 and nothing is kept.
  // REQUIRES: the answer is whole and asks for key.name.
  void store(const CacheKey& key, const Answer& answer, Milliseconds now,
             std::chrono::seconds lifetime);

  // Copies the answer, TTLs counted down, to the front of `slot`, or as much of it as cut() needs
  // to `large` where the slot is too small; an answer that has ended counts as absent, as does one
  // that fits nowhere. The entry becomes the most recently used one. Allocates nothing.
  std::optional<CacheHit> find(const CacheKey& key, Milliseconds now, dns::MutableBytesView slot,
                               dns::MutableBytesView large);

  // Whether there may be an answer that find_stale() gives.
  bool keeps_stale() const { return stale_.count() > 0; }
  // How long an answer is kept when it has ended.
  std::chrono::seconds stale() const { return stale_; }
  // An answer that has ended no longer than `stale` ago: its TTLs are kStaleTtl, its error is Stale
  // Answer. For when upstream fails; with Ended::WithRecords, and kStaleFirstTtl, for before it is
  // asked. Buffers as for find(). Allocates nothing.
  std::optional<CacheHit> find_stale(const CacheKey& key, Milliseconds now,
                                     const CacheTable::Room& room, Ended which);
  // Notes that upstream failed to answer this question. For about a second find_stale() gives the
  // old answer to those who look for Ended::JustTried: upstream is left alone so long.
  void note_failure(const CacheKey& key, Milliseconds now);

  // Whether the caller shall ask upstream again, after a hit that wants it: true for one at a time,
  // and once for an entry that has not ended. Whoever was granted it calls end_refresh() when
  // nothing more will come of it.
  bool claim_refresh(const CacheKey& key, Milliseconds now);
  // Counts as a failure where no new answer has been stored meanwhile.
  void end_refresh(const CacheKey& key, Milliseconds now);

  // What the answer under this key shows of its name, as long as it lasts. Does not count as use.
  Existence existence(const CacheKey& key, Milliseconds now) const;
  // Whether clients are told an answer with records under this key that has ended: it is being
  // refreshed, or that has failed within the last second.
  bool is_told_ended(const CacheKey& key, Milliseconds now) const;
  // Turns the answer under this key into NODATA if it is NXDOMAIN.
  void make_no_data(const CacheKey& key);

  // For preload(): see there. False while others share the cache: that would take its lock twice.
  bool can_prefetch() const { return !is_shared_; }
  uint64_t hash_of(const CacheKey& key) const { return CacheTable::hash_of(key, seed_); }
  // REQUIRES: can_prefetch().
  void prefetch(uint64_t hash, Depth depth) const;

  void clear();
  // How often it has been cleared.
  uint32_t clearings() const { return clearings_.load(); }

  // As store(), for what was kept before the process began: where there is no answer yet, and the
  // cache has not been cleared since `clearings` was read.
  void restore(const CacheKey& key, const Answer& answer, const CacheTable::Validity& validity,
               uint32_t clearings);
  // All entries in pieces: see CacheTable::walk(). A new Walk begins anew; of several at once each
  // one disturbs the others. False: no entry is left. `visit` must not call back.
  struct Walk {
    std::size_t shard = 0;
    bool is_begun = false;  // in this shard
  };
  bool walk(Walk& walk, std::size_t most, Milliseconds now, const CacheTable::Visit& visit);

  // All entries of some names in pieces, in no order and by any number of callers at once: what is
  // there from the first to the last piece is met once. `visit` must not call back.
  struct Place {
    std::size_t shard = 0;
    std::size_t bucket = 0;
  };
  bool is_at_end(const Place& place) const { return place.shard == shards_.size(); }
  // REQUIRES, here and below: it is not at the end.
  void visit(Place& place, const NameChoice& names, Milliseconds now,
             const CacheTable::Visit& visit);
  // Returns how many entries have gone.
  std::size_t remove(Place& place, const NameChoice& names);

  // Of all shards, one after the other.
  CacheCounters counters() const;
  std::size_t entries() const { return counters().entries; }
  std::size_t bytes() const { return counters().bytes; }
  uint64_t evictions() const { return counters().evictions; }

 private:
  struct Shard;

  template <typename Act>
  auto at(const CacheKey& key, Act act) const;
  template <typename Act>
  void each_bucket(Place& place, Act act) const;
  Shard& shard_of(uint64_t hash) const;
  std::unique_lock<std::mutex> lock(Shard& shard) const;

  uint64_t seed_;
  std::chrono::seconds stale_;
  bool is_shared_;
  std::atomic<uint32_t> clearings_ = 0;
  std::vector<std::unique_ptr<Shard>> shards_;  // at least one
};

}  // namespace dnslet::policy

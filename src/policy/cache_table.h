// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The LRU table behind policy/cache: packets by question. Used by one thread at a time.
//
// Made to be small: a cached address of a name of 25 characters takes 89 bytes, tables included.
// Two places hold an entry, and a hit touches each once:
//   index   heads of chains, by hash: 4 bytes for each bucket
//   arena   a block for each entry: links of the chain and of the LRU list, what tells keys apart
//           before their bytes are compared, times, TTL offsets, the packet; its question is the
//           key
//
// An answer that has ended may be kept for a while longer, for find_stale().
// Entries are numbers in the arena; block 0 is both ends of the LRU list. The index is allocated
// whole at once: zeroed pages of the system, resident as far as they are used. With the index the
// arena stays within the limit of bytes, free places in it included: for what finds no place in it
// the least recently used ones make room.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>

#include "base/arena.h"
#include "dns/answer.h"
#include "dns/message.h"
#include "dns/reply.h"
#include "policy/key_table.h"
#include "policy/name_choice.h"
#include "policy/route.h"

namespace dnslet::policy {

using Milliseconds = std::chrono::milliseconds;  // durations, and points on the monotonic clock

// Whose answer it is: that of the name itself, or that of a search for it.
enum class Scope : uint8_t { AsItStands, Searched };

// Everything that makes two questions ask for different answers. Borrows the name.
struct CacheKey {
  dns::NameView name;
  dns::Type type;
  dns::Class qclass;
  bool dnssec_ok;
  bool checking_disabled;
  Scope scope = Scope::AsItStands;
  Route route = kByName;
};

using dns::Answer;

// An answer found. Owns the error; the message is the copy, at the front of one of the buffers
// given. Where the slot was too small it may be the front of the answer, for cut() and flatten().
struct CacheHit {
  explicit CacheHit(dns::MutableBytesView copy) : message(copy) {}

  dns::MutableBytesView message;
  dns::ExtendedError error;
  std::chrono::seconds left{0};  // of its life, rounded down
  uint16_t turn = 0;             // one more each time the entry is found; starts anywhere
  uint8_t subnet_scope = 0;      // see dns::Answer
  // The entry is positive, and a tenth of its life is left, or a second where that is more; or it
  // has ended and is given out as Ended::WithRecords.
  bool is_ending = false;
  // It is in use, and claim_refresh() would be granted.
  bool wants_refresh = false;
};

// What an answer shows of the name that it is about, each more than the one before. HasRecords:
// maybe but an alias; HasData: of the type asked.
enum class Existence { Unknown, Exists, HasRecords, HasData };

// RFC 8767 section 4: what an answer that has ended is given out with, where upstream has failed;
// and before upstream is asked (--rcache-stale-first).
inline constexpr uint32_t kStaleTtl = 30;
inline constexpr uint32_t kStaleFirstTtl = 5;
// Which of the answers that have ended: all, or those that were asked for again in vain within the
// last second (see note_failure); or, before upstream is asked, those with records: a negative one
// would hide a new host.
enum class Ended { Any, JustTried, WithRecords };

class CacheTable {
 public:
  // Of what differs by the network of clients. The one that was kept first makes room.
  static constexpr std::size_t kMostSubnets = 16;

  struct HashedKey {
    CacheKey key;
    uint64_t hash;  // hash_of(key, seed)
  };
  struct Validity {
    Milliseconds from;
    std::chrono::seconds lifetime;
  };
  // Where to copy an answer: to the slot, or its front (dns::kFront) to `large` where the slot is
  // too small. What does not fit into `large` as a whole fits nowhere.
  struct Room {
    dns::MutableBytesView slot;
    dns::MutableBytesView large;
  };

  struct Limits {
    std::size_t capacity;  // entries; 0: keeps nothing
    std::size_t max_bytes;
    std::chrono::seconds stale{0};  // how long an entry is kept when it has ended
  };

  // An entry as walk() shows it. Borrows.
  struct Entry {
    unsigned flags;  // see policy/cache_entry
    Route route;
    dns::BytesView message;
    dns::BytesView error;  // empty: none
    uint64_t age_ms;
    uint32_t lifetime;  // s
  };
  using Visit = std::function<void(const Entry& entry)>;

  // `seed`: as for the hashes.
  CacheTable(const Limits& limits, uint64_t seed);
  ~CacheTable() { clear(); }
  CacheTable(const CacheTable&) = delete;
  CacheTable& operator=(const CacheTable&) = delete;

  static uint64_t hash_of(const CacheKey& key, uint64_t seed);

  // Sets aside the memory of the tables, which the first answer would do otherwise. False: there is
  // not so much; then nothing is kept.
  [[nodiscard]] bool reserve();
  // Keeps a copy in place of an earlier answer, or of all for networks within its own; the least
  // recently used ones make room. Without a lifetime nothing is kept, and the earlier answer goes
  // all the same: it has been overtaken. REQUIRES: the answer is whole and asks for the key's name,
  // type and class.
  void store(const HashedKey& key, const Answer& answer, const Validity& validity);
  // The answer, TTLs counted down. One that has ended counts as absent, as does one that fits
  // nowhere.
  std::optional<CacheHit> find(const HashedKey& key, Milliseconds now, const Room& room);
  // An answer that has ended, as it was but for its TTLs and the error: Stale Answer, and
  // kStaleTtl, or kStaleFirstTtl for Ended::WithRecords.
  std::optional<CacheHit> find_stale(const HashedKey& key, Milliseconds now, const Room& room,
                                     Ended which);
  // Notes that upstream had no answer to offer in place of this one.
  void note_failure(const HashedKey& key, Milliseconds now);
  // Whether the caller shall ask upstream again. Before the answer ends this is true once for each
  // entry; behind its end whenever nobody does so and upstream has not failed within the last
  // second. Whoever was granted it calls end_refresh() when nothing more will come of it.
  bool claim_refresh(const HashedKey& key, Milliseconds now);
  // Where no new answer has taken the place of the old one, that was a failure.
  void end_refresh(const HashedKey& key, Milliseconds now);
  // What the answer shows, as long as it lasts. Does not count as use.
  Existence existence(const HashedKey& key, Milliseconds now) const;
  // Whether clients are told an answer with records that has ended: upstream is being asked again,
  // or has failed within the last second.
  bool is_told_ended(const HashedKey& key, Milliseconds now) const;
  // Turns NXDOMAIN into NODATA.
  void make_no_data(const HashedKey& key);
  // For preload(): see there.
  void prefetch(uint64_t hash, Depth depth) const;
  // Whether there is an answer, which may have ended.
  bool has(const HashedKey& key) const { return locate(key) != 0; }
  // All entries in pieces, the least recently used one first; what is used or stored between two
  // pieces is shown at the end, even if it was shown before. begin_walk() begins anew. False: no
  // entry is left.
  void begin_walk();
  bool walk(std::size_t most, Milliseconds now, const Visit& visit);
  // The places of entries, which they keep: whatever changes between two calls, each entry that was
  // there all the time is in one of them.
  std::size_t buckets() const { return index_ ? buckets_ : 0; }
  void visit(std::size_t bucket, const NameChoice& names, Milliseconds now,
             const Visit& visit) const;
  // Returns how many have gone.
  std::size_t remove_from(std::size_t bucket, const NameChoice& names);
  void clear();

  std::size_t entries() const { return used_; }
  // Of entries and the index.
  std::size_t bytes() const { return index_ ? index_bytes() + arena_.used() : 0; }
  uint64_t evictions() const { return evictions_; }
  // What find() was asked for, and what it had.
  uint64_t lookups() const { return lookups_; }
  uint64_t hits() const { return hits_; }
  // Somebody knows without find() that nothing is there.
  void note_miss() { ++lookups_; }

 private:
  struct Parts;
  struct Block;
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  std::size_t index_bytes() const { return buckets_ * sizeof(uint32_t); }
  Block& at(uint32_t number) const;
  static void show(const Block& block, Milliseconds now, dns::Bytes& message, const Visit& visit);
  uint32_t locate(const HashedKey& key) const;
  bool is_about(const Block& block, const HashedKey& key) const;
  void make_way(const HashedKey& key, bool for_answer);
  void use(uint32_t number);
  void link_newest(uint32_t number);
  void unlink(uint32_t number);
  void remove(uint32_t number);

  Limits limits_;
  uint64_t seed_;
  std::size_t buckets_;  // a power of two
  std::unique_ptr<uint32_t[], Free> index_;
  Arena arena_;
  std::size_t used_ = 0;
  uint64_t evictions_ = 0;
  uint64_t lookups_ = 0;
  uint64_t hits_ = 0;
  // Of the entry stored last; each is hashed from the one before. Hashes of 1, 2, 3, … would not
  // do: with some seeds their last bits favour one value.
  uint64_t first_turn_ = 0;
  // Of a walk: whom it shows next, 0: nobody; and how many more at most.
  uint32_t walked_ = 0;
  std::size_t walk_left_ = 0;
};

}  // namespace dnslet::policy

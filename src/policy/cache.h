// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// LRU cache of answers, kept as packets.
//
// One entry serves UDP and TCP, every EDNS size and every spelling of the name. What comes out is a
// copy with its TTLs counted down. Two limits, and the least recently used entry is the victim of
// both: the capacity in answers, and kBytesPerAnswer of memory for each answer of capacity in
// total.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dns/message.h"
#include "dns/reply.h"

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
};

// An answer as kept: no OPT, question folded.
struct Answer {
  dns::Bytes message;
  dns::ExtendedError error;
};

// How long an answer may be kept (contract section 8).
struct CacheTtls {
  std::chrono::seconds max{60};
  std::chrono::seconds max_negative{10};
};

// The seconds for which `message` may be kept; 0: not at all. Positive: its smallest TTL. NXDOMAIN
// and NODATA: also the smaller of the SOA's TTL and MINIMUM (RFC 2308 section 5), none without SOA.
// Truncated answers and other rcodes: 0.
std::chrono::seconds time_to_keep(const dns::Message& message, const CacheTtls& ttls);

class Cache {
 public:
  static constexpr std::size_t kBytesPerAnswer = 1024;

  struct Hit {
    dns::MutableBytesView message;  // the copy: the front of a buffer that find() was given
    dns::ExtendedError error;
    uint32_t turn = 0;  // one more each time the entry is found; starts anywhere
  };

  // `capacity` 0: keeps nothing. `seed`: see dns/hash.h.
  Cache(std::size_t capacity, uint64_t seed);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // Keeps a copy of the answer until now + lifetime, in place of an earlier one.
  // REQUIRES: answer.message parses and asks for key.name.
  void store(const CacheKey& key, const Answer& answer, Milliseconds now,
             std::chrono::seconds lifetime);

  // Copies the answer, TTLs counted down, to the front of `slot`, or of `large` where the slot is
  // too small; an answer that has ended counts as absent, as does one that fits nowhere. The entry
  // becomes the most recently used one.
  std::optional<Hit> find(const CacheKey& key, Milliseconds now, dns::MutableBytesView slot,
                          dns::MutableBytesView large);

  void clear();
  std::size_t entries() const { return used_; }
  std::size_t bytes() const { return bytes_; }  // memory taken, tables and allocator included
  uint64_t evictions() const { return evictions_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Entry;  // one allocation: this, TTL offsets, message, extended error

  // Entries are freed as the raw bytes that they were made as.
  struct FreeEntry {
    void operator()(Entry* entry) const;
  };
  using EntryPointer = std::unique_ptr<Entry, FreeEntry>;

  static EntryPointer make_entry(const CacheKey& key, const Answer& answer);
  uint64_t hash_of(const CacheKey& key) const;
  uint32_t locate(const CacheKey& key, uint32_t hash) const;
  void link_newest(uint32_t number);
  void unlink(uint32_t number);
  void remove(uint32_t number);
  void make_room(std::size_t bytes);
  uint32_t take_number();

  std::size_t capacity_;
  uint64_t seed_;
  std::vector<uint32_t> buckets_;      // heads of chains: entry numbers; made with the first entry
  std::vector<EntryPointer> entries_;  // by number; grows up to capacity_
  std::vector<uint32_t> free_;         // numbers of entries that were removed
  uint32_t newest_ = kNone;
  uint32_t oldest_ = kNone;
  std::size_t used_ = 0;
  std::size_t bytes_ = 0;
  uint64_t evictions_ = 0;
  uint64_t stored_ = 0;
};

}  // namespace dnslet::policy

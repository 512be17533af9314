// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/cache_table.h"

#include <algorithm>
#include <bit>
#include <new>
#include <span>

#include "dns/hash.h"
#include "dns/patch.h"
#include "policy/cache_entry.h"

namespace dnslet::policy {
namespace {

unsigned variant_of(const CacheKey& key) {
  return (key.dnssec_ok ? kDnssecOk : 0U) | (key.checking_disabled ? kCheckingDisabled : 0U) |
         (key.scope == Scope::Searched ? kSearched : 0U) | (key.route.is_by_name() ? 0U : kRouted);
}

// The low half of a hash finds the bucket; policy/cache takes the top bits.
uint8_t tag_of(uint64_t hash) { return static_cast<uint8_t>(hash >> 32); }
// A and AAAA of a name share a bucket and differ in the tag: where one is asked for or stored, the
// other one is looked at, too (policy/family).
constexpr uint64_t kOtherFamily = uint64_t{1} << 32;

// A tenth, but at least a second; what lives for a second only would always be at its end.
bool ends_soon(uint64_t age_ms, uint64_t lifetime_s) {
  return lifetime_s > 1 && lifetime_s * 1000 - age_ms < std::max<uint64_t>(lifetime_s * 100, 1000);
}

// Where to copy a message of this size, or its front; empty: it fits nowhere.
dns::MutableBytesView place_for(std::size_t size, const CacheTable::Room& room) {
  if (size <= room.slot.size()) return room.slot.first(size);
  if (size > room.large.size()) return {};
  return room.large.first(dns::front_size(size, room.slot.size()));
}

}  // namespace

CacheTable::CacheTable(const Limits& limits, uint64_t seed)
    : limits_(limits),
      seed_(seed),
      buckets_(std::bit_ceil(limits.capacity + limits.capacity / 4)),
      arena_(limits.max_bytes - std::min(limits.max_bytes, index_bytes()), sizeof(Block)) {}

CacheTable::Block& CacheTable::at(uint32_t number) const { return arena_.at<Block>(number); }

uint64_t CacheTable::hash_of(const CacheKey& key, uint64_t seed) {
  uint64_t variant = static_cast<uint64_t>(dns::one_family(key.type)) << 32 |
                     static_cast<uint64_t>(key.qclass) << 16 | variant_of(key);
  // Networks share a bucket: which of them a question is in is found out there.
  if ((variant & kRouted) != 0) variant ^= policy::hash_of(without_subnet(key.route), seed);
  const uint64_t hash = dns::hash(key.name.wire(), seed ^ variant);
  return key.type == dns::Type::AAAA ? hash ^ kOtherFamily : hash;
}

void CacheTable::store(const HashedKey& key, const Answer& answer, const Validity& validity) {
  if (limits_.capacity == 0) return;
  const Parts parts(key.key, answer);
  const std::size_t size = Block::size_for(parts);
  const bool is_kept = validity.lifetime > std::chrono::seconds(0) && arena_.may_hold(size);
  make_way(key, is_kept);
  if (!is_kept || !reserve()) return;
  uint32_t number = 0;
  for (; used_ == limits_.capacity || (number = arena_.take(size)) == 0; ++evictions_) {
    if (used_ == 0) return;  // the system has no memory
    remove(at(0).newer);
  }

  Block& block = at(number);
  block.keep(parts);
  block.set_stored_at(validity.from);
  block.tried_at = 0;
  block.lifetime =
      static_cast<uint32_t>(std::min(validity.lifetime, std::chrono::seconds(UINT32_MAX)).count());
  block.tag = tag_of(key.hash);
  block.flags = static_cast<uint8_t>(variant_of(key.key) | (parts.error.empty() ? 0U : kError) |
                                     (answer.kind() == dns::AnswerKind::Data ? kPositive : 0U));
  // Entries that end soon must not all begin with the same address.
  first_turn_ =
      dns::hash({reinterpret_cast<const uint8_t*>(&first_turn_), sizeof first_turn_}, seed_);
  block.turn = static_cast<uint16_t>(first_turn_);
  uint32_t& head = index_[key.hash & (buckets_ - 1)];
  block.next = head;
  head = number;
  link_newest(number);
  ++used_;
}

std::optional<CacheHit> CacheTable::find(const HashedKey& key, Milliseconds now, const Room& room) {
  ++lookups_;
  const uint32_t number = locate(key);
  if (number == 0) return std::nullopt;
  Block& block = at(number);
  const uint64_t age_ms = block.age_ms(now);
  if (age_ms >= uint64_t{block.lifetime} * 1000) {
    if (age_ms >= block.kept_ms(limits_.stale)) remove(number);
    return std::nullopt;
  }
  const dns::MutableBytesView out = place_for(block.message_size, room);
  if (out.empty()) return std::nullopt;
  use(number);

  ++hits_;
  std::optional<CacheHit> hit(std::in_place, out);
  const std::size_t question_end = Parts::question_end(key.key.name);
  block.copy_message(question_end, out);
  if (const auto age = static_cast<uint32_t>(age_ms / 1000))
    block.for_ttls(question_end, out.size(), [&](std::span<const uint16_t> offsets) {
      dns::count_ttls_down(out, offsets, age);
    });
  if (block.flags & kError) hit->error = dns::ExtendedError(block.error());
  hit->left = std::chrono::seconds((uint64_t{block.lifetime} * 1000 - age_ms) / 1000);
  hit->turn = block.turn++;
  if (block.flags & kRouted) hit->subnet_scope = block.route().subnet.prefix;
  if ((block.flags & kFoundMask) < kFoundTwice) block.flags += kFound;
  if (ends_soon(age_ms, block.lifetime) && (block.flags & kPositive) != 0) {
    hit->is_ending = true;
    hit->wants_refresh = (block.flags & kFoundMask) == kFoundTwice;
  }
  return hit;
}

std::optional<CacheHit> CacheTable::find_stale(const HashedKey& key, Milliseconds now,
                                               const Room& room, Ended which) {
  const uint32_t number = locate(key);
  if (number == 0) return std::nullopt;
  Block& block = at(number);
  if (!block.has_ended(now) || block.age_ms(now) >= block.kept_ms(limits_.stale))
    return std::nullopt;
  const bool goes_first = which == Ended::WithRecords;
  if (which == Ended::JustTried && !block.was_just_tried(now)) return std::nullopt;
  if (goes_first && !dns::has_records(dns::kind_by_header(block.header()))) return std::nullopt;
  const dns::MutableBytesView out = place_for(block.message_size, room);
  if (out.empty()) return std::nullopt;
  use(number);

  CacheHit hit(out);
  hit.error = dns::ExtendedError::stale_answer();
  hit.turn = block.turn++;
  hit.subnet_scope = block.route().subnet.prefix;
  const std::size_t question_end = Parts::question_end(key.key.name);
  block.copy_message(question_end, out);
  block.for_ttls(question_end, out.size(), [&](std::span<const uint16_t> offsets) {
    dns::set_ttls(out, offsets, goes_first ? kStaleFirstTtl : kStaleTtl);
  });
  hit.is_ending = goes_first;
  hit.wants_refresh = goes_first && block.may_be_refreshed(now);
  return hit;
}

void CacheTable::note_failure(const HashedKey& key, Milliseconds now) {
  if (const uint32_t number = locate(key)) at(number).tried_at = Block::try_clock(now);
}

bool CacheTable::claim_refresh(const HashedKey& key, Milliseconds now) {
  const uint32_t number = locate(key);
  if (number == 0) return false;
  Block& block = at(number);
  if (block.has_ended(now) ? !block.may_be_refreshed(now) : block.is_claimed()) return false;
  block.flags |= kClaimed;
  block.tried_at = 0;
  return true;
}

// What was refreshed may be wider than what has come of it.
void CacheTable::end_refresh(const HashedKey& key, Milliseconds now) {
  if (used_ == 0) return;
  for (uint32_t number = index_[key.hash & (buckets_ - 1)]; number != 0;) {
    Block& block = at(number);
    number = block.next;
    if (is_about(block, key) && block.is_being_refreshed() && covers(block.route(), key.key.route))
      block.tried_at = Block::try_clock(now);
  }
}

Existence CacheTable::existence(const HashedKey& key, Milliseconds now) const {
  const uint32_t number = locate(key);
  if (number == 0) return Existence::Unknown;
  const Block& block = at(number);
  if (block.has_ended(now)) return Existence::Unknown;
  if ((block.flags & kPositive) != 0) return Existence::HasData;
  const dns::AnswerKind kind = dns::kind_by_header(block.header());
  if (dns::has_records(kind)) return Existence::HasRecords;
  return kind == dns::AnswerKind::NoData ? Existence::Exists : Existence::Unknown;
}

bool CacheTable::is_told_ended(const HashedKey& key, Milliseconds now) const {
  const uint32_t number = locate(key);
  if (number == 0) return false;
  const Block& block = at(number);
  return block.has_ended(now) && block.age_ms(now) < block.kept_ms(limits_.stale) &&
         dns::has_records(dns::kind_by_header(block.header())) && !block.may_be_refreshed(now);
}

void CacheTable::make_no_data(const HashedKey& key) {
  const uint32_t number = locate(key);
  if (number == 0) return;
  const dns::MutableBytesView header = at(number).header();
  if (dns::rcode_of(header) == dns::Rcode::NxDomain) dns::make_no_data(header);
}

void CacheTable::prefetch(uint64_t hash, Depth depth) const {
  if (used_ == 0) return;
  const uint32_t* const head = &index_[hash & (buckets_ - 1)];
  if (depth == Depth::Slot) {
    __builtin_prefetch(head);
    return;
  }
  const Block* block = &at(*head);
  if (depth == Depth::Entry) {
    prefetch_short(block, sizeof(Block));
    return;
  }
  while (block->tag != tag_of(hash) && block->next != 0) block = &at(block->next);
  // What the answer is copied from, and mostly all of it.
  prefetch_short(block + 1, 65);
}

void CacheTable::begin_walk() {
  walked_ = used_ > 0 ? at(0).newer : 0;
  walk_left_ = 2 * used_;  // ends also where entries are used as fast as they are shown
}

bool CacheTable::walk(std::size_t most, Milliseconds now, const Visit& visit) {
  dns::Bytes message;
  for (; most > 0 && walked_ != 0 && walk_left_ > 0; --most, --walk_left_) {
    const Block& block = at(walked_);
    show(block, now, message, visit);
    walked_ = block.newer;
  }
  return walked_ != 0 && walk_left_ > 0;
}

// `message` is kept for its memory.
void CacheTable::show(const Block& block, Milliseconds now, dns::Bytes& message,
                      const Visit& visit) {
  dns::Name name;
  const CacheKey key = block.key(name);
  message.resize(block.message_size);
  block.copy_message(Parts::question_end(key.name), message);
  visit({block.flags, key.route, message,
         (block.flags & kError) != 0 ? block.error() : dns::BytesView(), block.age_ms(now),
         block.lifetime});
}

void CacheTable::visit(std::size_t bucket, const NameChoice& names, Milliseconds now,
                       const Visit& visit) const {
  dns::Name name;
  dns::Bytes message;
  for (uint32_t number = index_[bucket]; number != 0; number = at(number).next)
    if (names.has(at(number).key(name).name)) show(at(number), now, message, visit);
}

std::size_t CacheTable::remove_from(std::size_t bucket, const NameChoice& names) {
  const std::size_t before = used_;
  dns::Name name;
  for (uint32_t next = index_[bucket]; next != 0;) {
    const uint32_t number = next;
    next = at(number).next;
    if (names.has(at(number).key(name).name)) remove(number);
  }
  return before - used_;
}

void CacheTable::clear() {
  index_.reset();
  arena_.clear();
  walked_ = 0;
  used_ = 0;
}

bool CacheTable::reserve() {
  if (index_ || limits_.capacity == 0) return true;
  if (!arena_.reserve()) return false;
  Block& ends = at(0);
  ends.tag = 0;
  ends.next = ends.newer = ends.older = 0;
  index_.reset(static_cast<uint32_t*>(std::calloc(buckets_, sizeof(uint32_t))));
  return index_ != nullptr;
}

// Whether it answers the question; for whom is another matter.
bool CacheTable::is_about(const Block& block, const HashedKey& key) const {
  return block.tag == tag_of(key.hash) && (block.flags & kVariant) == variant_of(key.key) &&
         block.asks_for(key.key);
}

// 0: not there. Of several networks that the question is in the smallest one counts.
uint32_t CacheTable::locate(const HashedKey& key) const {
  if (used_ == 0) return 0;
  const bool is_routed = !key.key.route.is_by_name();
  uint32_t best = 0;
  int longest = -1;
  uint32_t number = index_[key.hash & (buckets_ - 1)];
  for (; number != 0; number = at(number).next) {
    const Block& block = at(number);
    if (!is_about(block, key)) continue;
    if (!is_routed) return number;
    const Route kept = block.route();
    if (kept.subnet.prefix <= longest || !covers(kept, key.key.route)) continue;
    best = number;
    longest = kept.subnet.prefix;
  }
  return best;
}

// What has been overtaken goes; for an answer that is kept also all for networks in its own, and
// what is one network too many.
void CacheTable::make_way(const HashedKey& key, bool for_answer) {
  if (key.key.route.is_by_name()) {
    if (const uint32_t earlier = locate(key)) remove(earlier);
    return;
  }
  if (used_ == 0) return;
  std::size_t others = 0;
  uint32_t first = 0;
  for (uint32_t next = index_[key.hash & (buckets_ - 1)]; next != 0;) {
    const uint32_t number = next;
    const Block& block = at(number);
    next = block.next;
    if (!is_about(block, key)) continue;
    const Route kept = block.route();
    if (for_answer ? covers(key.key.route, kept) : kept == key.key.route) {
      remove(number);
    } else if (without_subnet(kept) == without_subnet(key.key.route)) {
      ++others;
      first = number;  // the newest ones lead the chain
    }
  }
  if (for_answer && others >= kMostSubnets) remove(first);
}

void CacheTable::link_newest(uint32_t number) {
  Block& block = at(number);
  Block& ends = at(0);
  block.newer = 0;
  block.older = ends.older;
  at(block.older).newer = number;
  ends.older = number;
}

// Makes it the most recently used one.
void CacheTable::use(uint32_t number) {
  if (number == at(0).older) return;
  unlink(number);
  link_newest(number);
}

void CacheTable::unlink(uint32_t number) {
  const Block& block = at(number);
  if (number == walked_) walked_ = block.newer;
  at(block.older).newer = block.newer;
  at(block.newer).older = block.older;
}

void CacheTable::remove(uint32_t number) {
  unlink(number);
  const Block& block = at(number);
  dns::Name name;
  uint32_t* link = &index_[hash_of(block.key(name), seed_) & (buckets_ - 1)];
  while (*link != number) link = &at(*link).next;
  *link = block.next;
  arena_.give_back(number);
  --used_;
}

}  // namespace dnslet::policy

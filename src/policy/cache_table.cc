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

// What an allocator takes for a block: 8 bytes more than asked for, in steps of 16.
std::size_t allocated(std::size_t size) { return (size + 8 + 15) / 16 * 16; }

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

// The offsets, in their order, of fields that lie in the first `size` bytes.
std::span<const uint16_t> within(std::span<const uint16_t> ttls, std::size_t size) {
  const auto is_inside = [size](uint16_t offset) { return offset + sizeof(uint32_t) <= size; };
  if (ttls.empty() || is_inside(ttls.back())) return ttls;
  return {ttls.begin(), std::ranges::partition_point(ttls, is_inside)};
}

// Null: there is no memory.
template <typename T>
T* allocate_zeroed(std::size_t count) {
  return static_cast<T*>(std::calloc(count, sizeof(T)));
}

}  // namespace

CacheTable::CacheTable(const Limits& limits, uint64_t seed)
    : limits_(limits),
      seed_(seed),
      buckets_(std::bit_ceil(limits.capacity + limits.capacity / 4)) {}

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
  const std::size_t size = allocated(Block::size_for(answer, key.key.route));
  const bool is_kept =
      validity.lifetime > std::chrono::seconds(0) && table_bytes() + size <= limits_.max_bytes;
  make_way(key, is_kept);
  if (!is_kept || !reserve()) return;
  for (; used_ == limits_.capacity || bytes_ + size > limits_.max_bytes; ++evictions_)
    remove(nodes_[0].newer);

  const uint32_t number = take_number();
  Node& node = nodes_[number];
  node.block = Block::make(answer, key.key.route);
  node.block->stored_at = static_cast<uint64_t>(validity.from.count()) & ((1ULL << 48) - 1);
  node.block->lifetime =
      static_cast<uint32_t>(std::min(validity.lifetime, std::chrono::seconds(UINT32_MAX)).count());
  node.tag = tag_of(key.hash);
  node.flags = static_cast<uint8_t>(variant_of(key.key) | (answer.error().empty() ? 0U : kError) |
                                    (answer.kind() == dns::AnswerKind::Data ? kPositive : 0U));
  // Entries that end soon must not all begin with the same address.
  first_turn_ =
      dns::hash({reinterpret_cast<const uint8_t*>(&first_turn_), sizeof first_turn_}, seed_);
  node.turn = static_cast<uint16_t>(first_turn_);
  uint32_t& head = index_[key.hash & (buckets_ - 1)];
  node.next = head;
  head = number;
  link_newest(number);
  bytes_ += size;
  ++used_;
}

std::optional<CacheHit> CacheTable::find(const HashedKey& key, Milliseconds now, const Room& room) {
  ++lookups_;
  const uint32_t number = locate(key);
  if (number == 0) return std::nullopt;
  Node& node = nodes_[number];
  const Block& block = *node.block;
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
  dns::copy_counted_down(block.message().first(out.size()), out, within(block.ttls(), out.size()),
                         static_cast<uint32_t>(age_ms / 1000));
  if (node.flags & kError) hit->error = dns::ExtendedError(block.error());
  hit->left = std::chrono::seconds((uint64_t{block.lifetime} * 1000 - age_ms) / 1000);
  hit->turn = node.turn++;
  if (node.flags & kRouted) hit->subnet_scope = block.route(node.flags).subnet.prefix;
  if ((node.flags & kFoundMask) < kFoundTwice) node.flags += kFound;
  if (ends_soon(age_ms, block.lifetime) && (node.flags & kPositive) != 0) {
    hit->is_ending = true;
    hit->wants_refresh = (node.flags & kFoundMask) == kFoundTwice;
  }
  return hit;
}

std::optional<CacheHit> CacheTable::find_stale(const HashedKey& key, Milliseconds now,
                                               const Room& room, Ended which) {
  const uint32_t number = locate(key);
  if (number == 0) return std::nullopt;
  Node& node = nodes_[number];
  const Block& block = *node.block;
  if (!block.has_ended(now) || block.age_ms(now) >= block.kept_ms(limits_.stale))
    return std::nullopt;
  const bool goes_first = which == Ended::WithRecords;
  if (which == Ended::JustTried && !block.was_just_tried(now)) return std::nullopt;
  if (goes_first && !dns::has_records(dns::kind_by_header(block.message()))) return std::nullopt;
  const dns::MutableBytesView out = place_for(block.message_size, room);
  if (out.empty()) return std::nullopt;
  use(number);

  CacheHit hit(out);
  hit.error = dns::ExtendedError::stale_answer();
  hit.turn = node.turn++;
  hit.subnet_scope = block.route(node.flags).subnet.prefix;
  dns::copy_bytes(block.message().first(out.size()), out);
  dns::set_ttls(out, within(block.ttls(), out.size()), goes_first ? kStaleFirstTtl : kStaleTtl);
  hit.is_ending = goes_first;
  hit.wants_refresh = goes_first && node.may_be_refreshed(now);
  return hit;
}

void CacheTable::note_failure(const HashedKey& key, Milliseconds now) {
  if (const uint32_t number = locate(key)) nodes_[number].block->tried_at = Block::try_clock(now);
}

bool CacheTable::claim_refresh(const HashedKey& key, Milliseconds now) {
  const uint32_t number = locate(key);
  if (number == 0) return false;
  Node& node = nodes_[number];
  if (node.block->has_ended(now) ? !node.may_be_refreshed(now) : node.is_claimed()) return false;
  node.flags |= kClaimed;
  node.block->tried_at = 0;
  return true;
}

// What was refreshed may be wider than what has come of it.
void CacheTable::end_refresh(const HashedKey& key, Milliseconds now) {
  if (used_ == 0) return;
  for (uint32_t number = index_[key.hash & (buckets_ - 1)]; number != 0;) {
    const Node& node = nodes_[number];
    number = node.next;
    if (is_about(node, key) && node.is_being_refreshed() &&
        covers(node.block->route(node.flags), key.key.route))
      node.block->tried_at = Block::try_clock(now);
  }
}

Existence CacheTable::existence(const HashedKey& key, Milliseconds now) const {
  const uint32_t number = locate(key);
  if (number == 0) return Existence::Unknown;
  const Block& block = *nodes_[number].block;
  if (block.has_ended(now)) return Existence::Unknown;
  const dns::AnswerKind kind = dns::kind_by_header(block.message());
  if (dns::has_records(kind)) return Existence::HasRecords;
  return kind == dns::AnswerKind::NoData ? Existence::Exists : Existence::Unknown;
}

bool CacheTable::is_told_ended(const HashedKey& key, Milliseconds now) const {
  const uint32_t number = locate(key);
  if (number == 0) return false;
  const Node& node = nodes_[number];
  const Block& block = *node.block;
  return block.has_ended(now) && block.age_ms(now) < block.kept_ms(limits_.stale) &&
         dns::has_records(dns::kind_by_header(block.message())) && !node.may_be_refreshed(now);
}

void CacheTable::make_no_data(const HashedKey& key) {
  const uint32_t number = locate(key);
  if (number == 0) return;
  const dns::MutableBytesView message = nodes_[number].block->message();
  if (dns::rcode_of(message) == dns::Rcode::NxDomain) dns::make_no_data(message);
}

void CacheTable::prefetch(uint64_t hash, Depth depth) const {
  if (used_ == 0) return;
  const uint32_t* const head = &index_[hash & (buckets_ - 1)];
  if (depth == Depth::Slot) {
    __builtin_prefetch(head);
    return;
  }
  const Node* node = &nodes_[*head];
  if (depth == Depth::Entry) {
    prefetch_short(node, sizeof(Node));
    return;
  }
  while (node->tag != tag_of(hash) && node->next != 0) node = &nodes_[node->next];
  if (node->block == nullptr) return;  // node 0
  // What the answer is copied from, and mostly all of it.
  prefetch_short(node->block, 65);
}

void CacheTable::begin_walk() {
  walked_ = used_ > 0 ? nodes_[0].newer : 0;
  walk_left_ = 2 * used_;  // ends also where entries are used as fast as they are shown
}

bool CacheTable::walk(std::size_t most, Milliseconds now, const Visit& visit) {
  for (; most > 0 && walked_ != 0 && walk_left_ > 0; --most, --walk_left_) {
    const Node& node = nodes_[walked_];
    const Block& block = *node.block;
    visit({node.flags, block.route(node.flags), block.message(),
           (node.flags & kError) != 0 ? block.error() : dns::BytesView(), block.age_ms(now),
           block.lifetime});
    walked_ = node.newer;
  }
  return walked_ != 0 && walk_left_ > 0;
}

void CacheTable::clear() {
  for (uint32_t number = made_; number > 0; --number) ::operator delete(nodes_[number].block);
  index_.reset();
  nodes_.reset();
  made_ = free_ = walked_ = 0;
  used_ = bytes_ = 0;
}

bool CacheTable::reserve() {
  if (nodes_ || limits_.capacity == 0) return true;
  index_.reset(allocate_zeroed<uint32_t>(buckets_));
  if (index_) nodes_.reset(allocate_zeroed<Node>(limits_.capacity + 1));
  if (!nodes_) return false;
  bytes_ = table_bytes();
  return true;
}

std::size_t CacheTable::table_bytes() const {
  return buckets_ * sizeof(uint32_t) + (limits_.capacity + 1) * sizeof(Node);
}

// Whether it answers the question; for whom is another matter.
bool CacheTable::is_about(const Node& node, const HashedKey& key) const {
  return node.tag == tag_of(key.hash) && (node.flags & kVariant) == variant_of(key.key) &&
         node.block->asks_for(key.key);
}

// 0: not there. Of several networks that the question is in the smallest one counts.
uint32_t CacheTable::locate(const HashedKey& key) const {
  if (used_ == 0) return 0;
  const bool is_routed = !key.key.route.is_by_name();
  uint32_t best = 0;
  int longest = -1;
  uint32_t number = index_[key.hash & (buckets_ - 1)];
  for (; number != 0; number = nodes_[number].next) {
    const Node& node = nodes_[number];
    if (!is_about(node, key)) continue;
    if (!is_routed) return number;
    const Route kept = node.block->route(node.flags);
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
    const Node& node = nodes_[number];
    next = node.next;
    if (!is_about(node, key)) continue;
    const Route kept = node.block->route(node.flags);
    if (for_answer ? covers(key.key.route, kept) : kept == key.key.route) {
      remove(number);
    } else if (without_subnet(kept) == without_subnet(key.key.route)) {
      ++others;
      first = number;  // the newest ones lead the chain
    }
  }
  if (for_answer && others >= kMostSubnets) remove(first);
}

uint32_t CacheTable::take_number() {
  if (free_ == 0) return ++made_;
  const uint32_t number = free_;
  free_ = nodes_[number].next;
  return number;
}

void CacheTable::link_newest(uint32_t number) {
  const uint32_t older = nodes_[0].older;
  nodes_[number].newer = 0;
  nodes_[number].older = older;
  nodes_[older].newer = number;
  nodes_[0].older = number;
}

// Makes it the most recently used one.
void CacheTable::use(uint32_t number) {
  if (number == nodes_[0].older) return;
  unlink(number);
  link_newest(number);
}

void CacheTable::unlink(uint32_t number) {
  const Node& node = nodes_[number];
  if (number == walked_) walked_ = node.newer;
  nodes_[node.older].newer = node.newer;
  nodes_[node.newer].older = node.older;
}

void CacheTable::remove(uint32_t number) {
  unlink(number);
  Node& node = nodes_[number];
  uint32_t* link = &index_[node.hash(seed_) & (buckets_ - 1)];
  while (*link != number) link = &nodes_[*link].next;
  *link = node.next;

  bytes_ -= allocated(node.block->size(node.flags));
  --used_;
  ::operator delete(node.block);
  node.block = nullptr;
  node.next = free_;
  free_ = number;
}

}  // namespace dnslet::policy

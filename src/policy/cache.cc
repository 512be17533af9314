// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/cache.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <span>

#include "dns/hash.h"
#include "dns/patch.h"

namespace dnslet::policy {

// What an allocator adds to a block, and the entry's pointer.
constexpr std::size_t kOverhead = 24;

struct Cache::Entry {
  uint64_t stored_at;  // ms
  uint64_t ends_at;    // ms
  uint32_t next;       // in the bucket's chain
  uint32_t newer;
  uint32_t older;
  uint32_t hash;
  uint32_t turn;
  uint16_t type;
  uint16_t qclass;
  uint16_t message_size;
  uint16_t ttl_count;
  uint8_t error_size;
  bool dnssec_ok;
  bool checking_disabled;
  Scope scope;
  // Behind it, without padding: uint16_t[ttl_count], message, extended error.

  static std::size_t size_for(std::size_t ttls, std::size_t message, std::size_t error) {
    return sizeof(Entry) + ttls * sizeof(uint16_t) + message + error;
  }
  std::size_t size() const { return size_for(ttl_count, message_size, error_size); }
  uint8_t* tail() { return reinterpret_cast<uint8_t*>(this) + sizeof(Entry); }
  const uint8_t* tail() const { return reinterpret_cast<const uint8_t*>(this) + sizeof(Entry); }
  std::span<const uint16_t> ttls() const {
    return {reinterpret_cast<const uint16_t*>(tail()), ttl_count};
  }
  dns::BytesView message() const { return {tail() + ttl_count * sizeof(uint16_t), message_size}; }
  dns::BytesView error() const { return {message().data() + message_size, error_size}; }

  // The name lies in the message's own question.
  bool is_for(const CacheKey& key) const {
    return type == static_cast<uint16_t>(key.type) && qclass == static_cast<uint16_t>(key.qclass) &&
           dnssec_ok == key.dnssec_ok && checking_disabled == key.checking_disabled &&
           scope == key.scope && message_size >= dns::kHeaderSize + key.name.wire().size() &&
           std::ranges::equal(message().subspan(dns::kHeaderSize, key.name.wire().size()),
                              key.name.wire());
  }
};

namespace {

// RFC 2181 section 8: a TTL with the top bit set counts as 0.
uint32_t sane(uint32_t ttl) { return ttl > INT32_MAX ? 0 : ttl; }

// RFC 2308 section 5: the SOA's TTL and its last field, MINIMUM, limit a negative answer.
uint32_t negative_ttl(const dns::Message& message, const dns::Record& soa) {
  const dns::BytesView rdata = message.rdata(soa);
  if (rdata.size() < 22) return 0;  // two names and five numbers
  dns::Reader reader(rdata.last(4));
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
      negative = negative_ttl(message, record);
  });

  if (has_data && !no_such_name) return std::min(std::chrono::seconds(smallest), ttls.max);
  if (!negative) return {};
  const std::chrono::seconds most = std::min(ttls.max, ttls.max_negative);
  return std::min(std::chrono::seconds(std::min(smallest, *negative)), most);
}

void Cache::FreeEntry::operator()(Entry* entry) const { ::operator delete(entry); }

Cache::Cache(std::size_t capacity, uint64_t seed) : capacity_(capacity), seed_(seed) {}
Cache::~Cache() = default;

void Cache::store(const CacheKey& key, const Answer& answer, Milliseconds now,
                  std::chrono::seconds lifetime) {
  if (capacity_ == 0 || lifetime <= std::chrono::seconds(0)) return;
  EntryPointer entry = make_entry(key, answer);
  if (!entry) return;
  if (buckets_.empty()) {
    buckets_.assign(std::bit_ceil(capacity_ + capacity_ / 4), kNone);
    bytes_ += buckets_.size() * sizeof(uint32_t);
  }
  const auto hash = static_cast<uint32_t>(hash_of(key));
  const uint32_t earlier = locate(key, hash);
  if (earlier != kNone) remove(earlier);
  const std::size_t size = entry->size() + kOverhead;
  const std::size_t table_size = buckets_.size() * sizeof(uint32_t);
  if (size + table_size > capacity_ * kBytesPerAnswer) return;
  make_room(size);

  entry->stored_at = static_cast<uint64_t>(now.count());
  entry->ends_at = static_cast<uint64_t>((now + lifetime).count());
  entry->hash = hash;
  // Entries that end soon must not all begin with the same address.
  const uint64_t count = ++stored_;
  entry->turn = static_cast<uint32_t>(
      dns::hash({reinterpret_cast<const uint8_t*>(&count), sizeof count}, seed_));
  const uint32_t number = take_number();
  uint32_t& head = buckets_[hash & (buckets_.size() - 1)];
  entry->next = head;
  head = number;
  entries_[number] = std::move(entry);
  link_newest(number);
  bytes_ += size;
  ++used_;
}

std::optional<Cache::Hit> Cache::find(const CacheKey& key, Milliseconds now,
                                      dns::MutableBytesView slot, dns::MutableBytesView large) {
  if (used_ == 0) return std::nullopt;
  const uint32_t number = locate(key, static_cast<uint32_t>(hash_of(key)));
  if (number == kNone) return std::nullopt;

  Entry& entry = *entries_[number];
  const auto now_ms = static_cast<uint64_t>(now.count());
  if (now_ms >= entry.ends_at) {
    remove(number);
    return std::nullopt;
  }
  const dns::MutableBytesView out = entry.message_size <= slot.size() ? slot : large;
  if (entry.message_size > out.size()) return std::nullopt;
  if (number != newest_) {
    unlink(number);
    link_newest(number);
  }

  const dns::MutableBytesView copy = out.first(entry.message_size);
  std::ranges::copy(entry.message(), copy.begin());
  const auto age = static_cast<uint32_t>((now_ms - entry.stored_at) / 1000);
  dns::count_down(copy, entry.ttls(), age);
  return Hit{copy, dns::ExtendedError(entry.error()), entry.turn++};
}

void Cache::clear() {
  buckets_.clear();
  entries_.clear();
  free_.clear();
  newest_ = oldest_ = kNone;
  used_ = bytes_ = 0;
}

Cache::EntryPointer Cache::make_entry(const CacheKey& key, const Answer& answer) {
  const auto message = dns::Message::parse(answer.message);
  if (!message || message->size() != answer.message.size()) return nullptr;
  const std::vector<uint16_t> ttls = dns::ttl_offsets(*message);
  const dns::BytesView error = answer.error.data();

  const std::size_t size = Entry::size_for(ttls.size(), answer.message.size(), error.size());
  EntryPointer entry(new (::operator new(size)) Entry{});
  entry->type = static_cast<uint16_t>(key.type);
  entry->qclass = static_cast<uint16_t>(key.qclass);
  entry->dnssec_ok = key.dnssec_ok;
  entry->checking_disabled = key.checking_disabled;
  entry->scope = key.scope;
  entry->message_size = static_cast<uint16_t>(answer.message.size());
  entry->ttl_count = static_cast<uint16_t>(ttls.size());
  entry->error_size = static_cast<uint8_t>(error.size());

  uint8_t* tail = entry->tail();
  if (!ttls.empty()) std::memcpy(tail, ttls.data(), ttls.size() * sizeof(uint16_t));
  tail = std::ranges::copy(answer.message, tail + ttls.size() * sizeof(uint16_t)).out;
  std::ranges::copy(error, tail);
  return entry;
}

uint64_t Cache::hash_of(const CacheKey& key) const {
  const uint64_t variant =
      static_cast<uint64_t>(key.type) << 32 | static_cast<uint64_t>(key.qclass) << 16 |
      static_cast<uint64_t>(key.scope) << 2 | static_cast<uint64_t>(key.dnssec_ok) << 1 |
      static_cast<uint64_t>(key.checking_disabled);
  return dns::hash(key.name.wire(), seed_ ^ variant);
}

uint32_t Cache::locate(const CacheKey& key, uint32_t hash) const {
  uint32_t number = buckets_.empty() ? kNone : buckets_[hash & (buckets_.size() - 1)];
  while (number != kNone && !(entries_[number]->hash == hash && entries_[number]->is_for(key)))
    number = entries_[number]->next;
  return number;
}

void Cache::link_newest(uint32_t number) {
  entries_[number]->newer = kNone;
  entries_[number]->older = newest_;
  if (newest_ != kNone) entries_[newest_]->newer = number;
  if (oldest_ == kNone) oldest_ = number;
  newest_ = number;
}

void Cache::unlink(uint32_t number) {
  const Entry& entry = *entries_[number];
  (entry.newer == kNone ? newest_ : entries_[entry.newer]->older) = entry.older;
  (entry.older == kNone ? oldest_ : entries_[entry.older]->newer) = entry.newer;
}

void Cache::remove(uint32_t number) {
  unlink(number);
  uint32_t* link = &buckets_[entries_[number]->hash & (buckets_.size() - 1)];
  while (*link != number) link = &entries_[*link]->next;
  *link = entries_[number]->next;

  bytes_ -= entries_[number]->size() + kOverhead;
  --used_;
  entries_[number].reset();
  free_.push_back(number);
}

void Cache::make_room(std::size_t bytes) {
  while (used_ > 0 && (used_ == capacity_ || bytes_ + bytes > capacity_ * kBytesPerAnswer)) {
    remove(oldest_);
    ++evictions_;
  }
}

uint32_t Cache::take_number() {
  if (free_.empty()) {
    entries_.emplace_back();
    return static_cast<uint32_t>(entries_.size() - 1);
  }
  const uint32_t number = free_.back();
  free_.pop_back();
  return number;
}

}  // namespace dnslet::policy

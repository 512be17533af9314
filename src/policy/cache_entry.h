// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// An entry of the cache: a block of its arena. For policy/cache_table.cc only.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/arena.h"
#include "policy/cache_table.h"

namespace dnslet::policy {

// The flags of an entry. What tells apart answers to one question; that there is an extended error.
inline constexpr unsigned kDnssecOk = 1, kCheckingDisabled = 2, kSearched = 4, kError = 8,
                          kRouted = 64,
                          kVariant = kDnssecOk | kCheckingDisabled | kSearched | kRouted;
// For the refresh: how often it was found, up to twice, or that somebody has it done; that it has
// data.
inline constexpr unsigned kFound = 16, kFoundTwice = 2 * kFound, kClaimed = 3 * kFound,
                          kFoundMask = 3 * kFound, kPositive = 128;

// How long the next try has to wait after a failure: a second, and up to a unit more.
inline constexpr Milliseconds kTryUnit{250};
inline constexpr uint16_t kTryPause = 4;  // units

// An answer in the parts that a block keeps. Borrows.
struct CacheTable::Parts {
  // What the first record mostly begins with: a pointer to the question's name, its type and class.
  // In a block it is left out, and so is the offset of the TTL behind it.
  static constexpr std::array<uint8_t, 2> kToQuestion = {0xc0, dns::kHeaderSize};
  static constexpr std::size_t kRepeated = kToQuestion.size() + 4;

  // REQUIRES: as store().
  Parts(const CacheKey& key, const Answer& answer)
      : route(key.route),
        message(answer.message()),
        front(message),
        ttls(answer.ttls()),
        error(answer.error().data()) {
    const std::size_t end = question_end(key.name);
    if (ttls.empty() || ttls.front() != end + kRepeated ||
        !dns::same_bytes(message.subspan(end, kToQuestion.size()), kToQuestion) ||
        !dns::same_bytes(message.subspan(end + kToQuestion.size(), 4), message.subspan(end - 4, 4)))
      return;
    front = message.first(end);
    rest = message.subspan(end + kRepeated);
    ttls = ttls.subspan(1);
  }
  bool is_short() const { return front.size() < message.size(); }
  // Where the question ends in the message.
  static std::size_t question_end(dns::NameView name) {
    return dns::kHeaderSize + name.wire().size() + 4;
  }

  const Route& route;
  dns::BytesView message;
  dns::BytesView front;
  dns::BytesView rest;
  std::span<const uint16_t> ttls;
  dns::BytesView error;
};

// An entry. Behind it lie, without padding: the message from its counts on; where there is an
// extended error its size in a byte, and the error; the route, where it is not kByName. The offsets
// of TTLs are at the end of what the arena has given.
struct CacheTable::Block {
  Arena::Head head;
  uint16_t turn;
  uint32_t next;  // in the bucket's chain
  uint32_t newer;
  uint32_t older;
  uint32_t lifetime;     // s
  uint32_t stored_low;   // ms
  uint16_t stored_high;  // 2^32 ms
  uint16_t tried_at;     // when upstream failed last, in kTryUnits; 0: never since a claim
  uint8_t tag;
  uint8_t flags;
  // The message begins here, with something else in place of its id and QDCOUNT, which is 1.
  uint16_t message_size;
  uint16_t message_flags;  // as they are there
  uint16_t ttl_count : 15;
  uint16_t is_short : 1;  // see Parts

  static constexpr std::size_t kBegin = 30;  // of the message
  static constexpr std::size_t kInside = 6;  // of its bytes

  // Bytes that it takes.
  static std::size_t size_for(const Parts& parts) {
    return kBegin + parts.front.size() + parts.rest.size() + parts.ttls.size_bytes() +
           (parts.error.empty() ? 0 : 1 + parts.error.size()) +
           (parts.route.is_by_name() ? 0 : sizeof(Route));
  }
  // Fills what is of the answer. REQUIRES: a block of this size.
  void keep(const Parts& parts) {
    message_size = static_cast<uint16_t>(parts.message.size());
    std::memcpy(&message_flags, &parts.message[2], sizeof message_flags);
    ttl_count = static_cast<uint16_t>(parts.ttls.size() & 0x7fff);
    is_short = parts.is_short() ? 1 : 0;

    dns::Writer tail({begin() + kInside, size_for(parts) - kBegin - kInside});
    tail.bytes(parts.front.subspan(kInside));
    tail.bytes(parts.rest);
    if (!parts.error.empty()) tail.u8(static_cast<uint8_t>(parts.error.size()));
    tail.bytes(parts.error);
    if (!parts.route.is_by_name())
      tail.bytes({reinterpret_cast<const uint8_t*>(&parts.route), sizeof(Route)});
    std::ranges::copy(parts.ttls, ttls().begin());
  }

  // The clock of tried_at; it goes round in four hours and a half, and the worst that this does is
  // that a question is asked a second later.
  static uint16_t try_clock(Milliseconds now) {
    const auto units = static_cast<uint16_t>(now / kTryUnit);
    return units == 0 ? uint16_t{1} : units;
  }
  bool was_just_tried(Milliseconds now) const {
    return tried_at != 0 && static_cast<uint16_t>(try_clock(now) - tried_at) <= kTryPause;
  }
  bool is_claimed() const { return (flags & kFoundMask) == kClaimed; }
  // Upstream is being asked again, and has not failed so far.
  bool is_being_refreshed() const { return is_claimed() && tried_at == 0; }
  // Of an answer that has ended: whether upstream is to be asked again.
  bool may_be_refreshed(Milliseconds now) const {
    return !is_being_refreshed() && !was_just_tried(now);
  }

  void set_stored_at(Milliseconds now) {
    stored_low = static_cast<uint32_t>(now.count());
    stored_high = static_cast<uint16_t>(now.count() >> 32);
  }
  // 0 where the worker that stored it has a clock that is ahead: each reads its own, once a turn.
  uint64_t age_ms(Milliseconds now) const {
    const auto at = static_cast<uint64_t>(now.count());
    const uint64_t stored_at = uint64_t{stored_high} << 32 | stored_low;
    return at > stored_at ? at - stored_at : 0;
  }
  uint64_t kept_ms(std::chrono::seconds stale) const {
    return (lifetime + static_cast<uint64_t>(stale.count())) * 1000;
  }
  bool has_ended(Milliseconds now) const { return age_ms(now) >= uint64_t{lifetime} * 1000; }

  // The message as far as it is kept.
  uint8_t* begin() { return reinterpret_cast<uint8_t*>(this) + kBegin; }
  const uint8_t* begin() const {
    static_assert(kBegin == offsetof(Block, message_size) && kBegin + kInside == sizeof(Block));
    return reinterpret_cast<const uint8_t*>(this) + kBegin;
  }
  const uint8_t* end() const {
    return begin() + message_size - (is_short != 0 ? Parts::kRepeated : 0);
  }
  // That of the message, but for the id and QDCOUNT.
  dns::MutableBytesView header() { return {begin(), dns::kHeaderSize}; }
  dns::BytesView header() const { return {begin(), dns::kHeaderSize}; }
  // The question, and what is behind it.
  dns::BytesView question() const { return {begin() + dns::kHeaderSize, end()}; }
  std::span<uint16_t> ttls() {
    return {reinterpret_cast<uint16_t*>(this) + std::size_t{2} * head.units - ttl_count, ttl_count};
  }

  // Copies the message, its id 0, or the front of it to all of `out`. `question_end`: where that is
  // in the message. REQUIRES, here and below: the front goes beyond the first TTL.
  void copy_message(std::size_t question_end, dns::MutableBytesView out) const {
    if (is_short == 0) {
      dns::copy_bytes({begin(), out.size()}, out);
    } else {
      const uint8_t* const rest = begin() + question_end;
      dns::copy_bytes({begin(), rest}, out);
      const dns::MutableBytesView record = out.subspan(question_end);
      dns::copy_bytes(Parts::kToQuestion, record);
      dns::copy_bytes({rest - 4, 4}, record.subspan(2));
      dns::copy_bytes({rest, record.size() - Parts::kRepeated}, record.subspan(Parts::kRepeated));
    }
    uint8_t* const first = out.data();
    first[0] = first[1] = first[4] = 0;
    first[5] = 1;
  }
  // Calls act(offsets) with the offsets of all TTLs in the first `size` bytes of the message.
  template <typename Act>
  void for_ttls(std::size_t question_end, std::size_t size, Act act) {
    const auto first = static_cast<uint16_t>(question_end + Parts::kRepeated);
    if (is_short != 0) act(std::span(&first, 1));
    const std::span<const uint16_t> others = ttls();
    const auto is_inside = [size](uint16_t offset) { return offset + sizeof(uint32_t) <= size; };
    if (others.empty() || is_inside(others.back())) return act(others);
    act(std::span(others.begin(), std::ranges::partition_point(others, is_inside)));
  }
  // REQUIRES: there is one.
  dns::BytesView error() const { return {end() + 1, *end()}; }
  Route route() const {
    Route route;
    if ((flags & kRouted) == 0) return route;
    const uint8_t* const from = (flags & kError) != 0 ? error().data() + error().size() : end();
    std::memcpy(&route, from, sizeof route);
    return route;
  }

  bool asks_for(const CacheKey& key) const {
    dns::Reader asked(question());
    return dns::same_bytes(asked.bytes(key.name.wire().size()), key.name.wire()) &&
           asked.u16() == static_cast<uint16_t>(key.type) &&
           asked.u16() == static_cast<uint16_t>(key.qclass);
  }
  // What it is kept under. The caller keeps the name.
  CacheKey key(dns::Name& name) const {
    dns::Reader asked(question());
    name = dns::Name::from_wire(asked).value_or(dns::Name());  // it parsed once
    const auto type = static_cast<dns::Type>(asked.u16());
    const auto qclass = static_cast<dns::Class>(asked.u16());
    return {name,
            type,
            qclass,
            (flags & kDnssecOk) != 0,
            (flags & kCheckingDisabled) != 0,
            (flags & kSearched) != 0 ? Scope::Searched : Scope::AsItStands,
            route()};
  }
};

}  // namespace dnslet::policy

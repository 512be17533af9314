// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// An entry of the cache: its node, and the block of memory that it owns. For policy/cache_table.cc
// only.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>

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

struct CacheTable::Block {
  uint64_t stored_at : 48;  // ms
  uint64_t tried_at : 16;   // when upstream failed last, in kTryUnits; 0: never since a claim
  uint32_t lifetime;        // s
  uint16_t message_size;
  uint16_t ttl_count;
  // Behind it, without padding: uint16_t[ttl_count], the message; where there is an extended error
  // its size in a byte, and the error; the route, where it is not kByName.

  static std::size_t size_for(std::size_t ttls, std::size_t bytes, std::size_t error, bool routed) {
    return sizeof(Block) + ttls * sizeof(uint16_t) + bytes + (error > 0 ? 1 + error : 0) +
           (routed ? sizeof(Route) : 0);
  }
  static std::size_t size_for(const Answer& answer, const Route& route) {
    return size_for(answer.ttls().size(), answer.message().size(), answer.error().data().size(),
                    !route.is_by_name());
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

  uint8_t* tail() { return reinterpret_cast<uint8_t*>(this) + sizeof(Block); }
  const uint8_t* tail() const { return reinterpret_cast<const uint8_t*>(this) + sizeof(Block); }
  std::span<const uint16_t> ttls() const {
    return {reinterpret_cast<const uint16_t*>(tail()), ttl_count};
  }
  dns::MutableBytesView message() { return {tail() + ttl_count * sizeof(uint16_t), message_size}; }
  dns::BytesView message() const { return {tail() + ttl_count * sizeof(uint16_t), message_size}; }
  // REQUIRES: there is one.
  dns::BytesView error() const {
    const uint8_t* const size = message().data() + message_size;
    return {size + 1, *size};
  }

  // 0 where the worker that stored it has a clock that is ahead: each reads its own, once a turn.
  uint64_t age_ms(Milliseconds now) const {
    const auto at = static_cast<uint64_t>(now.count());
    return at > stored_at ? at - stored_at : 0;
  }
  uint64_t kept_ms(std::chrono::seconds stale) const {
    return (lifetime + static_cast<uint64_t>(stale.count())) * 1000;
  }
  bool has_ended(Milliseconds now) const { return age_ms(now) >= uint64_t{lifetime} * 1000; }

  std::size_t size(unsigned flags) const {
    return size_for(ttl_count, message_size, (flags & kError) != 0 ? error().size() : 0,
                    (flags & kRouted) != 0);
  }
  Route route(unsigned flags) const {
    Route route;
    if ((flags & kRouted) == 0) return route;
    std::memcpy(&route, tail() + size(flags) - sizeof(Block) - sizeof(Route), sizeof route);
    return route;
  }

  // Compares the message's own question.
  bool asks_for(const CacheKey& key) const {
    dns::Reader question(message().subspan(dns::kHeaderSize));
    return dns::same_bytes(question.bytes(key.name.wire().size()), key.name.wire()) &&
           question.u16() == static_cast<uint16_t>(key.type) &&
           question.u16() == static_cast<uint16_t>(key.qclass);
  }

  static Block* make(const Answer& answer, const Route& route) {
    const dns::BytesView error = answer.error().data();
    const std::span<const uint16_t> ttls = answer.ttls();
    const std::size_t size = size_for(answer, route);
    auto* const block = new (::operator new(size)) Block{};
    block->message_size = static_cast<uint16_t>(answer.message().size());
    block->ttl_count = static_cast<uint16_t>(ttls.size());

    dns::Writer tail({block->tail(), size - sizeof(Block)});
    tail.bytes({reinterpret_cast<const uint8_t*>(ttls.data()), ttls.size_bytes()});
    tail.bytes(answer.message());
    if (!error.empty()) tail.u8(static_cast<uint8_t>(error.size()));
    tail.bytes(error);
    if (!route.is_by_name()) tail.bytes({reinterpret_cast<const uint8_t*>(&route), sizeof route});
    return block;
  }
};

struct CacheTable::Node {
  Block* block;   // owned
  uint32_t next;  // in the bucket's chain, or in that of the free ones
  uint32_t newer;
  uint32_t older;
  uint16_t turn;
  uint8_t tag;
  uint8_t flags;

  bool is_claimed() const { return (flags & kFoundMask) == kClaimed; }
  // Upstream is being asked again, and has not failed so far.
  bool is_being_refreshed() const { return is_claimed() && block->tried_at == 0; }
  // Of an answer that has ended: whether upstream is to be asked again.
  bool may_be_refreshed(Milliseconds now) const {
    return !is_being_refreshed() && !block->was_just_tried(now);
  }

  // The key's hash is not kept: it is asked for only when an entry goes.
  uint64_t hash(uint64_t seed) const {
    dns::Reader question(block->message().subspan(dns::kHeaderSize));
    const dns::Name name = dns::Name::from_wire(question).value_or(dns::Name());  // it parsed once
    const auto type = static_cast<dns::Type>(question.u16());
    const auto qclass = static_cast<dns::Class>(question.u16());
    return hash_of(
        {name, type, qclass, (flags & kDnssecOk) != 0, (flags & kCheckingDisabled) != 0,
         (flags & kSearched) != 0 ? Scope::Searched : Scope::AsItStands, block->route(flags)},
        seed);
  }
};

}  // namespace dnslet::policy

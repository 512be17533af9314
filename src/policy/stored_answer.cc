// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/stored_answer.h"

#include <algorithm>
#include <cstring>

#include "policy/cache_entry.h"

namespace dnslet::policy {
namespace {

// An answer: when it was stored, how long it lives, its extended error, the message.
//   8 bytes  ms since 1970
//   4 bytes  s
//   1 byte   size of the error, and the error
//   the message, to the end
constexpr std::size_t kAnswerHead = 8 + 4 + 1;
// An entry: the size of all behind it, what it is kept under, an answer.
//   4 bytes  size
//   1 byte   flags
//   the route, where it is not kByName
constexpr std::size_t kEntryHead = 4 + 1;

// Of an entry: kept for a route that the rules in force have chosen.
constexpr unsigned kByRules = 128;

template <typename T>
void append(const T& value, dns::Bytes& out) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

template <typename T>
bool take(dns::BytesView& bytes, T& value) {
  if (bytes.size() < sizeof value) return false;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes = bytes.subspan(sizeof value);
  return true;
}

// The answer as it is by now, without anything left of its life where it has ended. Returns its
// age; nullopt: it is none.
std::optional<std::chrono::seconds> take_answer(dns::BytesView bytes, WallTime now,
                                                dns::Question& question, dns::Answer& out) {
  int64_t stored_at = 0;
  uint32_t lifetime = 0;
  uint8_t error_size = 0;
  if (!take(bytes, stored_at) || !take(bytes, lifetime) || !take(bytes, error_size))
    return std::nullopt;
  const bool is_error = error_size == 0 || error_size >= 2;
  if (!is_error || error_size > std::min(bytes.size(), 2 + dns::ExtendedError::kMaxText))
    return std::nullopt;
  const dns::BytesView error = bytes.first(error_size);
  const auto message = dns::Message::parse(bytes.subspan(error_size));
  if (!message || !message->has(dns::flag::kQr)) return std::nullopt;
  question = message->question();
  out.read(*message);
  if (!out.is_whole()) return std::nullopt;
  if (!error.empty()) out.set_error(dns::ExtendedError(error));

  const bool is_possible = stored_at >= 0 && stored_at <= (now + kClocksDiffer).count();
  const int64_t age_ms = is_possible ? std::max<int64_t>(0, now.count() - stored_at) : 0;
  const bool has_ended = !is_possible || age_ms >= int64_t{lifetime} * 1000;
  const uint32_t age = has_ended ? lifetime : static_cast<uint32_t>((age_ms + 999) / 1000);
  out.count_down(age);
  out.limit_lifetime(std::chrono::seconds(lifetime - age));
  return std::chrono::seconds(age);
}

// Enumerations are what they may be.
bool is_sane(const Route& route) {
  const auto family = route.subnet.address.family;
  return route.filter <= Filter::Aaaa && route.keeping <= Keeping::NotKept &&
         route.yielding <= Yielding::Aaaa && route.reach <= Reach::Everybody &&
         (family == Family::V4 || family == Family::V6) &&
         route.subnet.prefix <= route.subnet.address.size() * 8;
}

bool take_key(dns::BytesView& bytes, uint32_t rules, StoredEntry& out) {
  uint8_t flags = 0;
  if (!take(bytes, flags)) return false;
  out.dnssec_ok = (flags & kDnssecOk) != 0;
  out.checking_disabled = (flags & kCheckingDisabled) != 0;
  out.scope = (flags & kSearched) != 0 ? Scope::Searched : Scope::AsItStands;
  out.route = kByName;
  if ((flags & kRouted) == 0) return true;
  if (!take(bytes, out.route) || !is_sane(out.route)) return false;
  out.route.rules = (flags & kByRules) != 0 ? rules : 0;
  return true;
}

}  // namespace

void append_stored(const StoredAnswer& answer, WallTime now, dns::Bytes& out) {
  append(now.count() - static_cast<int64_t>(answer.age_ms), out);
  append(answer.lifetime, out);
  out.push_back(static_cast<uint8_t>(answer.error.size()));
  out.insert(out.end(), answer.error.begin(), answer.error.end());
  out.insert(out.end(), answer.message.begin(), answer.message.end());
}

bool read_stored(dns::BytesView bytes, const Wanted& wanted, dns::Answer& out) {
  dns::Question asked;
  const auto age = take_answer(bytes, wanted.now, asked, out);
  if (!age || asked != wanted.question) return false;
  const std::chrono::seconds most = wanted.limits.most_for(out);
  out.limit_lifetime(std::min(out.lifetime(), most - std::min(most, *age)));
  return out.lifetime().count() > 0;
}

bool append_entry(const CacheTable::Entry& entry, WallTime now, uint32_t rules, dns::Bytes& out) {
  const Route& route = entry.route;
  if (entry.age_ms >= uint64_t{entry.lifetime} * 1000) return false;
  if (route.rules != 0 && route.rules != rules) return false;
  const bool is_routed = (entry.flags & kRouted) != 0;
  const std::size_t size = kEntryHead - 4 + (is_routed ? sizeof route : 0) + kAnswerHead +
                           entry.error.size() + entry.message.size();
  append(static_cast<uint32_t>(size), out);
  out.push_back(static_cast<uint8_t>((entry.flags & kVariant) | (route.rules != 0 ? kByRules : 0)));
  if (is_routed) append(route, out);
  append_stored({entry.message, entry.error, entry.age_ms, entry.lifetime}, now, out);
  return true;
}

bool read_entry(dns::BytesView& bytes, WallTime now, uint32_t rules, StoredEntry& out) {
  dns::BytesView rest = bytes;
  uint32_t size = 0;
  if (!take(rest, size) || size > rest.size()) return false;
  dns::BytesView entry = rest.first(size);
  if (!take_key(entry, rules, out) || !take_answer(entry, now, out.question, out.answer))
    return false;
  out.left = out.answer.lifetime();
  bytes = rest.subspan(size);
  return true;
}

}  // namespace dnslet::policy

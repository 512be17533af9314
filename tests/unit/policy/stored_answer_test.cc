// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/stored_answer.h"

#include <vector>

#include "catch.h"
#include "dns/packet.h"
#include "policy/cache.h"

namespace dnslet::policy {
namespace {

using dns::Bytes, dns::BytesView;
using dns::Class, dns::Type;
using std::chrono::seconds;
using test::kToQuestion, test::Packet, test::u32_at;

constexpr WallTime kWall{1'800'000'000'000};
constexpr Milliseconds kNow{5'000'000};
constexpr uint32_t kRules = 7;
constexpr std::size_t kTtl = 12 + 10 + 4 + 6;  // where that of "www.test" lies

Packet packet(uint32_t ttl = 60) {
  return Packet("www.test", Type::A).flags(0x8180).answer({kToQuestion, Type::A, ttl});
}

// A cache with entries for one name, and what they look like outside.
struct Fixture {
  CacheKey key() const { return {name, Type::A, Class::IN, false, false}; }
  void keep(const CacheKey& under, const Answer& answer, seconds lifetime = seconds(60)) {
    cache.store(under, answer, kNow, lifetime);
  }
  void keep(const CacheKey& under) { keep(under, Answer(packet().bytes())); }
  Bytes all(Milliseconds later = Milliseconds(0)) {
    Bytes bytes;
    Cache::Walk walk;
    while (cache.walk(walk, 1, kNow + later, [&](const CacheTable::Entry& entry) {
      (void)append_entry(entry, kWall + later, kRules, bytes);
    }))
      continue;
    return bytes;
  }

  dns::Name name = *dns::Name::from_text("www.test");
  Cache cache{100, 42, 1, seconds(3600)};
};

std::vector<StoredEntry> read_all(const Bytes& bytes, WallTime now = kWall,
                                  uint32_t rules = kRules) {
  std::vector<StoredEntry> entries(1);
  BytesView rest = bytes;
  while (!rest.empty() && read_entry(rest, now, rules, entries.back())) entries.emplace_back();
  entries.pop_back();
  CHECK(rest.empty());
  return entries;
}

StoredEntry read_one(const Bytes& bytes, WallTime now = kWall) {
  auto entries = read_all(bytes, now);
  REQUIRE(entries.size() == 1);
  return entries.front();
}

}  // namespace

TEST_CASE("a stored answer comes back as it went, and as old as it is") {
  Fixture world;
  world.keep(world.key(), Answer(packet().bytes(), dns::ExtendedError::blocked("because")));
  const StoredEntry same = read_one(world.all());
  CHECK(same.key().name == world.name.view());
  CHECK(same.left == seconds(60));
  CHECK(Bytes(same.answer.message().begin(), same.answer.message().end()) == packet().bytes());
  CHECK(same.answer.error().data().size() == 2 + 7);

  const StoredEntry later = read_one(world.all(), kWall + seconds(20));
  CHECK(later.left == seconds(40));
  CHECK(u32_at(later.answer.message(), kTtl) == 40);
  // Its age is counted whether it grew before it was written or afterwards.
  const StoredEntry written_later = read_one(world.all(seconds(20)), kWall + seconds(25));
  CHECK(written_later.left == seconds(35));
  CHECK(u32_at(written_later.answer.message(), kTtl) == 35);
  // A part of a second is a second: it never lives longer than it should.
  CHECK(read_one(world.all(), kWall + Milliseconds(1)).left == seconds(59));
}

TEST_CASE("a stored answer that has ended is not written, or has nothing left") {
  Fixture world;
  world.keep(world.key());
  CHECK(read_one(world.all(), kWall + seconds(60)).left == seconds(0));
  CHECK(read_one(world.all(), kWall + seconds(1'000'000)).left == seconds(0));
  CHECK(world.all(seconds(60)).empty());
}

TEST_CASE("a stored answer of a clock that is ahead lives no longer than it did there") {
  Fixture world;
  world.keep(world.key());
  CHECK(read_one(world.all(), kWall - seconds(1)).left == seconds(60));
  CHECK(read_one(world.all(), kWall - kClocksDiffer).left == seconds(60));
  CHECK(read_one(world.all(), kWall - kClocksDiffer - Milliseconds(1)).left == seconds(0));
  CHECK(read_one(world.all(), WallTime(0)).left == seconds(0));
  Bytes before_all_time = world.all();
  for (std::size_t i = 5; i < 13; ++i) before_all_time[i] = i < 12 ? 0 : 0x80;
  CHECK(read_one(before_all_time).left == seconds(0));
}

TEST_CASE("a stored answer keeps apart what the cache does") {
  Fixture world;
  std::vector<CacheKey> keys(7, world.key());
  keys[1].dnssec_ok = true;
  keys[2].checking_disabled = true;
  keys[3].scope = Scope::Searched;
  keys[4].route.rules = kRules;
  keys[4].route.servers = 3;
  keys[5].route.reach = Reach::Subnet;
  keys[5].route.subnet = Network::of(IpAddress::v4(10, 1, 2, 0), 24);
  keys[6].route.rules = kRules - 1;  // of rules that are gone
  keys[6].route.servers = 3;
  for (const CacheKey& key : keys) world.keep(key);
  const auto entries = read_all(world.all(), kWall, 99);
  REQUIRE(entries.size() == 6);
  keys[4].route.rules = 99;  // what the same rules are called there
  for (std::size_t i = 0; i < entries.size(); ++i) {
    CAPTURE(i);
    CHECK(entries[i].dnssec_ok == keys[i].dnssec_ok);
    CHECK(entries[i].checking_disabled == keys[i].checking_disabled);
    CHECK(entries[i].scope == keys[i].scope);
    CHECK(entries[i].route == keys[i].route);
  }
}

TEST_CASE("stored answers: no bytes that were changed or cut do any harm") {
  Fixture world;
  CacheKey routed = world.key();
  routed.route.rules = kRules;
  routed.route.least_ttl = 5;
  world.keep(world.key());
  world.keep(routed);
  const Bytes whole = world.all();
  for (std::size_t size = 1; size < whole.size(); ++size) {
    BytesView cut = BytesView(whole).first(size);
    StoredEntry entry;
    while (read_entry(cut, kWall, kRules, entry)) continue;
    CHECK(cut.size() < size + 1);
  }
  for (std::size_t place = 0; place < whole.size(); ++place)
    for (const int change : {0x01, 0x10, 0x80, 0xff}) {
      Bytes changed = whole;
      changed[place] = static_cast<uint8_t>(changed[place] ^ change);
      BytesView rest = changed;
      StoredEntry entry;
      while (!rest.empty() && read_entry(rest, kWall, kRules, entry)) {
        CHECK(entry.left <= seconds(UINT32_MAX));
        if (entry.left.count() > 0)
          world.cache.restore(entry.key(), entry.answer, {kNow, entry.left}, 0);
      }
    }
}

TEST_CASE("a stored answer takes no newer one's place, and comes into no cache cleared since") {
  Fixture world;
  world.keep(world.key());
  const StoredEntry old = read_one(world.all(), kWall + seconds(30));
  world.cache.restore(old.key(), old.answer, {kNow, old.left}, world.cache.clearings());
  CHECK(read_one(world.all()).left == seconds(60));

  const uint32_t before = world.cache.clearings();
  world.cache.clear();
  world.cache.restore(old.key(), old.answer, {kNow, old.left}, before);
  CHECK(world.cache.entries() == 0);
  world.cache.restore(old.key(), old.answer, {kNow, old.left}, world.cache.clearings());
  CHECK(read_one(world.all()).left == seconds(30));
}

}  // namespace dnslet::policy

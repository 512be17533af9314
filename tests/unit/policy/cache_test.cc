// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/cache.h"

#include <algorithm>
#include <array>
#include <list>
#include <thread>

#include "catch.h"
#include "dns/packet.h"
#include "dns/patch.h"

namespace dnslet::policy {
namespace {

using dns::Bytes;
using dns::Class;
using dns::Type;
using std::chrono::seconds;
using test::kToQuestion;
using test::Packet;
using test::u32_at;

constexpr std::size_t kNamedTtl = 12 + 11 + 4 + 6;  // where the TTL in packet("name.test") lies

dns::Name name(std::string_view text) { return *dns::Name::from_text(text); }

Packet packet(std::string_view owner, uint32_t ttl = 60) {
  return Packet(owner, Type::A).flags(0x8180).answer({kToQuestion, Type::A, ttl});
}

void keep_answer(Cache& cache, const CacheKey& key, const Answer& answer,
                 const CacheTable::Validity& validity) {
  cache.store(key, answer, validity.from, validity.lifetime);
}

// A cache that is asked by name, with a clock.
struct Fixture {
  explicit Fixture(std::size_t capacity) : cache(capacity, 42) {}

  static CacheKey key(const dns::Name& owner) { return {owner, Type::A, Class::IN, false, false}; }
  void store(std::string_view owner, const Bytes& message, seconds lifetime = seconds(60)) {
    const dns::Name stored = name(owner);
    keep_answer(cache, key(stored), Answer(message), {now, lifetime});
  }
  void store(std::string_view owner) { store(owner, packet(owner).bytes()); }
  // The copy; empty for a miss.
  Bytes find(std::string_view owner) { return find(key(name(owner))); }
  Bytes find(const CacheKey& wanted) {
    Bytes slot(1232);
    Bytes large(65535);
    const auto hit = cache.find(wanted, now, slot, large);
    return hit ? Bytes(hit->message.begin(), hit->message.end()) : Bytes();
  }
  bool has(std::string_view owner) { return !find(owner).empty(); }

  Cache cache;
  Milliseconds now{1'000'000};
};

// What is kept.

TEST_CASE("entries begin with every address equally often, whatever the seed") {
  constexpr int kStored = 400;
  const dns::Name owner = name("name.test");
  const Answer answer(packet("name.test").bytes());
  Bytes slot(512);
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Cache cache(1, seed * 0x9e3779b97f4a7c15);
    std::array<int, 4> firsts{};
    for (int i = 0; i < kStored; ++i) {
      cache.store(Fixture::key(owner), answer, Milliseconds(1), seconds(60));
      ++firsts[cache.find(Fixture::key(owner), Milliseconds(1), slot, slot)->turn % firsts.size()];
    }
    CAPTURE(seed, firsts);
    CHECK(std::ranges::min(firsts) > kStored / 4 / 2);
  }
}

TEST_CASE("an answer comes back byte for byte") {
  Fixture fixture(10);
  fixture.store("a.test");
  CHECK(fixture.find("a.test") == packet("a.test").bytes());
  CHECK(fixture.find("b.test").empty());
  CHECK(fixture.cache.entries() == 1);
}

TEST_CASE("a cache without capacity keeps nothing") {
  Fixture fixture(0);
  fixture.store("a.test");
  CHECK_FALSE(fixture.has("a.test"));
  CHECK(fixture.cache.entries() == 0);
}

TEST_CASE("a lifetime of nothing keeps nothing") {
  Fixture fixture(10);
  fixture.store("a.test", packet("a.test").bytes(), seconds(0));
  fixture.store("b.test", packet("b.test").bytes(), seconds(-1));
  CHECK(fixture.cache.entries() == 0);
}

TEST_CASE("an extended error is kept with its answer") {
  Cache cache(10, 42);
  const dns::Name owner = name("a.test");
  const Bytes error = test::hex("0016 6869");
  keep_answer(cache, Fixture::key(owner),
              Answer(packet("a.test").bytes(), dns::ExtendedError(error)),
              {Milliseconds(0), seconds(60)});
  Bytes slot(512);
  const auto hit = cache.find(Fixture::key(owner), Milliseconds(0), slot, {});
  REQUIRE(hit);
  CHECK(std::ranges::equal(hit->error.data(), error));
}

TEST_CASE("a newer answer takes the place of the older one") {
  Fixture fixture(10);
  fixture.store("a.test");
  fixture.store("a.test", packet("a.test", 7).bytes());
  CHECK(fixture.find("a.test") == packet("a.test", 7).bytes());
  CHECK(fixture.cache.entries() == 1);
  CHECK(fixture.cache.evictions() == 0);
}

TEST_CASE("clearing forgets everything, and the cache goes on") {
  Fixture fixture(10);
  fixture.store("a.test");
  fixture.cache.clear();
  CHECK_FALSE(fixture.has("a.test"));
  CHECK(fixture.cache.entries() == 0);
  CHECK(fixture.cache.bytes() == 0);
  fixture.store("a.test");
  CHECK(fixture.has("a.test"));
}

// The key.

TEST_CASE("every field of the key tells answers apart") {
  Fixture fixture(10);
  const dns::Name owner = name("a.test");
  const dns::Name other = name("b.test");
  const CacheKey key = Fixture::key(owner);
  const CacheKey others[] = {{other, Type::A, Class::IN, false, false},
                             {owner, Type::AAAA, Class::IN, false, false},
                             {owner, Type::A, Class::CH, false, false},
                             {owner, Type::A, Class::IN, true, false},
                             {owner, Type::A, Class::IN, false, true}};
  keep_answer(fixture.cache, key, Answer(packet("a.test").bytes()), {fixture.now, seconds(60)});
  CHECK_FALSE(fixture.find(key).empty());
  for (const CacheKey& wanted : others) CHECK(fixture.find(wanted).empty());
  keep_answer(fixture.cache, others[3], Answer(packet("a.test", 9).bytes()),
              {fixture.now, seconds(60)});
  CHECK(fixture.find(key) == packet("a.test").bytes());
  CHECK(fixture.find(others[3]) == packet("a.test", 9).bytes());
  CHECK(fixture.cache.entries() == 2);
}

TEST_CASE("answers of different routes are different answers, and only routed ones are larger") {
  Fixture fixture(10);
  const dns::Name owner = name("a.test");
  CacheKey key = Fixture::key(owner);
  const Bytes error = {0, 22, 'n', 'o'};
  constexpr uint8_t kRoutes = 3;
  std::vector<std::size_t> sizes = {0};
  for (uint8_t number = 0; number < kRoutes; ++number) {
    key.route = {.servers = number};
    CHECK(fixture.find(key).empty());
    keep_answer(fixture.cache, key,
                Answer(packet("a.test", 10U + number).bytes(), dns::ExtendedError(error)),
                {fixture.now, seconds(60)});
    sizes.push_back(fixture.cache.bytes());
  }
  for (uint8_t number = 0; number < kRoutes; ++number) {
    key.route = {.servers = number};
    CHECK(fixture.find(key) == packet("a.test", 10U + number).bytes());
    Bytes slot(1232);
    CHECK(std::ranges::equal(fixture.cache.find(key, fixture.now, slot, {})->error.data(), error));
  }
  key.route = {.servers = 999};
  CHECK(fixture.find(key).empty());

  // Each goes alone, and takes all of its memory along.
  key.route = {.servers = 1};
  keep_answer(fixture.cache, key, Answer(packet("a.test").bytes()), {fixture.now, seconds(0)});
  CHECK(fixture.find(key).empty());
  CHECK(fixture.cache.entries() == 2);
  CHECK(fixture.cache.bytes() == sizes[3] - (sizes[2] - sizes[1]));
}

TEST_CASE("an answer is found by those whose network it is for, and the smallest network counts") {
  Fixture fixture(100);
  const dns::Name owner = name("a.test");
  const auto key_for = [&owner](const char* network, uint32_t servers = 0) {
    CacheKey key = Fixture::key(owner);
    key.route = {
        .servers = servers, .reach = Reach::Subnet, .subnet = *Network::from_text(network)};
    return key;
  };
  const auto keep = [&fixture](CacheKey key, uint8_t scope, uint32_t ttl) {
    key.route = kept_route(key.route, scope);
    keep_answer(fixture.cache, key, Answer(packet("a.test", ttl).bytes()),
                {fixture.now, seconds(60)});
  };
  const auto has = [&fixture](const CacheKey& key, uint32_t ttl) {
    return fixture.find(key) == packet("a.test", ttl).bytes();
  };
  keep(key_for("10.1.1.0/24"), 0, 1);
  CHECK(has(key_for("192.0.2.0/24"), 1));
  CHECK(has(key_for("0.0.0.0/0"), 1));
  CHECK(fixture.find("a.test").empty());
  CHECK(fixture.find(key_for("10.1.1.0/24", 7)).empty());
  keep(key_for("10.1.1.0/24"), 24, 2);
  keep(key_for("10.1.2.0/24"), 32, 3);  // counts as 24
  keep(key_for("0.0.0.0/0"), 0, 4);
  CHECK(has(key_for("10.1.1.0/24"), 2));
  CHECK(has(key_for("10.1.2.0/24"), 3));
  CHECK(has(key_for("10.1.3.0/24"), 1));
  CHECK(has(key_for("0.0.0.0/0"), 4));
  Bytes slot(1232);
  CHECK(fixture.cache.find(key_for("10.1.1.0/25"), fixture.now, slot, {})->subnet_scope == 24);
  CHECK(fixture.cache.find(key_for("10.1.3.0/24"), fixture.now, slot, {})->subnet_scope == 0);

  // What is wider takes the place of what is in it.
  keep(key_for("10.1.9.0/24"), 16, 5);
  for (const char* network : {"10.1.1.0/24", "10.1.2.0/24", "10.1.9.0/24"})
    CHECK(has(key_for(network), 5));
  CHECK(fixture.cache.entries() == 3);
  keep(key_for("10.1.9.0/24"), 0, 6);
  CHECK(has(key_for("10.1.9.0/24"), 6));
  CHECK(fixture.cache.entries() == 1);
}

TEST_CASE("what too short a network has got is nothing to those who have more sent") {
  Fixture fixture(100);
  const dns::Name owner = name("a.test");
  const auto key_for = [&owner](const char* network) {
    CacheKey key = Fixture::key(owner);
    key.route = {.reach = Reach::Subnet, .subnet = *Network::from_text(network)};
    return key;
  };
  const auto keep = [&fixture](CacheKey key, uint8_t scope, uint32_t ttl, int lifetime = 60) {
    key.route = kept_route(key.route, scope);
    keep_answer(fixture.cache, key, Answer(packet("a.test", ttl).bytes()),
                {fixture.now, seconds(lifetime)});
  };
  keep(key_for("203.0.113.0/24"), 24, 1);
  keep(key_for("128.0.0.0/1"), 24, 2);
  CHECK(fixture.find(key_for("203.0.113.0/24")) == packet("a.test", 1).bytes());
  CHECK(fixture.find(key_for("203.0.114.0/24")).empty());
  CHECK(fixture.find(key_for("128.0.0.0/1")) == packet("a.test", 2).bytes());
  // What is not kept takes the place of its own kind alone.
  keep(key_for("203.0.113.0/24"), 0, 3, 0);
  CHECK(fixture.cache.entries() == 2);
  keep(key_for("203.0.113.0/24"), 24, 3, 0);
  CHECK(fixture.cache.entries() == 1);
}

TEST_CASE("so many networks of a name are kept, and what was kept first goes") {
  Fixture fixture(1000);
  for (const char* text : {"a.test", "b.test"}) {
    const dns::Name owner = name(text);
    CacheKey key = Fixture::key(owner);
    for (uint8_t i = 0; i < 40; ++i) {
      key.route = {.reach = Reach::Subnet, .subnet = {IpAddress::v4(10, i, 0, 0), 24}};
      keep_answer(fixture.cache, key, Answer(packet(text, i).bytes()), {fixture.now, seconds(60)});
    }
    for (uint8_t i = 0; i < 40; ++i) {
      key.route.subnet.address = IpAddress::v4(10, i, 0, 0);
      CHECK(fixture.find(key).empty() == (i < 40 - CacheTable::kMostSubnets));
    }
  }
  CHECK(fixture.cache.entries() == 2 * CacheTable::kMostSubnets);
  fixture.cache.clear();
  CHECK(fixture.cache.entries() == 0);
}

TEST_CASE("a name's parent and child are other names") {
  Fixture fixture(10);
  fixture.store("a.test");
  CHECK_FALSE(fixture.has("test"));
  CHECK_FALSE(fixture.has("x.a.test"));
  CHECK_FALSE(fixture.has("."));
}

// Time.

TEST_CASE("TTLs count down by whole seconds of age") {
  for (const int age_ms : {0, 999, 1000, 1001, 30'000, 59'999}) {
    Fixture later(10);
    later.store("name.test", packet("name.test", 60).bytes());
    later.now += Milliseconds(age_ms);
    CHECK(later.find("name.test") ==
          packet("name.test", static_cast<uint32_t>(60 - age_ms / 1000)).bytes());
  }
}

TEST_CASE("counting down starts from what was stored, however often it is asked") {
  Fixture fixture(10);
  fixture.store("name.test", packet("name.test", 60).bytes());
  for (uint32_t age = 0; age < 60; ++age) {
    CHECK(u32_at(fixture.find("name.test"), kNamedTtl) == 60 - age);
    fixture.now += seconds(1);
  }
  CHECK_FALSE(fixture.has("name.test"));
}

TEST_CASE("an entry ends exactly with its lifetime") {
  Fixture fixture(10);
  fixture.store("a.test", packet("a.test").bytes(), seconds(2));
  fixture.now += Milliseconds(1999);
  CHECK(fixture.has("a.test"));
  const std::size_t with_entry = fixture.cache.bytes();
  fixture.now += Milliseconds(1);
  CHECK_FALSE(fixture.has("a.test"));
  CHECK(fixture.cache.entries() == 0);
  CHECK(fixture.cache.bytes() < with_entry);
}

TEST_CASE("a clock behind that of who stored the answer finds it as it was stored") {
  Fixture fixture(10);
  fixture.store("a.test");
  fixture.now -= Milliseconds(1);
  CHECK(fixture.find("a.test") == packet("a.test").bytes());
  CHECK(fixture.cache.entries() == 1);
}

TEST_CASE("a lifetime longer than a TTL counts to zero and stays there") {
  Fixture fixture(10);
  fixture.store("a.test", packet("a.test", 3).bytes(), seconds(10));
  fixture.now += seconds(9);
  CHECK(fixture.find("a.test") == packet("a.test", 0).bytes());
}

// Room.

TEST_CASE("the least recently used answer makes room") {
  Fixture fixture(3);
  for (const char* owner : {"a.test", "b.test", "c.test"}) fixture.store(owner);
  CHECK(fixture.has("a.test"));
  fixture.store("d.test");
  CHECK_FALSE(fixture.has("b.test"));
  CHECK(fixture.has("a.test"));
  CHECK(fixture.has("c.test"));
  CHECK(fixture.has("d.test"));
  CHECK(fixture.cache.evictions() == 1);
}

TEST_CASE("an answer renewed is an answer used") {
  Fixture fixture(2);
  fixture.store("a.test");
  fixture.store("b.test");
  fixture.store("a.test");
  fixture.store("c.test");
  CHECK(fixture.has("a.test"));
  CHECK_FALSE(fixture.has("b.test"));
}

TEST_CASE("a cache of one holds the last answer") {
  Fixture fixture(1);
  for (const char* owner : {"a.test", "b.test", "b.test", "c.test"}) fixture.store(owner);
  CHECK(fixture.has("c.test"));
  CHECK(fixture.cache.entries() == 1);
}

// The simplest LRU: a list, the newest first.
class Oracle {
 public:
  explicit Oracle(std::size_t capacity) : capacity_(capacity) {}

  void store(std::size_t number, Milliseconds ends_at) {
    entries_.remove_if([&](const Entry& entry) { return entry.number == number; });
    if (entries_.size() == capacity_) entries_.pop_back();
    entries_.push_front({number, ends_at});
  }
  bool find(std::size_t number, Milliseconds now) {
    const auto found = std::ranges::find(entries_, number, &Entry::number);
    if (found == entries_.end()) return false;
    const Entry entry = *found;
    entries_.erase(found);
    if (now >= entry.ends_at) return false;
    entries_.push_front(entry);
    return true;
  }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::size_t number = 0;
    Milliseconds ends_at{0};
  };
  std::size_t capacity_;
  std::list<Entry> entries_;
};

TEST_CASE("the cache agrees with a simple LRU list over many operations") {
  const auto capacity = static_cast<std::size_t>(GENERATE(1, 2, 7, 50));
  Fixture fixture(capacity);
  Oracle oracle(capacity);
  test::Dice dice(capacity);
  for (int i = 0; i < 5'000; ++i) {
    fixture.now += Milliseconds(dice.roll(300));
    const std::size_t number = dice.roll(capacity * 2);
    const std::string owner = "h" + std::to_string(number) + ".test";
    if (dice.roll(2) == 0) {
      const seconds lifetime(1 + dice.roll(20));
      fixture.store(owner, packet(owner).bytes(), lifetime);
      oracle.store(number, fixture.now + lifetime);
    } else if (fixture.has(owner) != oracle.find(number, fixture.now)) {
      FAIL(owner << " at step " << i);
    }
    REQUIRE(fixture.cache.entries() == oracle.size());
  }
}

// An answer with a TXT-like record of `size` bytes.
Bytes big(std::string_view owner, std::size_t size) {
  return Packet(owner, Type::A).answer({kToQuestion, Type::TXT, 60, Bytes(size, 'x')}).bytes();
}

TEST_CASE("memory stays below a KiB for each answer of capacity, whatever their size") {
  constexpr std::size_t kCapacity = 20;
  Fixture fixture(kCapacity);
  test::Dice dice(6);
  for (int i = 0; i < 2'000; ++i) {
    const std::string owner = "h" + std::to_string(dice.roll(60)) + ".test";
    fixture.store(owner, big(owner, dice.roll(dice.roll(4) == 0 ? 9'000 : 900)));
    REQUIRE(fixture.cache.bytes() <= kCapacity * Cache::kBytesPerAnswer);
    REQUIRE(fixture.cache.entries() <= kCapacity);
    REQUIRE(fixture.has(owner));
  }
  CHECK(fixture.cache.evictions() > 0);
}

TEST_CASE("big answers push out no more than they need") {
  Fixture fixture(4);
  fixture.store("a.test", big("a.test", 1'000));
  fixture.store("b.test", big("b.test", 1'000));
  fixture.store("c.test", big("c.test", 1'500));
  CHECK(fixture.cache.entries() == 3);
  fixture.store("d.test", big("d.test", 700));
  CHECK_FALSE(fixture.has("a.test"));
  CHECK(fixture.has("b.test"));
}

TEST_CASE("an answer larger than the whole cache is not kept, and nothing goes for it") {
  Fixture fixture(4);
  fixture.store("a.test");
  fixture.store("b.test", big("b.test", 4 * Cache::kBytesPerAnswer));
  CHECK_FALSE(fixture.has("b.test"));
  CHECK(fixture.has("a.test"));
}

TEST_CASE("memory is given back with the entry") {
  Fixture fixture(10);
  fixture.store("a.test");
  const std::size_t one = fixture.cache.bytes();
  fixture.store("a.test", big("a.test", 500));
  CHECK(fixture.cache.bytes() > one);
  fixture.store("a.test");
  CHECK(fixture.cache.bytes() == one);
}

TEST_CASE("a cached address takes at most 90 bytes, all told") {
  constexpr std::size_t kCapacity = 100'000;
  Fixture fixture(kCapacity);
  for (std::size_t i = 0; i < kCapacity; ++i)
    fixture.store("longer-n" + std::to_string(1'000'000 + i).substr(1) + ".bench.test");
  CHECK(fixture.cache.entries() == kCapacity);
  CHECK(fixture.cache.bytes() <= kCapacity * 90);
}

TEST_CASE("what records begin with is no part of how they come back") {
  Fixture fixture(10);
  const Packet packets[] = {
      Packet("a.test", Type::A).flags(0x8180),
      packet("a.test"),
      packet("a.test").answer({kToQuestion, Type::A, 50}).answer({kToQuestion, Type::TXT, 40}),
      Packet("a.test", Type::A).answer({kToQuestion, Type::CNAME, 60, kToQuestion}),
      Packet("a.test", Type::A).answer({test::wire_name("a.test"), Type::A, 60}),
      Packet("a.test", Type::A).answer({kToQuestion, Type::A, 60, {192, 0, 2, 1}, 3}),
      Packet("a.test", Type::A).authority().additional(),
  };
  for (const Packet& each : packets) {
    fixture.store("a.test", each.bytes());
    CHECK(fixture.find("a.test") == each.bytes());
    Bytes shown;
    Cache::Walk walk;
    fixture.cache.walk(walk, 10, fixture.now, [&shown](const CacheTable::Entry& entry) {
      shown.assign(entry.message.begin(), entry.message.end());
    });
    CHECK(shown == each.bytes());
    Bytes older = each.bytes();
    std::vector<uint16_t> ttls;
    dns::find_ttls(*dns::Message::parse(older), ttls);
    dns::count_ttls_down(older, ttls, 3);
    fixture.now += seconds(3);
    CHECK(fixture.find("a.test") == older);
  }
}

// Several workers.

TEST_CASE("a shared cache keeps its capacity and its memory in all") {
  constexpr std::size_t kCapacity = 5'003;
  const auto workers = static_cast<std::size_t>(GENERATE(1, 2, 7));
  Cache cache(kCapacity, 42, workers);
  for (std::size_t i = 0; i < 3 * kCapacity; ++i) {
    const std::string owner = "h" + std::to_string(i) + ".test";
    const dns::Name stored = name(owner);
    const Bytes message = i % 8 == 0 ? big(owner, 3'000) : packet(owner).bytes();
    keep_answer(cache, Fixture::key(stored), Answer(message), {Milliseconds(0), seconds(60)});
  }
  CHECK(cache.entries() <= kCapacity);
  CHECK(cache.entries() > kCapacity / 2);
  CHECK(cache.bytes() <= kCapacity * Cache::kBytesPerAnswer);
  CHECK(cache.evictions() > 0);
  cache.clear();
  CHECK(cache.bytes() == 0);
}

TEST_CASE("workers may ask, keep and clear at once, and every answer is whole") {
  constexpr std::size_t kWorkers = 4;
  constexpr std::size_t kNames = 64;
  const auto capacity = static_cast<std::size_t>(GENERATE(50, 10'000));
  Cache cache(capacity, 42, kWorkers);
  std::vector<Bytes> answers;
  std::vector<dns::Name> names;
  for (std::size_t i = 0; i < kNames; ++i) {
    const std::string owner = "h" + std::to_string(i) + ".test";
    names.push_back(name(owner));
    answers.push_back(big(owner, 10 * i));
  }

  std::array<std::size_t, kWorkers> broken{};
  const auto work = [&](std::size_t worker) {
    test::Dice dice(worker + 1);
    Bytes slot(1232);
    for (int i = 0; i < 3'000; ++i) {
      const std::size_t number = dice.roll(kNames);
      const CacheKey key = Fixture::key(names[number]);
      const std::size_t what = dice.roll(1'000);
      if (what == 0) cache.clear();
      if (what < 300)
        keep_answer(cache, key, Answer(answers[number]), {Milliseconds(0), seconds(60)});
      const auto hit = cache.find(key, Milliseconds(0), slot, {});
      if (hit && !dns::same_bytes(hit->message, answers[number])) ++broken[worker];
      if (cache.counters().entries > capacity) ++broken[worker];
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t worker = 0; worker < kWorkers; ++worker) threads.emplace_back(work, worker);
  for (std::thread& thread : threads) thread.join();
  for (const std::size_t count : broken) CHECK(count == 0);
}

// The caller's buffers.

TEST_CASE("an answer goes to the slot, a larger one to the large buffer, else nowhere") {
  Fixture fixture(100);
  const dns::Name owner = name("a.test");
  fixture.store("a.test", big("a.test", 1'000));
  const std::size_t size = big("a.test", 1'000).size();
  Bytes slot(size);
  Bytes large(size);
  const CacheKey key = Fixture::key(owner);
  CHECK(fixture.cache.find(key, fixture.now, slot, large)->message.data() == slot.data());
  slot.pop_back();
  CHECK(fixture.cache.find(key, fixture.now, slot, large)->message.data() == large.data());
  large.pop_back();
  CHECK_FALSE(fixture.cache.find(key, fixture.now, slot, large));
  CHECK(fixture.cache.entries() == 1);
}

TEST_CASE("of an answer that is too large for the slot the front is copied") {
  Fixture fixture(100);
  const Bytes whole = big("a.test", 20'000);
  fixture.store("a.test", whole);
  const dns::Name owner = name("a.test");
  Bytes large(dns::kMaxMessage);
  for (const std::size_t room : {512U, 1232U, 4095U, 4096U, 19'000U}) {
    Bytes slot(room);
    const auto hit = fixture.cache.find(Fixture::key(owner), fixture.now, slot, large);
    REQUIRE(hit);
    const std::size_t size = hit->message.size();
    CHECK(size > room);
    CHECK(size <= std::max<std::size_t>(room + 1, 4096));
    CHECK(std::ranges::equal(hit->message, dns::BytesView(whole).first(size)));
  }
}

TEST_CASE("the copy is the caller's to change") {
  Fixture fixture(10);
  fixture.store("a.test");
  Bytes slot(512);
  const dns::Name owner = name("a.test");
  const auto hit = fixture.cache.find(Fixture::key(owner), fixture.now, slot, {});
  std::ranges::fill(hit->message, uint8_t{0xff});
  CHECK(fixture.find("a.test") == packet("a.test").bytes());
}

}  // namespace
}  // namespace dnslet::policy

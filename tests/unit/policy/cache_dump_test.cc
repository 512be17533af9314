// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/cache_dump.h"

#include <algorithm>
#include <set>

#include "catch.h"
#include "dns/packet.h"

namespace dnslet::policy {
namespace {

using dns::Class;
using dns::Type;
using test::kToQuestion;
using test::Packet;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): 2s

struct Fixture {
  explicit Fixture(std::size_t capacity = 10'000, std::size_t workers = 1,
                   std::chrono::seconds stale = 0s)
      : cache(capacity, 42, workers, stale) {}

  void store(std::string_view owner, const Packet& packet, const Route& route = kByName) {
    const dns::Name name = *dns::Name::from_text(owner);
    const CacheKey key{name, Type::A, Class::IN, false, false, Scope::AsItStands, route};
    cache.store(key, Answer(packet.bytes()), now, 60s);
  }
  void store(std::string_view owner) {
    store(owner, Packet(owner, Type::A).flags(0x8180).answer({kToQuestion, Type::A, 60}));
  }
  // All pieces; each of them is bounded.
  std::string dump(const NameChoice& names = {}, std::size_t most = 2 * CacheDump::kPiece) {
    CacheDump dump(cache, names);
    std::string all;
    for (bool has_more = true; has_more;) {
      std::string piece;
      has_more = dump.next(now, piece);
      CHECK(piece.size() < most);
      all += piece;
    }
    return all;
  }
  static std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }

  Cache cache;
  Milliseconds now{1'000'000};
};

NameChoice only(std::string_view name) { return {dns::Name::from_text(name), false}; }
NameChoice below(std::string_view name) { return {dns::Name::from_text(name), true}; }

TEST_CASE("an entry is a comment and its records, TTLs counted down") {
  Fixture fixture;
  CHECK(fixture.dump() == "$ORIGIN .\n");
  fixture.store("a.test",
                Packet("a.test", Type::A)
                    .flags(0x8180)
                    .answer({kToQuestion, Type::A, 60})
                    .add(dns::Section::Authority, {kToQuestion, Type::SOA, 9, test::soa_rdata(5)}));
  fixture.now += 20'500ms;
  CHECK(fixture.dump() ==
        "$ORIGIN .\n"
        "; name=a.test type=A rcode=NOERROR left=40\n"
        "a.test 40 IN A 192.0.2.1\n"
        "; a.test 0 IN SOA a.test . 1 2 3 4 5\n");
}

TEST_CASE("what makes an answer another one is told in the comment") {
  Fixture fixture;
  Route route;
  route.servers = 3;
  route.least_ttl = 60;
  route.most_ttl = 90;
  route.filter = Filter::Aaaa;
  route.yielding = Yielding::A;
  route.reach = Reach::Subnet;
  route.subnet = *Network::from_text("192.0.2.0/24");
  const dns::Name name = *dns::Name::from_text("a.test");
  const Packet packet = Packet("a.test", Type::A).flags(0x8183);
  fixture.cache.store({name, Type::A, Class::IN, true, true, Scope::Searched, route},
                      Answer(packet.bytes()), fixture.now, 60s);
  CHECK(fixture.dump() ==
        "$ORIGIN .\n; name=a.test type=A rcode=NXDOMAIN left=60 do cd searched servers=3 ttl=60-90 "
        "without=AAAA yields=A subnet=192.0.2.0/24\n");
}

TEST_CASE("an answer that has ended is told as long as it may be used") {
  Fixture fixture(100, 1, 30s);
  fixture.store("a.test");
  fixture.now += 70s;
  CHECK(fixture.dump().find("left=-10\na.test 0 IN A") != std::string::npos);
  fixture.now += 20s;
  CHECK(fixture.dump() == "$ORIGIN .\n");
}

TEST_CASE("names are chosen label by label") {
  Fixture fixture;
  for (const char* const name : {"a.test", "b.a.test", "xa.test", "test"}) fixture.store(name);
  CHECK(Fixture::lines(fixture.dump()) == 9);
  CHECK(Fixture::lines(fixture.dump(only("A.test"))) == 3);
  CHECK(Fixture::lines(fixture.dump(below("a.test"))) == 5);
  CHECK(Fixture::lines(fixture.dump(below("."))) == 9);
  CHECK(Fixture::lines(fixture.dump(only("b.test"))) == 1);
}

TEST_CASE("a large answer comes in pieces too, every record once") {
  Fixture fixture;
  Packet packet = Packet("large.test", Type::A).flags(0x8180);
  constexpr int kRecords = 4000;
  for (int i = 0; i < kRecords; ++i) packet.answer({kToQuestion, Type::A, 60});
  fixture.store("large.test", packet);
  CHECK(Fixture::lines(fixture.dump()) == kRecords + 2);
}

TEST_CASE("what is there all the time is met once, whatever else changes") {
  const std::size_t workers = GENERATE(1U, 4U);
  Fixture fixture(2000, workers);
  for (int i = 0; i < 1000; ++i) fixture.store("n" + std::to_string(i) + ".test");
  CacheDump dump(fixture.cache, {});
  CacheDump beside(fixture.cache, {});
  std::string all;
  std::string other;
  int added = 0;
  for (bool has_more = true; has_more;) {
    has_more = dump.next(fixture.now, all);
    (void)beside.next(fixture.now, other);
    fixture.store("more" + std::to_string(added++) + ".test");
    dns::Bytes slot(512);
    const dns::Name used = *dns::Name::from_text("n" + std::to_string(added) + ".test");
    (void)fixture.cache.find({used, Type::A, Class::IN, false, false}, fixture.now, slot, slot);
  }
  for (int i = 0; i < 1000; ++i) {
    const std::string line = "\nn" + std::to_string(i) + ".test 60 ";
    const std::size_t found = all.find(line);
    CAPTURE(i);
    REQUIRE(found != std::string::npos);
    CHECK(all.find(line, found + 1) == std::string::npos);
  }
}

TEST_CASE("a cleared cache ends a dump that is under way") {
  Fixture fixture;
  for (int i = 0; i < 1000; ++i) fixture.store("n" + std::to_string(i) + ".test");
  CacheDump dump(fixture.cache, {});
  std::string piece;
  REQUIRE(dump.next(fixture.now, piece));
  fixture.cache.clear();
  for (int i = 0; i < 1000 && dump.next(fixture.now, piece); ++i) continue;
  CHECK(piece.size() < 4 * CacheDump::kPiece);
}

std::size_t remove(Cache& cache, const NameChoice& names) {
  std::size_t removed = 0;
  for (Cache::Place place; !cache.is_at_end(place);) removed += cache.remove(place, names);
  return removed;
}

TEST_CASE("names are taken out of the cache") {
  const std::size_t workers = GENERATE(1U, 4U);
  Fixture fixture(2000, workers);
  for (const char* const name : {"a.test", "b.a.test", "xa.test", "test"}) fixture.store(name);
  Route route;
  route.servers = 3;
  fixture.store("a.test", Packet("a.test", Type::A).flags(0x8180).answer({}), route);
  CHECK(remove(fixture.cache, only("none.test")) == 0);
  CHECK(remove(fixture.cache, only("a.test")) == 2);
  CHECK(remove(fixture.cache, below("a.test")) == 1);
  CHECK(fixture.cache.entries() == 2);
  CHECK(remove(fixture.cache, below("test")) == 2);
  CHECK(fixture.dump() == "$ORIGIN .\n");
  fixture.store("a.test");
  CHECK(fixture.cache.entries() == 1);
}

TEST_CASE("a walk goes on where its next entry is taken out") {
  Fixture fixture;
  for (int i = 0; i < 100; ++i) fixture.store("n" + std::to_string(i) + ".test");
  Cache::Walk walk;
  std::size_t shown = 0;
  const auto count = [&shown](const CacheTable::Entry&) { ++shown; };
  CHECK(fixture.cache.walk(walk, 50, fixture.now, count));
  CHECK(remove(fixture.cache, only("n50.test")) == 1);
  while (fixture.cache.walk(walk, 10, fixture.now, count)) continue;
  CHECK(shown == 99);
}

}  // namespace
}  // namespace dnslet::policy

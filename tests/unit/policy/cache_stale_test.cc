// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// What the cache gives of answers that have ended, and who refreshes them.

#include "catch.h"
#include "dns/packet.h"
#include "dns/patch.h"
#include "policy/cache.h"

namespace dnslet::policy {
namespace {

using dns::Bytes;
using dns::Class;
using dns::Type;
using test::kToQuestion;
using test::Packet;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): 2s

// Keeps answers about a.test for a minute, and for another one behind their end.
struct Fixture {
  Fixture() { store(positive()); }

  static Packet positive() {
    return Packet("a.test", Type::A).flags(0x8180).answer({kToQuestion, Type::A, 60});
  }
  CacheKey key() const {
    return {owner, Type::A, Class::IN, false, false, Scope::AsItStands, route};
  }
  void store(const Packet& packet) { cache.store(key(), Answer(packet.bytes()), now, 60s); }
  std::optional<CacheHit> find(Ended which = Ended::WithRecords) {
    return cache.find_stale(key(), now, {slot, {}}, which);
  }
  bool wants_refresh() {
    const auto hit = find();
    REQUIRE(hit);
    return hit->wants_refresh;
  }
  // The same for whoever asks at once.
  bool claims() {
    const bool wants = wants_refresh();
    const bool is_granted = cache.claim_refresh(key(), now);
    CHECK(wants == is_granted);
    return is_granted;
  }

  dns::Name owner = *dns::Name::from_text("a.test");
  Route route = kByName;
  Cache cache{100, 42, 1, 60s};
  Milliseconds now{1'000'000};
  Bytes slot = Bytes(512);
};

TEST_CASE("what has ended goes out before upstream is asked, with five seconds and the error 3") {
  Fixture fixture;
  fixture.now += 59'999ms;
  CHECK_FALSE(fixture.find());
  fixture.now += 1ms;
  const auto first = fixture.find();
  REQUIRE(first);
  CHECK(Bytes(first->message.begin(), first->message.end()) ==
        Packet("a.test", Type::A).flags(0x8180).answer({kToQuestion, Type::A, 5}).bytes());
  CHECK(std::ranges::equal(first->error.data(), dns::ExtendedError::stale_answer().data()));
  CHECK(first->is_ending);
  const auto late = fixture.find(Ended::Any);
  REQUIRE(late);
  CHECK_FALSE(late->is_ending);
  CHECK_FALSE(late->wants_refresh);
  fixture.now += 59'999ms;
  CHECK(fixture.find());
  fixture.now += 1ms;
  CHECK_FALSE(fixture.find());
}

TEST_CASE("a negative answer that has ended does not go out first") {
  for (const uint16_t flags : {uint16_t{0x8183}, uint16_t{0x8180}}) {
    Fixture fixture;
    fixture.store(Packet("a.test", Type::A).flags(flags));
    fixture.now += 60s;
    CHECK_FALSE(fixture.find());
    CHECK(fixture.find(Ended::Any));
  }
}

TEST_CASE("what has ended is refreshed by one at a time, and a second after that has failed") {
  Fixture fixture;
  fixture.now += 60s;
  CHECK(fixture.claims());
  fixture.now += 10s;  // it takes its time
  CHECK_FALSE(fixture.claims());
  fixture.cache.end_refresh(fixture.key(), fixture.now);
  CHECK_FALSE(fixture.claims());
  fixture.now += 1250ms;
  CHECK(fixture.claims());
  fixture.cache.note_failure(fixture.key(), fixture.now);
  fixture.cache.end_refresh(fixture.key(), fixture.now + 5s);  // nothing is left to end
  fixture.now += 1250ms;
  CHECK(fixture.claims());
  fixture.store(Fixture::positive());
  fixture.cache.end_refresh(fixture.key(), fixture.now);
  fixture.now += 60s;
  CHECK(fixture.claims());
}

TEST_CASE("a refresh that began before the end goes on behind it") {
  Fixture fixture;
  fixture.now += 59s;
  CHECK(fixture.cache.claim_refresh(fixture.key(), fixture.now));
  CHECK_FALSE(fixture.cache.claim_refresh(fixture.key(), fixture.now));
  fixture.now += 1s;
  CHECK_FALSE(fixture.claims());
  fixture.cache.end_refresh(fixture.key(), fixture.now);
  fixture.now += 1250ms;
  CHECK(fixture.claims());
}

TEST_CASE("a refresh that failed before the end is not tried again until then") {
  Fixture fixture;
  fixture.now += 55s;
  CHECK(fixture.cache.claim_refresh(fixture.key(), fixture.now));
  fixture.cache.end_refresh(fixture.key(), fixture.now);
  fixture.now += 4s;
  CHECK_FALSE(fixture.cache.claim_refresh(fixture.key(), fixture.now));
  fixture.now += 1s;
  CHECK(fixture.claims());
}

TEST_CASE("a refresh that brings an answer for fewer networks is over for the others too") {
  Fixture fixture;
  const auto use = [&](const char* network, uint8_t scope) {
    fixture.route = {.reach = Reach::Subnet, .subnet = *Network::from_text(network)};
    CacheKey key = fixture.key();
    key.route = kept_route(key.route, scope);
    return key;
  };
  const Answer answer(Fixture::positive().bytes());
  fixture.cache.store(use("10.1.1.0/24", 16), answer, fixture.now, 60s);
  fixture.now += 60s;
  CHECK(fixture.claims());
  fixture.cache.store(use("10.1.1.0/24", 24), answer, fixture.now, 60s);
  fixture.cache.end_refresh(fixture.key(), fixture.now);
  CHECK_FALSE(fixture.find());
  (void)use("10.1.2.0/24", 0);
  CHECK_FALSE(fixture.claims());
  fixture.now += 1250ms;
  CHECK(fixture.claims());
}

TEST_CASE("an answer that has ended is told while it is refreshed and when that has failed") {
  Fixture fixture;
  const auto is_told = [&] { return fixture.cache.is_told_ended(fixture.key(), fixture.now); };
  CHECK_FALSE(is_told());
  fixture.now += 60s;
  CHECK_FALSE(is_told());  // nobody has asked for it
  CHECK(fixture.claims());
  CHECK(is_told());
  fixture.cache.end_refresh(fixture.key(), fixture.now);
  CHECK(is_told());
  fixture.now += 1250ms;
  CHECK_FALSE(is_told());
}

}  // namespace
}  // namespace dnslet::policy

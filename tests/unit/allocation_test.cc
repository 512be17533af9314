// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// What can be settled at once costs no allocation: cache hits, hosts hits, refusals.
//
// The program's operator new is replaced by one that counts; everything of ours allocates through
// it. Sanitizers bring their own and see more with it: there the test is left out.

#include <cstdlib>
#include <new>

#include "catch.h"
#include "dns/packet.h"
#include "policy/fake_addresses.h"
#include "policy/lookup.h"
#include "policy/reverse_names.h"
#include "policy/storing.h"
#include "policy/world.h"
#include "read_answer.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS_ALLOCATIONS 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef COUNTS_ALLOCATIONS
#endif
#endif

#ifdef COUNTS_ALLOCATIONS

namespace {

thread_local std::size_t allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace dnslet::policy {
namespace {

using dns::Type;
using test::kToQuestion;
using test::Packet;

// What a server answers from, with something in all of it.
struct World : test::World {
  World() : test::World(100, std::chrono::seconds(100)) {
    (void)hosts.add_text("10.0.0.1 db.local\n10.0.0.2 *.apps.local\n10.0.0.3 db.local\n");
    (void)blocked.insert(dns::Name::from_text("ads.test")->view().wire());
    turns.hosts.resize(hosts.owners());
    keep_answer("a.test", Packet("a.test", Type::A).flags(0x8180).answer().answer());
    Packet large = Packet("big.test", Type::A).flags(0x8180);
    for (int i = 0; i < 60; ++i) large.answer();
    keep_answer("big.test", large);
  }

  void keep_answer(const char* name, const Packet& answer) {
    const UpstreamQuestion question{{*dns::Name::from_text(name), Type::A, dns::Class::IN}, {}};
    (void)store_answer(tables(), storing_of(question, Existence::Unknown, Milliseconds(0)),
                       read_answer(answer, question)->answer);
  }

  // The allocations of a hundred answers from `source`.
  std::size_t cost(const Packet& packet, Source source) {
    const std::size_t before = allocations;
    for (int i = 0; i < 100; ++i) {
      Lookup lookup({IpAddress::v4(127, 0, 0, 1), Protocol::Udp});
      const Step step = lookup.start({tables(), now, slot}, packet);
      const auto* const reply = std::get_if<Reply>(&step);
      if (reply == nullptr || reply->source != source) return SIZE_MAX;
    }
    return allocations - before;
  }

  Milliseconds now{5'000};
  dns::Bytes slot = dns::Bytes(dns::kMaxUdpPayload);
};

TEST_CASE("the counter counts") {
  const std::size_t before = allocations;
  const auto number = std::make_unique<int>(1);
  CHECK(allocations - before == static_cast<std::size_t>(*number));
}

TEST_CASE("an answer that is known already allocates nothing") {
  World world;
  CHECK(world.cost(Packet("a.test", Type::A), Source::Cache) == 0);
  CHECK(world.cost(Packet("A.tesT", Type::A).additional(test::opt()), Source::Cache) == 0);
  CHECK(world.cost(Packet("big.test", Type::A), Source::Cache) == 0);  // cut to 512 bytes
  CHECK(world.cost(Packet("db.local", Type::A), Source::Hosts) == 0);
  CHECK(world.cost(Packet("x.y.apps.local", Type::A), Source::Hosts) == 0);
  CHECK(world.cost(Packet("db.local", Type::AAAA), Source::Hosts) == 0);
  CHECK(world.cost(Packet("3.0.0.10.in-addr.arpa", Type::PTR), Source::Hosts) == 0);
  CHECK(world.cost(Packet("x.ads.test", Type::A), Source::Block) == 0);
  CHECK(world.cost(Packet("localhost", Type::A), Source::Special) == 0);
  world.settings.forwards = false;
  CHECK(world.cost(Packet("absent.test", Type::A), Source::Refused) == 0);
}

TEST_CASE("an answer that has ended and goes out at once allocates nothing") {
  World world;
  world.settings.stale_first = true;
  world.now = Milliseconds(80'000);
  const auto query = [](const char* name) { return Packet(name, Type::A).flags(0x0100); };
  CHECK(world.cost(query("a.test"), Source::Stale) == 0);
  CHECK(world.cost(query("a.test").additional(test::opt()), Source::Stale) == 0);
  CHECK(world.cost(query("big.test"), Source::Stale) == 0);
}

TEST_CASE("names of addresses that are remembered allocate nothing") {
  const dns::Name name = *dns::Name::from_text("www.test");
  const IpAddress address = IpAddress::v4(10, 0, 0, 1);
  const ReverseNames::Key key{address, kByName};
  FakeAddresses fake({{address, 8}}, 1);
  ReverseNames reverse(1);
  const auto cost = [&] {
    const std::size_t before = allocations;
    const bool has_address = fake.address_of(name, Family::V4) == address;
    const bool has_name = fake.name_of(address) == name;
    reverse.note(key, name, std::chrono::seconds(60), Milliseconds(0));
    const bool is_noted = reverse.find(key, Milliseconds(1)) == name;
    return has_address && has_name && is_noted ? allocations - before : SIZE_MAX;
  };
  CHECK(cost() == 2);  // a copy of the name for each
  CHECK(cost() == 0);
}

}  // namespace
}  // namespace dnslet::policy

#endif

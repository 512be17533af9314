// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/preload.h"

#include "catch.h"
#include "dns/packet.h"
#include "policy/storing.h"
#include "policy/world.h"
#include "read_answer.h"

namespace dnslet::policy {
namespace {

using dns::Type;
using test::Packet;

struct World : test::World {
  World() : test::World(1000) {}

  dns::Bytes slot = dns::Bytes(dns::kMaxUdpPayload);

  void keep(const std::string& name) {
    const UpstreamQuestion question{{*dns::Name::from_text(name), Type::A, dns::Class::IN}, {}};
    const auto read = read_answer(Packet(name, Type::A).flags(0x8180).answer(), question);
    REQUIRE(read);
    (void)store_answer(tables(), storing_of(question, Existence::Unknown, Milliseconds(0)),
                       read->answer);
  }

  std::optional<Source> source_of(const Packet& packet) {
    Lookup lookup({IpAddress::v4(127, 0, 0, 1), Protocol::Udp});
    const Step step = lookup.start({tables(), Milliseconds(1'000), slot}, packet);
    const auto* const reply = std::get_if<Reply>(&step);
    return reply ? std::optional(reply->source) : std::nullopt;
  }
};

std::string numbered(int i, const std::string& zone) { return "n" + std::to_string(i) + zone; }

TEST_CASE("what has been preloaded is answered as ever") {
  World world;
  std::string text;
  for (int i = 0; i < 500; ++i) text += "10.0.0.1 " + numbered(i, ".hosts.test") + "\n";
  (void)world.hosts.add_text(text);
  for (int i = 0; i < 500; ++i) world.keep(numbered(i, ".cache.test"));

  for (int i = 0; i < 500; ++i) {
    const Packet in_hosts(numbered(i, ".hosts.test"), Type::A);
    const Packet in_cache(numbered(i, ".cache.test"), Type::A);
    const Packet absent(numbered(i, ".absent.test"), Type::A);
    preload(world.tables(), std::array<dns::BytesView, 3>{in_hosts, in_cache, absent});
    REQUIRE(world.source_of(in_hosts) == Source::Hosts);
    REQUIRE(world.source_of(in_cache) == Source::Cache);
    REQUIRE_FALSE(world.source_of(absent));
  }
  CHECK(world.cache.entries() == 500);
}

TEST_CASE("preloading takes any bytes, any number of packets and empty tables") {
  World world;
  const bool is_filled = GENERATE(false, true);
  if (is_filled) {
    (void)world.hosts.add_text("10.0.0.1 a.test\n");
    world.keep("b.test");
  }
  test::Dice dice(7);
  std::vector<dns::Bytes> packets;
  for (std::size_t i = 0; i < 1'000; ++i) {
    packets.emplace_back(dice.roll(40));
    for (uint8_t& byte : packets.back()) byte = static_cast<uint8_t>(dice.roll(256));
  }
  const std::vector<dns::BytesView> views(packets.begin(), packets.end());
  preload(world.tables(), views);
  preload(world.tables(), {});
  for (const dns::BytesView& view : views) preload(world.tables(), {&view, 1});
  CHECK(world.hosts.owners() == (is_filled ? 1 : 0));
}

}  // namespace
}  // namespace dnslet::policy

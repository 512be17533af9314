// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// What one question costs without sockets: Lookup::start as the server drives it.
//
// Run by itself it prints nanoseconds per operation, of this machine and moment. `make micro` runs
// it under callgrind, where it marks each operation for micro.sh to print instructions: a number
// that is the same on a busy machine and can be compared from change to change.

#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "dns/packet.h"
#include "policy/lookup.h"
#include "policy/storing.h"
#include "read_answer.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else  // then only the clock counts
#define RUNNING_ON_VALGRIND 0
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_STOP_INSTRUMENTATION
#define CALLGRIND_DUMP_STATS_AT(name) (void)(name)
#endif

namespace dnslet {
namespace {

using test::kToQuestion, test::Packet, dns::Type;

constexpr std::size_t kHosts = 100'000;
constexpr std::size_t kLargeRounds = 100;
constexpr std::size_t kNames = 1'000;  // different questions of each kind, asked in turn
constexpr policy::Milliseconds kNow{1'000'000};

std::string numbered(std::size_t number, std::string_view zone) {
  const std::string digits = std::to_string(1'000'000 + number).substr(1);
  return "n" + digits + "." + std::string(zone);
}

std::string hosts_text() {
  std::string text = "10.9.9.9 *.apps.local\n";
  for (std::size_t i = 0; i < kHosts; ++i) {
    text += "10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." +
            std::to_string(i & 255) + " " + numbered(i, "hosts.local") + "\n";
  }
  return text;
}

// A CNAME chain of three, every name spelled out behind the first.
Packet chain(const std::string& name) {
  const dns::Bytes first = test::wire_name("web.bench.test");
  const dns::Bytes second = test::wire_name("edge.bench.test");
  return Packet(name, Type::A)
      .flags(0x8180)
      .answer({kToQuestion, Type::CNAME, 300, first})
      .answer({first, Type::CNAME, 300, second})
      .answer({second, Type::A, 300})
      .answer({second, Type::A, 300, {192, 0, 2, 2}});
}

constexpr std::size_t kLarge = 4'000;  // A records: nearly 64 KB

// As many addresses as a message holds, of the name itself or at the end of an alias.
Packet large(const std::string& name, bool is_alias) {
  Packet packet = Packet(name, Type::A).flags(0x8180);
  dns::Bytes owner = kToQuestion;
  if (is_alias) {
    const dns::Bytes target = test::wire_name("edge.bench.test");
    packet.answer({kToQuestion, Type::CNAME, 300, target});
    owner.clear();
    test::append_u16(owner, 0xc000 | (packet.bytes().size() - target.size()));
  }
  for (std::size_t i = 0; i < kLarge; ++i) packet.answer({owner, Type::A, 300});
  return packet;
}

// Owners at the end of a chain of pointers, as many as 65,536 jumps allow.
Packet crafted(const std::string& name) {
  constexpr std::size_t kChain = 110;
  Packet packet = Packet(name, Type::A).flags(0x8180).answer({kToQuestion, Type::A, 300});
  dns::Bytes pointers;
  std::size_t target = dns::kHeaderSize;
  const std::size_t start = packet.bytes().size() + 12;
  for (std::size_t i = 0; i < kChain; ++i) {
    test::append_u16(pointers, 0xc000 | target);
    target = start + 2 * i;
  }
  packet.answer({kToQuestion, Type::TXT, 300, pointers});
  dns::Bytes owner;
  test::append_u16(owner, 0xc000 | target);
  for (std::size_t i = 0; i < 65'536 / (kChain + 1); ++i) packet.answer({owner, Type::A, 300});
  for (std::size_t i = 0; i < 3'000; ++i) packet.answer({kToQuestion, Type::A, 300});
  return packet;
}

// What the server has, filled as a busy one's.
struct World {
  policy::Settings settings;
  policy::HostsTable addresses{1};
  policy::HostsTable hosts{1};
  policy::KeyTable blocked{1};
  policy::Zones zones{1};
  policy::Cache cache{kHosts, 1};
  policy::Cache failures{1024, 1};
  policy::Turns turns;
  dns::Bytes scratch = dns::Bytes(dns::kMaxMessage);
  dns::ExtendedError scratch_error;
  dns::Bytes slot = dns::Bytes(dns::kMaxUdpPayload);
  policy::Milliseconds now = kNow;

  policy::Tables tables() {
    return {settings, addresses, hosts, blocked, zones,
            cache,    failures,  turns, scratch, scratch_error};
  }

  void keep(const std::string& name, const Packet& answer) {
    const dns::Name owner = *dns::Name::from_text(name);
    const policy::UpstreamQuestion question{{owner, Type::A, dns::Class::IN}, {}};
    const auto read = policy::read_answer(answer, question);
    if (read)
      (void)policy::store_answer(
          tables(), policy::storing_of(question, policy::Existence::Unknown, now), read->answer);
  }

  // What the server does for a datagram; 0: no answer.
  std::size_t answer(dns::BytesView packet) {
    policy::Lookup lookup({IpAddress::v4(127, 0, 0, 1), Protocol::Udp});
    const policy::Step step = lookup.start({tables(), now, slot}, packet);
    const auto* const reply = std::get_if<policy::Reply>(&step);
    return reply ? reply->size : 0;
  }
};

void fill(World& world) {
  world.settings.forwards = false;
  world.settings.ttls = {std::chrono::seconds(300), std::chrono::seconds(10)};
  for (std::size_t i = 0; i < kNames; ++i) {
    const std::string owner = numbered(i, "bench.test");
    world.keep(owner, Packet(owner, Type::A).flags(0x8180).answer({kToQuestion, Type::A, 300}));
    world.keep(numbered(i, "chain.test"), chain(numbered(i, "chain.test")));
  }
  world.keep("large.test", large("large.test", false));
  world.keep("alias.test", large("alias.test", true));
  world.keep("crafted.test", crafted("crafted.test"));
  world.now += std::chrono::seconds(5);
}

std::vector<dns::Bytes> questions(std::string_view zone, bool with_edns) {
  std::vector<dns::Bytes> packets;
  for (std::size_t i = 0; i < kNames; ++i) {
    Packet packet = Packet(numbered(i, zone), Type::A).id(static_cast<uint16_t>(i)).flags(0x0100);
    if (with_edns) packet.additional(test::opt());
    packets.push_back(packet.bytes());
  }
  return packets;
}

// Runs `operation(i)` for i < rounds, on the clock and under callgrind's eye.
template <typename Operation>
void measure(const std::string& name, std::size_t rounds, Operation operation) {
  std::size_t done = 0;
  const auto start = std::chrono::steady_clock::now();
  CALLGRIND_START_INSTRUMENTATION;
  for (std::size_t i = 0; i < rounds; ++i) done += operation(i);
  CALLGRIND_STOP_INSTRUMENTATION;
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  static std::string mark;  // callgrind reads it a little later
  mark = name + " /" + std::to_string(rounds);
  CALLGRIND_DUMP_STATS_AT(mark.c_str());
  if (done == 0) std::printf("%s: no answer\n", name.c_str());
  if (!RUNNING_ON_VALGRIND)
    std::printf("%-36s %12.0f ns\n", name.c_str(), taken.count() / static_cast<double>(rounds));
}

void run(std::size_t turns) {
  World world;
  fill(world);
  const std::size_t rounds = kNames * turns;
  const auto measure_answers = [&](const std::string& name, const std::vector<dns::Bytes>& asked) {
    measure(name, rounds, [&](std::size_t i) { return world.answer(asked[i % kNames]); });
  };

  const auto plain = questions("bench.test", false);
  const auto with_edns = questions("bench.test", true);
  measure("parse", rounds, [&](std::size_t i) {
    return dns::parse_query(plain[i % kNames]).verdict == dns::Verdict::Usable ? 1U : 0U;
  });
  measure("parse, EDNS", rounds, [&](std::size_t i) {
    return dns::parse_query(with_edns[i % kNames]).verdict == dns::Verdict::Usable ? 1U : 0U;
  });
  measure_answers("cache hit, A", plain);
  measure_answers("cache hit, A, EDNS", with_edns);
  measure_answers("cache hit, CNAME chain", questions("chain.test", false));
  measure_answers("cache hit, CNAME chain, EDNS", questions("chain.test", true));
  measure_answers("refused", questions("absent.test", false));
  const auto measure_large = [&](const std::string& name, const char* asked, bool has_edns) {
    Packet packet = Packet(asked, Type::A).flags(0x0100);
    if (has_edns) packet.additional(test::opt());
    measure(name, kLargeRounds, [&](std::size_t) { return world.answer(packet); });
  };
  for (const policy::Rotation rotation : {policy::Rotation::Off, policy::Rotation::On}) {
    world.settings.rotation = rotation;
    const std::string how = rotation == policy::Rotation::On ? ", rotated" : "";
    measure_answers("cache hit, A" + how, plain);
    measure_large("cache hit, 64 KB" + how, "large.test", false);
    measure_large("cache hit, 64 KB, EDNS" + how, "large.test", true);
    measure_large("cache hit, 64 KB, flattened" + how, "alias.test", false);
    measure_large("cache hit, 64 KB, crafted" + how, "crafted.test", false);
  }
  world.settings.rotation = policy::Rotation::Off;

  const std::string text = hosts_text();
  const auto load = [&](std::size_t) { return world.hosts.add_text(text).bad_lines + 1; };
  measure("hosts load, 100,000 entries", 1, load);
  world.turns.hosts.resize(world.hosts.owners());
  measure_answers("hosts hit", questions("hosts.local", false));
  measure_answers("hosts hit, EDNS", questions("hosts.local", true));
  measure_answers("hosts wildcard", questions("apps.local", false));
  measure_answers("cache hit, A, behind hosts", plain);
  measure_answers("cache hit, A, EDNS, behind hosts", with_edns);
  measure_answers("refused, behind hosts", questions("absent.test", false));
}

}  // namespace
}  // namespace dnslet

int main() {
  dnslet::run(RUNNING_ON_VALGRIND ? 1 : 1'000);
  return 0;
}

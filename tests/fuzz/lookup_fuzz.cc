// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// The life of one question with a client and an upstream that send anything: every reply is a whole
// message that echoes id and question and fits the client, also when it comes from the cache. Where
// upstream's message is not steady, the reply need not parse; all else holds.

#include <cassert>
#include <variant>

#include "input.h"
#include "policy/lookup.h"
#include "policy/storing.h"
#include "read_answer.h"
#include "records.h"

namespace {

using namespace dnslet;
using dns::Bytes, dns::BytesView, dns::Message;
using policy::Lookup, policy::Tables;

constexpr std::uint64_t kSeed = 1;
constexpr std::size_t kMostNames = 4;  // that a search asks for: three domains, and as it stands
constexpr policy::Milliseconds kNow{1'000'000};

// The names that are answered here; the same for every input.
struct Names {
  Names() {
    addresses.add_text("10.0.0.5 db.local\nfd00::5 db.local\n10.0.0.7 *.apps.local\n");
    hosts.add_text("10.1.0.1 a\n::1 a b\n0.0.0.0 ads.example\n");
    for (int i = 0; i < 90; ++i)
      (void)hosts.add("many", IpAddress::v4(10, 2, 0, static_cast<std::uint8_t>(i)));
    blocked.insert(dns::Name::from_text("blocked.example")->view().wire());
  }
  policy::HostsTable addresses{kSeed};
  policy::HostsTable hosts{kSeed};
  policy::KeyTable blocked{kSeed};
};

// Everything that answers from our side.
struct World {
  explicit World(std::uint8_t steer) {
    settings.version = "dnslet";
    settings.forwards = (steer & 0x80) == 0;
    settings.filter = (steer & 0x40) ? policy::Filter::Aaaa : policy::Filter::None;
    settings.stale_first = (steer & 8) != 0;
    settings.allow = {*Network::from_text("10.0.0.0/8")};
    if ((steer & 0x10) == 0) return;
    settings.rotation = policy::Rotation::On;
    settings.search.ndots = 2;
    for (const char* domain : {"many", "a.test", "b.test"})
      settings.search.domains.push_back(*dns::Name::from_text(domain));
  }
  Tables tables() {
    static const Names names;
    turns.addresses.resize(names.addresses.owners());
    turns.hosts.resize(names.hosts.owners());
    return {settings, names.addresses, names.hosts, names.blocked, zones,
            cache,    failures,        turns,       scratch,       scratch_error};
  }

  policy::Settings settings;
  policy::Zones zones{kSeed};
  policy::Turns turns;
  policy::Cache cache{8, kSeed, 1, std::chrono::seconds(3600)};
  policy::Cache failures{4, kSeed};
  Bytes scratch = Bytes(64 * 1024);
  dns::ExtendedError scratch_error;
};

enum class Content { Whole, Garbled };

void check_reply(BytesView packet, const dns::Query& query, Content content) {
  assert(packet.size() >= dns::kHeaderSize);
  assert(packet[0] == query.id >> 8 && packet[1] == (query.id & 0xff) && (packet[2] & 0x80) != 0);
  if (!query.has_question) return;

  const Bytes spelling = fuzz::spelled_name(query);
  assert(std::ranges::equal(packet.subspan(dns::kHeaderSize, spelling.size()), spelling));
  if (content == Content::Garbled) return;
  const auto message = Message::parse(packet);
  assert(message && message->size() == packet.size() && message->question() == query.question);
  assert(message->edns().has_value() == query.edns.has_value());
}

// A client with a reply slot of exactly the bytes that its transport carries.
struct Asker {
  explicit Asker(const policy::Client& client) : lookup(client) {}

  Lookup lookup;
  Content content = Content::Whole;
  policy::UpstreamQuestion asked;  // after a step that was not answered

  // Takes a step into the slot and checks the answer. False: upstream has to be asked.
  template <typename Step>
  bool answered(Step step) {
    const bool is_udp = lookup.client().protocol == Protocol::Udp;
    Bytes out(is_udp ? dns::kMaxUdpPayload : dns::kMaxMessage);
    const policy::Step next = step(dns::MutableBytesView(out));
    const auto* const reply = std::get_if<policy::Reply>(&next);
    if (const auto* const ask = std::get_if<policy::Ask>(&next)) asked = ask->question;
    if (!reply) return std::holds_alternative<policy::Drop>(next);
    assert(reply->source != policy::Source::Error || reply->rcode != dns::Rcode::NoError);
    assert(reply->size <= (is_udp ? lookup.query().udp_limit() : out.size()));
    check_reply(BytesView(out).first(reply->size), lookup.query(), content);
    return true;
  }
};

// What comes from upstream: its own packet, or one that repeats the question as it should.
Bytes upstream_packet(fuzz::Input& input, std::uint8_t steer, const dns::Query& query) {
  Bytes packet = input.rest();
  if (steer & 2 || packet.size() < dns::kHeaderSize) return packet;
  packet[2] = static_cast<std::uint8_t>((packet[2] | 0x80) & 0x87);
  packet[4] = 0;
  packet[5] = 1;
  const BytesView folded = query.question.name.view().wire();
  Bytes question = steer & 4 ? fuzz::spelled_name(query) : Bytes(folded.begin(), folded.end());
  for (const auto field :
       {static_cast<unsigned>(query.question.type), static_cast<unsigned>(query.question.qclass)}) {
    question.push_back(static_cast<std::uint8_t>(field >> 8));
    question.push_back(static_cast<std::uint8_t>(field));
  }
  packet.insert(packet.begin() + dns::kHeaderSize, question.begin(), question.end());
  packet.shrink_to_fit();
  return packet;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t steer = input.byte();
  const Bytes client_packet = input.block(input.word());
  World world(steer);
  const Tables tables = world.tables();
  const policy::Client client{IpAddress::v4(steer & 0x20 ? 11 : 10, 0, 0, 1),
                              steer & 1 ? Protocol::Tcp : Protocol::Udp};
  const auto ask = [&](Asker& asker, policy::Milliseconds now) {
    return asker.answered([&](dns::MutableBytesView out) {
      return asker.lookup.start({tables, now, out}, client_packet);
    });
  };

  Asker asker(client);
  if (ask(asker, kNow)) return 0;
  const Bytes packet = upstream_packet(input, steer, asker.lookup.query());
  const auto message = Message::parse(packet);  // none: a bare header that refuses
  const bool is_whole = !message || fuzz::is_steady(*message);
  asker.content = is_whole ? Content::Whole : Content::Garbled;

  bool is_answered = false;
  for (std::size_t left = kMostNames; !is_answered && left > 0; --left) {
    const policy::UpstreamQuestion question = asker.asked;
    auto upstream = policy::read_answer(packet, question);
    if (!upstream)
      upstream =
          policy::UpstreamAnswer{dns::Answer::failure(question.question, dns::Rcode::NxDomain)};
    (void)policy::store_answer(
        tables, policy::storing_of(question, policy::Existence::Unknown, kNow), upstream->answer);
    is_answered = asker.answered([&](dns::MutableBytesView out) {
      return asker.lookup.on_answer({tables, kNow, out}, {upstream->answer});
    });
  }
  assert(is_answered);

  for (const int after : {900, 5000}) {  // from the cache or not; aged, or ended
    Asker again(client);
    again.content = asker.content;
    if (ask(again, kNow + policy::Milliseconds(after))) continue;
    assert(again.answered([&](dns::MutableBytesView out) {
      return again.lookup.give_up({tables, kNow + policy::Milliseconds(after), out});
    }));
  }
  return 0;
}

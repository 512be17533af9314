// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Questions under way with random events at random times: every lookup is told exactly once, every
// query ends by its outcome, by being forgotten or with its server, and nothing is left at the end.

#include <cassert>
#include <map>
#include <set>
#include <string>

#include "input.h"
#include "policy/outstanding.h"

namespace {

using namespace dnslet;
using policy::Milliseconds, policy::Outstanding;

constexpr std::size_t kMaxOpen = 6;

policy::OutstandingSettings settings(std::uint8_t steer) {
  return {.max_open = kMaxOpen,
          .sibling_wait = Milliseconds((steer & 1) ? 50 : 0),
          .searching = (steer & 2) ? policy::Searching::Yes : policy::Searching::No,
          .seed = 1};
}

class World {
 public:
  explicit World(std::uint8_t steer) : steer_(steer), outstanding_(settings(steer)) {
    if (steer & 4) outstanding_.watch(Outstanding::Watched::Yes);
    for (policy::ServerSetNumber set = 0; set < 3; ++set) set_servers(set, steer_);
  }

  void set_servers(policy::ServerSetNumber set, std::uint8_t which) {
    std::vector<policy::ServerAddress> servers;
    for (std::uint8_t i = 0; i < 3; ++i)
      if (i == set || (which >> i & 1) != 0)
        servers.push_back({dnslet::ServerAddress::at({IpAddress::v4(10, 0, 0, i), 53, {}}),
                           (which & 16) ? policy::Way::Stream : policy::Way::Datagram});
    outstanding_.set_servers(set, servers);
    const policy::Servers& table = outstanding_.servers();
    for (const policy::ServerNumber server : table.servers_of(table.list_of(set)))
      there_.insert(server);
    take();
  }
  void ask(std::uint8_t which) {
    policy::Ask ask;
    ask.question.question.name = *dns::Name::from_text(std::string(1, "abcdefgh"[which & 7]));
    ask.question.question.type = (which & 8) ? dns::Type::AAAA : dns::Type::A;
    ask.question.flags.dnssec_ok = (which & 16) != 0;
    ask.servers = (which >> 5) % 3;
    ask.question.route.servers = static_cast<uint32_t>(ask.servers);
    if ((which & 16) != 0) ask.asking = {.retry = policy::Milliseconds(100), .race = 2};
    ask.asking.skips_shared = (which & 0x60) == 0x60;
    waiting_.insert(++lookup_);
    if (!outstanding_.ask(lookup_, ask, now_)) waiting_.erase(lookup_);
    take();
  }
  void report(fuzz::Input& input) {
    const std::uint8_t which = input.byte();
    if (queries_.empty()) return;
    auto query = std::next(queries_.begin(), which % static_cast<long>(queries_.size()));
    const std::uint64_t token = query->first;
    const dns::Bytes packet = packet_for(query->second.question, input);
    const auto outcome = static_cast<policy::QueryOutcome>(input.byte() & 3);
    queries_.erase(query);
    outstanding_.on_report({token, outcome, packet}, now_);
    take();
    outstanding_.on_report({token, outcome, packet}, now_);  // once more, for nobody
    take();
  }
  void pass(Milliseconds time) {
    now_ += time;
    outstanding_.on_time(now_);
    take();
  }
  // The shared cache answers something, says something else or nothing; comes or goes.
  void share(fuzz::Input& input) {
    const std::uint8_t what = input.byte();
    outstanding_.use_shared((what & 3) != 0);
    if (shared_.empty()) return;
    auto asked = std::next(shared_.begin(), what % static_cast<long>(shared_.size()));
    dns::Bytes value;
    if (what & 4) {
      const dns::Bytes message = packet_for(asked->second, input);
      policy::append_stored({message, {}, input.word(), 300}, kWall, value);
    } else if (what & 8) {
      value = input.block(what);
    }
    const std::uint64_t number = asked->first;
    shared_.erase(asked);
    (void)outstanding_.on_shared(number, value, kWall, now_);
    take();
  }
  void loop(std::uint8_t server) {
    outstanding_.on_loop(server % 4, now_);
    take();
  }
  void end() {
    steer_ &= static_cast<std::uint8_t>(~(8 | 16 | 32));  // nobody asks any more
    for (int i = 0; i < 8; ++i) pass(Milliseconds(2000));
    assert(waiting_.empty() && queries_.empty());
    assert(outstanding_.open() == 0 && outstanding_.queries() == 0);
    assert(!outstanding_.wake_at());
  }

 private:
  struct Query {
    policy::ServerNumber server;
    policy::Way way;
    policy::UpstreamQuestion question;
  };

  // The question with flags and counts as they come; records of the input's.
  static dns::Bytes packet_for(const policy::UpstreamQuestion& question, fuzz::Input& input) {
    const dns::QueryBytes query =
        dns::build_upstream_query(question.question, question.flags, dns::QueryEdns::WithoutEdns);
    dns::Bytes packet(query.view().begin(), query.view().end());
    const std::uint16_t flags = input.word();
    packet[2] = static_cast<std::uint8_t>(0x80 | (flags >> 8 & 0x07));
    packet[3] = static_cast<std::uint8_t>(flags & 0xff);
    if (flags & 0x2000) {  // an address, whatever was asked for
      packet[7] = 1;
      const dns::Bytes record = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1};
      packet.insert(packet.end(), record.begin(), record.end());
    }
    if (flags & 0x4000) packet.resize(600);
    if (flags & 0x8000) packet[9] = 7;  // records that are not there
    return packet;
  }

  void take() {
    while (const auto action = outstanding_.take())
      std::visit([this](const auto& said) { on(said); }, *action);
    assert(outstanding_.open() <= kMaxOpen);
    if (!std::exchange(has_to_read_, false)) return;
    if (steer_ & 8) ask(steer_ ^ static_cast<std::uint8_t>(now_.count()));
    outstanding_.decide(now_);
    take();
  }
  void on(const policy::Send& send) {
    const bool is_new =
        queries_.emplace(send.token, Query{send.server, send.way, *send.question}).second;
    assert(is_new);
    assert(there_.contains(send.server));  // until it is told that it is gone
  }
  void on(const policy::AskShared& ask) {
    const bool is_new = shared_.emplace(ask.number, *ask.question).second;
    assert(is_new);
  }
  void on(const policy::Forget& forget) {
    const auto query = queries_.find(forget.token);
    assert(query != queries_.end() && query->second.server == forget.server &&
           query->second.way == forget.way);
    queries_.erase(query);
  }
  void on(const policy::Finish& finish) {
    assert(finish.answer->message().size() >= dns::kHeaderSize);
    for (const std::uint64_t lookup : *finish.lookups) {
      const bool waited = waiting_.erase(lookup) == 1;
      assert(waited);
    }
    if ((steer_ & 32) && ++again_ % 3 == 0) ask(static_cast<std::uint8_t>(again_));
  }
  void on(const policy::Silence& silence) {
    outstanding_.sibling_shows(silence.number, static_cast<policy::Existence>(steer_ >> 6 & 1),
                               now_);
  }
  void on(const policy::Unreached& unreached) {
    for (const std::uint64_t lookup : *unreached.lookups) assert(waiting_.contains(lookup));
    if (steer_ & 16) ask(static_cast<std::uint8_t>(++again_));
  }
  void on(const policy::ReadWaiting&) { has_to_read_ = true; }
  void on(const policy::Probe& probe) {
    queries_.emplace(probe.token, Query{probe.server, probe.way, {}});
  }
  void on(const policy::DropServer& drop) {
    there_.erase(drop.server);
    std::erase_if(queries_, [&](const auto& entry) { return entry.second.server == drop.server; });
  }
  void on(const policy::Note&) {}
  void on(const policy::Exchange&) {}

  static constexpr policy::WallTime kWall{1'800'000'000'000};

  std::uint8_t steer_;
  Outstanding outstanding_;
  Milliseconds now_{1'000'000};
  std::map<std::uint64_t, Query> queries_;
  std::map<std::uint64_t, policy::UpstreamQuestion> shared_;  // that it was asked for
  std::set<std::uint64_t> waiting_;
  std::set<policy::ServerNumber> there_;
  std::uint64_t lookup_ = 0;
  unsigned again_ = 0;
  bool has_to_read_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  World world(input.byte());
  while (!input.empty()) {
    const std::uint8_t event = input.byte();
    switch (event & 7) {
      case 0:
      case 1:
        world.ask(input.byte());
        break;
      case 2:
      case 3:
      case 4:
        world.report(input);
        break;
      case 5:
        world.pass(Milliseconds(event >> 3) * 40);
        break;
      case 6:
        world.set_servers((event >> 3) % 3, input.byte());
        break;
      default:
        if (event & 0x20)
          world.share(input);
        else
          world.loop(event >> 3);
    }
  }
  world.end();
  return 0;
}

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/servers.h"

#include <initializer_list>
#include <string>

#include "catch.h"

namespace dnslet::policy {
namespace {

using Order = std::vector<ServerNumber>;

Milliseconds at(int ms) { return Milliseconds(ms); }

ServerAddress address(int last) {
  const Endpoint endpoint = {IpAddress::v4(10, 0, 0, static_cast<uint8_t>(last)), 53, {}};
  return {dnslet::ServerAddress::at(endpoint), Way::Datagram};
}
std::vector<ServerAddress> addresses(std::initializer_list<int> lasts) {
  std::vector<ServerAddress> list;
  for (const int last : lasts) list.push_back(address(last));
  return list;
}

// One set, whose servers have the numbers from 0.
class ServerSet {
 public:
  explicit ServerSet(int count) {
    std::vector<ServerAddress> list;
    for (int i = 0; i < count; ++i) list.push_back(address(i));
    servers.assign(0, list);
  }
  Servers::Plan make_plan(Milliseconds now) { return servers.make_plan(servers.list_of(0), now); }
  bool on_failure(ServerNumber server, Milliseconds now) {
    return servers.health(server).on_failure(now);
  }
  bool on_answer(ServerNumber server, Milliseconds now = at(0)) {
    return servers.health(server).on_answer(now);
  }
  void leave_alone(ServerNumber server, int from, int until) {
    servers.health(server).leave_alone(at(from), at(until));
  }

  Servers servers;
};

// Codes.

TEST_CASE("the codes that another server may do better are refusals") {
  using dns::Rcode;
  for (const Rcode rcode : {Rcode::ServFail, Rcode::Refused, Rcode::NotImp, Rcode::FormErr})
    CHECK(is_refusal(rcode));
  CHECK_FALSE(is_refusal(Rcode::NoError));
  CHECK_FALSE(is_refusal(Rcode::NxDomain));
  CHECK_FALSE(is_refusal(static_cast<Rcode>(6)));
  CHECK(is_refusal(Rcode::BadVers));
  CHECK(is_refusal(static_cast<Rcode>(23)));
}

// The set.

TEST_CASE("healthy servers are asked in their order") {
  ServerSet set(3);
  CHECK(set.make_plan(at(0)).order == Order{0, 1, 2});
  CHECK(set.make_plan(at(0)).at_once == 1);
}

TEST_CASE("a server that failed is put behind the others, in order") {
  ServerSet set(3);
  CHECK(set.on_failure(0, at(0)));
  CHECK(set.make_plan(at(1)).order == Order{1, 2, 0});
  CHECK(set.on_failure(1, at(2)));
  CHECK(set.make_plan(at(3)).order == Order{2, 0, 1});
}

TEST_CASE("servers that all failed are asked in their order") {
  ServerSet set(2);
  CHECK(set.on_failure(1, at(0)));
  CHECK(set.on_failure(0, at(5)));
  for (const int ms : {6, 5000, 100'000}) {
    CHECK(set.make_plan(at(ms)).order == Order{0, 1});
    CHECK(set.make_plan(at(ms)).at_once == 1);
  }
}

TEST_CASE("an answer puts a server back in its place") {
  ServerSet set(2);
  CHECK(set.on_failure(0, at(0)));
  CHECK(set.on_answer(0));
  CHECK_FALSE(set.on_answer(0));
  CHECK(set.make_plan(at(1)).order == Order{0, 1});
  CHECK(set.on_failure(0, at(2)));
}

TEST_CASE("after its pause a server is tried with a live question beside a healthy one") {
  ServerSet set(3);
  CHECK(set.on_failure(0, at(0)));
  CHECK(set.make_plan(at(999)).at_once == 1);
  const Servers::Plan trial = set.make_plan(at(1000));
  CHECK(trial.order == Order{1, 0, 2});
  CHECK(trial.at_once == 2);
}

TEST_CASE("one question tries a server, not every one") {
  ServerSet set(2);
  CHECK(set.on_failure(0, at(0)));
  CHECK(set.make_plan(at(1000)).at_once == 2);
  CHECK(set.make_plan(at(1001)).order == Order{1, 0});
  CHECK(set.make_plan(at(1001)).at_once == 1);
}

TEST_CASE("several servers are tried at once, in order") {
  ServerSet set(4);
  CHECK(set.on_failure(0, at(0)));
  CHECK(set.on_failure(2, at(0)));
  const Servers::Plan trial = set.make_plan(at(1000));
  CHECK(trial.order == Order{1, 0, 2, 3});
  CHECK(trial.at_once == 3);
}

TEST_CASE("the pause doubles with every failed trial, up to 30 s") {
  ServerSet set(2);
  int now = 0;
  CHECK(set.on_failure(0, at(now)));
  for (const int pause : {1000, 2000, 4000, 8000, 16'000, 30'000, 30'000}) {
    CAPTURE(pause);
    CHECK(set.make_plan(at(now + pause - 1)).at_once == 1);
    CHECK(set.make_plan(at(now + pause)).at_once == 2);
    now += pause;
    CHECK_FALSE(set.on_failure(0, at(now)));
  }
}

TEST_CASE("failures of questions that were under way do not lengthen the pause") {
  ServerSet set(2);
  CHECK(set.on_failure(0, at(0)));
  for (const int ms : {1, 2, 500, 999}) CHECK_FALSE(set.on_failure(0, at(ms)));
  CHECK(set.make_plan(at(1000)).at_once == 2);
}

TEST_CASE("an answer ends the doubling") {
  ServerSet set(2);
  CHECK(set.on_failure(0, at(0)));
  CHECK(set.make_plan(at(1000)).at_once == 2);
  CHECK_FALSE(set.on_failure(0, at(1000)));
  CHECK(set.on_answer(0));
  CHECK_FALSE(set.on_answer(0));
  CHECK(set.on_failure(0, at(2000)));
  CHECK(set.make_plan(at(3000)).at_once == 2);
}

TEST_CASE("a server that leads back is left out for a minute") {
  ServerSet set(2);
  set.servers.loop(0).on_loop(at(0));
  CHECK(set.make_plan(at(59'999)).order == Order{1});
  CHECK_FALSE(set.servers.is_unreachable(0, at(0)));
  set.servers.loop(1).on_loop(at(0));
  CHECK(set.make_plan(at(59'999)).order.empty());
  CHECK(set.servers.is_unreachable(0, at(59'999)));
  CHECK(set.make_plan(at(60'000)).order == Order{0, 1});
}

TEST_CASE("a server that asks to be left alone is not asked for so long, whoever else answers") {
  ServerSet set(2);
  set.on_failure(0, at(0));
  set.leave_alone(0, 0, 10'000);
  CHECK(set.make_plan(at(9999)).order == Order{1});
  CHECK_FALSE(set.servers.is_unreachable(0, at(9999)));
  set.on_answer(0);  // to a question that was under way
  CHECK(set.make_plan(at(9999)).order == Order{1});
  CHECK(set.make_plan(at(10'000)).order == Order{0, 1});
}

TEST_CASE("whoever is left alone is tried with a live question after that") {
  ServerSet set(2);
  set.on_failure(0, at(0));
  set.leave_alone(0, 0, 10'000);
  const auto plan = set.make_plan(at(10'000));
  CHECK(plan.order == Order{1, 0});
  CHECK(plan.at_once == 2);
}

TEST_CASE("where all ask to be left alone the first one is asked again after five seconds") {
  ServerSet set(3);
  set.leave_alone(1, 0, 60'000);
  set.leave_alone(0, 1000, 61'000);
  CHECK(set.make_plan(at(5000)).order == Order{2});
  set.leave_alone(2, 1000, 61'000);
  CHECK(set.make_plan(at(4999)).order.empty());
  CHECK(set.servers.is_unreachable(0, at(4999)));
  CHECK(set.make_plan(at(5000)).order == Order{1});
  set.leave_alone(1, 5000, 65'000);
  CHECK(set.make_plan(at(5999)).order.empty());
  CHECK(set.make_plan(at(6000)).order == Order{0});
  set.on_answer(0, at(6001));
  CHECK(set.make_plan(at(6002)).order == Order{0});
}

TEST_CASE("a set is unreachable when all its servers have failed") {
  ServerSet set(2);
  CHECK(set.on_failure(0, at(0)));
  CHECK_FALSE(set.servers.is_unreachable(0, at(1)));
  CHECK(set.on_failure(1, at(1)));
  CHECK(set.servers.is_unreachable(0, at(1)));
  CHECK(set.on_answer(1));
  CHECK_FALSE(set.servers.is_unreachable(0, at(1)));
}

// The table.

TEST_CASE("a server is known once, whatever sets name it") {
  Servers servers;
  servers.assign(0, addresses({1, 2}));
  servers.assign(1, addresses({2, 3, 2}));
  CHECK(servers.servers_of(servers.list_of(0)) == Order{0, 1});
  CHECK(servers.servers_of(servers.list_of(1)) == Order{1, 2});
  CHECK(servers.numbers() == 3);
  CHECK(servers.health(1).on_failure(at(0)));
  CHECK(servers.make_plan(servers.list_of(0), at(1)).order == Order{0, 1});
  CHECK(servers.make_plan(servers.list_of(1), at(1)).order == Order{2, 1});
}

TEST_CASE("the same address reached another way is another server") {
  Servers servers;
  servers.assign(0, addresses({1}));
  servers.assign(1, {{address(1).server, Way::Stream}});
  CHECK(servers.numbers() == 2);
}

TEST_CASE("sets of the same servers share one list") {
  Servers servers;
  servers.assign(0, addresses({1}));
  for (ServerSetNumber set = 1; set <= 10'000; ++set) servers.assign(set, addresses({2, 3}));
  CHECK(servers.list_of(1) == servers.list_of(10'000));
  CHECK(servers.list_of(0) != servers.list_of(1));
  CHECK(servers.numbers() == 3);
}

TEST_CASE("a set that changes keeps what is known of the servers that stay") {
  Servers servers;
  servers.assign(0, addresses({1, 2}));
  CHECK(servers.health(0).on_failure(at(0)));
  servers.assign(0, addresses({1, 3}));
  CHECK(servers.servers_of(servers.list_of(0)) == Order{0, 2});
  CHECK(servers.health(0).has_failed());
  CHECK(servers.take_dropped() == 1);
  CHECK_FALSE(servers.take_dropped());
  CHECK_FALSE(servers.is_there(1));
  CHECK(servers.is_there(0));
  CHECK_FALSE(servers.is_there(77));
}

TEST_CASE("a number is used again when its end has been told, and nothing is known of it") {
  Servers servers;
  servers.assign(0, addresses({1}));
  CHECK(servers.health(0).on_failure(at(0)));
  servers.assign(0, addresses({2}));
  servers.assign(0, addresses({3}));
  CHECK(servers.servers_of(servers.list_of(0)) == Order{2});
  while (servers.take_dropped()) continue;
  servers.assign(0, addresses({1}));
  CHECK(servers.servers_of(servers.list_of(0)).front() < 2);
  CHECK_FALSE(servers.health(servers.servers_of(servers.list_of(0)).front()).has_failed());
  CHECK(servers.numbers() == 3);
}

TEST_CASE("a server whose set has changed stays while a question is open there") {
  Servers servers;
  servers.assign(0, addresses({1}));
  const Servers::ListNumber before = servers.list_of(0);
  servers.hold(before);
  servers.assign(0, addresses({2}));
  CHECK_FALSE(servers.take_dropped());
  CHECK(servers.servers_of(before) == Order{0});
  servers.release(before);
  CHECK(servers.take_dropped() == 0);
}

// EDNS.

TEST_CASE("a server that is silent to OPT and answers without gets none for 10 minutes") {
  EdnsKnowledge edns;
  CHECK_FALSE(edns.asks_without(at(0)));
  edns.on_silence_to_opt();
  CHECK(edns.asks_without(at(800)));
  edns.on_answer_without(at(1000));
  CHECK(edns.asks_without(at(600'999)));
  CHECK_FALSE(edns.asks_without(at(601'000)));
}

TEST_CASE("a server that knows EDNS has to be silent to OPT three times in a row") {
  EdnsKnowledge edns;
  edns.on_answer_to_opt();
  for (int i = 0; i < 2; ++i) {
    edns.on_silence_to_opt();
    CHECK(edns.asks_without(at(0)));
    edns.on_answer_without(at(0));
    CHECK_FALSE(edns.asks_without(at(1)));
  }
  edns.on_answer_without(at(1));  // one that nobody doubted
  edns.on_silence_to_opt();
  edns.on_answer_without(at(2));
  CHECK(edns.asks_without(at(3)));
}

TEST_CASE("an answer to OPT ends all doubt") {
  EdnsKnowledge edns;
  edns.on_silence_to_opt();
  edns.on_answer_to_opt();
  CHECK_FALSE(edns.asks_without(at(0)));
}

// Loops.

TEST_CASE("three silences in a row to questions that came back are reason to find out") {
  using CameBack = LoopSuspicion::CameBack;
  LoopSuspicion loop;
  CHECK_FALSE(loop.on_silence(CameBack::Yes));
  CHECK_FALSE(loop.on_silence(CameBack::Yes));
  CHECK_FALSE(loop.on_silence(CameBack::No));
  CHECK_FALSE(loop.on_silence(CameBack::Yes));
  loop.on_answer();
  CHECK_FALSE(loop.on_silence(CameBack::Yes));
  CHECK_FALSE(loop.on_silence(CameBack::Yes));
  CHECK(loop.on_silence(CameBack::Yes));
  CHECK_FALSE(loop.on_silence(CameBack::Yes));
}

}  // namespace
}  // namespace dnslet::policy

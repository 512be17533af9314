// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/message_stream.h"

#include <unistd.h>

#include <map>

#include "upstream/stream_server.h"

namespace dnslet::upstream {
namespace {

// The number in "a17.test".
uint64_t number_in(const Bytes& message) {
  return std::stoull(std::string(message.begin() + 14, message.begin() + 13 + message[12]));
}

TEST_CASE("over a stream: where connecting is refused the server is unreachable at once") {
  Fixture fixture({}, false);
  const test::Refuser refuser(SOCK_STREAM);
  fixture.stream.use_addresses({refuser.address()});
  fixture.ask(1);
  fixture.ask(2);
  fixture.stream.flush();
  CHECK(fixture.reports.all.empty());
  REQUIRE(fixture.has_reports(2));
  CHECK(fixture.reports.count(Outcome::Unreachable) == 2);
  CHECK(fixture.stream.connections() == 0);
}

TEST_CASE(
    "over a stream: the only server is waited for with what was lost, and with nothing else") {
  Fixture fixture({.is_only_server = true});
  fixture.ask(1);
  Peer first = fixture.accept();
  (void)fixture.receive(first, 1);
  const Endpoint at = io::bound_endpoint(fixture.server.socket);
  fixture.server.socket = io::Descriptor();
  first.close();
  const auto lost = fixture.loop.now();
  REQUIRE(run_until(fixture.loop, [&] { return fixture.dialled == 2; }));
  REQUIRE(run_until(fixture.loop, [&] { return fixture.stream.connections() == 0; }));
  fixture.ask(2);
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports.count(2, Outcome::Unreachable) == 1);
  const Server again(at);
  Peer second = fixture.accept_on(again);
  CHECK(fixture.loop.now() - lost >= Milliseconds(240));
  second.answer(fixture.receive(second, 1)[0]);
  REQUIRE(fixture.has_reports(2));
  CHECK(fixture.reports.count(1, Outcome::Answer) == 1);
}

TEST_CASE(
    "over a stream: the next addresses are tried where the first do not take the connection") {
  Fixture fixture({}, false);
  const test::Refuser first(SOCK_STREAM);
  const test::Refuser second(SOCK_STREAM);
  fixture.stream.use_addresses({first.address(), second.address(), fixture.server.address()});
  fixture.ask(1);
  Peer peer = fixture.accept();
  peer.answer(fixture.receive(peer, 1)[0]);
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports.all[0].outcome == Outcome::Answer);
}

TEST_CASE("over a stream: questions wait, unsent, until an address is known") {
  Fixture fixture({}, false);
  for (uint64_t token = 1; token <= 1000; ++token) {
    fixture.ask(token);
    if (token != 500) fixture.stream.forget(token);
  }
  run_turns(fixture.loop);
  CHECK(fixture.dialled == 0);
  fixture.stream.use_addresses({fixture.server.address()});
  Peer peer = fixture.accept();
  CHECK(number_in(fixture.receive(peer, 1)[0]) == 500);
}

TEST_CASE(
    "over a stream: a connection whose oldest question is unanswered gets no more, and its answers "
    "count") {
  Fixture fixture({.silence = Milliseconds(30)});
  fixture.ask(1);
  Peer first = fixture.accept();
  const auto unanswered = fixture.receive(first, 1);
  bool is_time = false;
  io::Timer retry(fixture.loop, [&] { is_time = true; });
  retry.start_once(Milliseconds(40));
  REQUIRE(run_until(fixture.loop, [&] { return is_time; }));
  fixture.stream.send(101, query_for("a1.test"));
  fixture.ask(2);
  Peer second = fixture.accept();
  CHECK(fixture.receive(second, 2).size() == 2);
  CHECK(first.messages().empty());
  CHECK_FALSE(first.is_over);
  first.answer(unanswered[0]);
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports.count(1, Outcome::Answer) == 1);
  CHECK(fixture.has_ended(first));  // nobody waits for it any more
  CHECK(fixture.stream.connections() == 1);
  CHECK(fixture.stream.open() == 2);
}

TEST_CASE(
    "over a stream: the ID of a forgotten question is not used again while its answer may come") {
  Fixture fixture({.silence = Milliseconds(10'000)});
  std::map<uint16_t, int> used;
  constexpr uint64_t kCount = 3000;
  for (uint64_t token = 1; token <= kCount; ++token) {
    fixture.ask(token);
    fixture.stream.flush();
    fixture.stream.forget(token);
  }
  CHECK(fixture.stream.open() == 0);
  Peer peer = fixture.accept();
  const auto questions = fixture.receive(peer, kCount);
  for (const Bytes& question : questions) ++used[test::u16_at(question, 0)];
  CHECK(used.size() == kCount);
  for (const Bytes& question : questions) peer.answer(question);
  run_turns(fixture.loop, 100);
  CHECK(fixture.reports.all.empty());
}

TEST_CASE("over a stream: an idle connection is closed when its time is over") {
  Fixture fixture({.idle = Milliseconds(30)});
  Peer peer = fixture.accept_and_answer(1);
  const auto since = fixture.loop.now();
  CHECK(fixture.has_ended(peer));
  CHECK(fixture.loop.now() - since >= Milliseconds(25));
  CHECK(fixture.stream.connections() == 0);
}

TEST_CASE("over a stream: a connection with a question outstanding is not idle") {
  Fixture fixture({.silence = Milliseconds(10'000), .idle = Milliseconds(10)});
  fixture.ask(1);
  Peer peer = fixture.accept();
  const auto question = fixture.receive(peer, 1)[0];
  bool is_time = false;
  io::Timer later(fixture.loop, [&] { is_time = true; });
  later.start_once(Milliseconds(40));
  REQUIRE(run_until(fixture.loop, [&] { return is_time; }));
  CHECK_FALSE(peer.ended());
  peer.answer(question);
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.has_ended(peer));
}

TEST_CASE("over a stream: the server says how long it keeps an idle connection") {
  Fixture fixture({.idle = Milliseconds(100), .longest_idle = Milliseconds(200)});
  const Bytes option = GENERATE(Bytes{0, 11, 0, 2, 0, 0}, Bytes{0, 11, 0, 2, 0xff, 0xff});
  fixture.ask(1);
  fixture.ask(2);
  Peer peer = fixture.accept();
  const auto questions = fixture.receive(peer, 2);
  Bytes answer = answer_to(questions[0]);
  const test::Packet tail = test::Packet(".", test::Type::A).additional(test::opt(1232, 0, option));
  answer.insert(answer.end(), tail.bytes().begin() + 17, tail.bytes().end());
  answer[11] = 1;  // ARCOUNT
  peer.send(answer);
  REQUIRE(fixture.has_reports(1));
  run_turns(fixture.loop);
  CHECK_FALSE(peer.ended());  // one is outstanding
  const auto since = fixture.loop.now();
  peer.answer(questions[1]);
  CHECK(fixture.has_ended(peer));
  const auto kept = fixture.loop.now() - since;
  if (option.back() == 0)
    CHECK(kept < Milliseconds(90));
  else
    CHECK(kept >= Milliseconds(190));  // no longer than we want to
}

TEST_CASE("over a stream: a server that closes idle connections is left before it does so again") {
  Fixture fixture({.shortest_learnt = Milliseconds(50), .margin = Milliseconds(30)});
  Peer first = fixture.accept_and_answer(1);
  io::Timer later(fixture.loop, [&] { first.close(); });
  later.start_once(Milliseconds(70));
  REQUIRE(run_until(fixture.loop, [&] { return fixture.stream.connections() == 0; }));
  Peer second = fixture.accept_and_answer(2);
  const auto since = fixture.loop.now();
  CHECK(fixture.has_ended(second));
  CHECK(fixture.loop.now() - since >= Milliseconds(35));  // and not idle's 30 s
}

TEST_CASE("over a stream: an end with questions outstanding, or a quick one, teaches nothing") {
  Fixture fixture({.shortest_learnt = Milliseconds(50), .margin = Milliseconds(49)});
  Peer quick = fixture.accept_and_answer(1);
  quick.close();
  REQUIRE(run_until(fixture.loop, [&] { return fixture.stream.connections() == 0; }));
  Peer asked = fixture.accept_and_answer(2);
  fixture.ask(3);
  (void)fixture.receive(asked, 1);
  io::Timer later(fixture.loop, [&] { asked.close(); });
  later.start_once(Milliseconds(70));
  Peer third = fixture.accept();
  third.answer(fixture.receive(third, 1)[0]);
  REQUIRE(fixture.has_reports(3));
  bool is_time = false;
  io::Timer check(fixture.loop, [&] { is_time = true; });
  check.start_once(Milliseconds(60));
  REQUIRE(run_until(fixture.loop, [&] { return is_time; }));
  CHECK_FALSE(third.ended());
}

TEST_CASE("over a stream: whoever is told may ask again and forget others") {
  Fixture fixture;
  MessageStream* asker = nullptr;
  std::vector<uint64_t> told;
  MessageStream stream(fixture.loop, fixture.outbox, {}, fixture.dial(), [&](const Report& report) {
    told.push_back(report.token);
    if (report.token != 1) return;
    asker->forget(2);
    asker->send(1, query_for("a1.test"));
    asker->flush();
    asker->forget(1);
    asker->send(3, query_for("a3.test"));
  });
  asker = &stream;
  stream.use_addresses({fixture.server.address()});
  for (uint64_t token = 1; token <= 2; ++token)
    stream.send(token, query_for("a" + std::to_string(token) + ".test"));
  Peer peer = fixture.accept();
  for (const Bytes& question : fixture.receive(peer, 2)) peer.answer(question);
  for (const Bytes& question : fixture.receive(peer, 2)) peer.answer(question);
  REQUIRE(run_until(fixture.loop, [&] { return told == std::vector<uint64_t>{1, 3}; }));
  run_turns(fixture.loop);
  CHECK(told == std::vector<uint64_t>{1, 3});
}

TEST_CASE("over a stream: whoever is told of a loss may ask again at once") {
  Fixture fixture;
  MessageStream* asker = nullptr;
  int losses = 0;
  int answers = 0;
  MessageStream stream(fixture.loop, fixture.outbox, {}, fixture.dial(), [&](const Report& report) {
    if (report.outcome == Outcome::Answer) ++answers;
    if (report.outcome != Outcome::Unreachable) return;
    ++losses;
    asker->forget(report.token == 1 ? 2 : 1);
    asker->send(7, query_for("a7.test"));
    asker->flush();
  });
  asker = &stream;
  stream.use_addresses({fixture.server.address()});
  for (uint64_t token = 1; token <= 2; ++token) stream.send(token, query_for("a1.test"));
  for (int round = 0; round < 2; ++round) {
    Peer peer = fixture.accept();
    (void)fixture.receive(peer, 2);
    peer.close();
  }
  Peer peer = fixture.accept();
  peer.answer(fixture.receive(peer, 1)[0]);
  REQUIRE(run_until(fixture.loop, [&] { return answers == 1; }));
  CHECK(losses == 1);
  CHECK(stream.open() == 0);
}

TEST_CASE("over a stream: without a descriptor it is this host's fault") {
  Fixture fixture;
  std::vector<io::Descriptor> all;
  while (all.empty() || all.back()) all.emplace_back(dup(fixture.server.socket.get()));
  fixture.ask(1);
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports.count(1, Outcome::NoResources) == 1);
  all.clear();
  (void)fixture.accept_and_answer(2);
}

TEST_CASE(
    "over a stream: a handshake that stalls gets one more beside it, and is given up in the end") {
  Fixture fixture({.silence = Milliseconds(20), .connecting = Milliseconds(150)}, false);
  const Server full;  // its queue takes one connection, the others' handshakes stall
  REQUIRE(listen(full.socket.get(), 0) == 0);
  std::vector<io::Descriptor> fillers;
  for (int i = 0; i < 3; ++i) {
    fillers.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto to = full.address();
    (void)connect(fillers.back().get(), &to.any, to.size);
  }
  fixture.stream.use_addresses({full.address()});
  uint64_t token = 0;
  io::Timer ask(fixture.loop, [&] { fixture.ask(++token); });
  ask.start_every(Milliseconds(30));
  REQUIRE(run_until(fixture.loop, [&] { return token == 4; }));
  ask.stop();
  CHECK(fixture.dialled == 2);
  REQUIRE(fixture.has_reports(4));
  CHECK(fixture.reports.count(Outcome::Unreachable) == 4);
  CHECK(fixture.stream.connections() == 0);
}

}  // namespace
}  // namespace dnslet::upstream

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/message_stream.h"

#include <algorithm>
#include <set>

#include "upstream/stream_server.h"

namespace dnslet::upstream {
namespace {

TEST_CASE("over a stream: questions share a connection, and answers come in any order") {
  Fixture fixture;
  for (uint64_t token = 1; token <= 100; ++token) fixture.ask(token);
  Peer peer = fixture.accept();
  auto questions = fixture.receive(peer, 100);
  std::set<uint16_t> ids;
  for (const Bytes& question : questions) ids.insert(test::u16_at(question, 0));
  CHECK(ids.size() == 100);
  std::reverse(questions.begin(), questions.end());
  for (const Bytes& question : questions) peer.answer(question);
  REQUIRE(fixture.has_reports(100));
  for (uint64_t token = 1; token <= 100; ++token)
    CHECK(fixture.reports.count(token, Outcome::Answer) == 1);
  CHECK(fixture.reports.all[0].token == 100);
  CHECK(fixture.reports.all[0].taken.count() > 0);
  CHECK(fixture.stream.open() == 0);
  fixture.ask(101);
  CHECK(fixture.receive(peer, 1).size() == 1);
  CHECK(fixture.dialled == 1);
}

TEST_CASE("over a stream: the questions of a turn leave in one write") {
  Fixture fixture;
  Peer peer = fixture.accept_and_answer(1);
  const int before = fixture.writes;
  for (uint64_t token = 2; token <= 6; ++token) fixture.ask(token);
  CHECK(fixture.writes == before);
  run_turns(fixture.loop, 1);
  CHECK(fixture.receive(peer, 5).size() == 5);
  CHECK(fixture.writes == before + 1);
}

TEST_CASE("over a stream: a query asks how long the server keeps the connection") {
  Fixture fixture;
  fixture.stream.send(
      1, dns::QueryBytes(test::Packet("a.test", test::Type::A).additional(test::opt())));
  Peer peer = fixture.accept();
  const Bytes question = fixture.receive(peer, 1)[0];
  const Bytes option = {0, 4, 0, 11, 0, 0};
  CHECK(Bytes(question.end() - 6, question.end()) == option);
}

TEST_CASE("over a stream: answers arrive in whatever pieces") {
  Fixture fixture;
  fixture.ask(1);
  fixture.ask(2);
  Peer peer = fixture.accept();
  Bytes stream;
  for (const Bytes& question : fixture.receive(peer, 2)) {
    test::append_u16(stream, question.size());
    test::append(stream, answer_to(question));
  }
  for (const uint8_t byte : stream) {
    peer.send_raw({byte});
    run_turns(fixture.loop, 3);
  }
  REQUIRE(fixture.has_reports(2));
  CHECK(fixture.reports.count(Outcome::Answer) == 2);
}

TEST_CASE("over a stream: an answer that fits nothing outstanding moves no other") {
  Fixture fixture;
  fixture.ask(1);
  fixture.ask(2);
  Peer peer = fixture.accept();
  const auto questions = fixture.receive(peer, 2);
  Bytes crossed = answer_to(questions[1]);  // the other's ID, and so the wrong question
  std::copy_n(questions[0].begin(), 2, crossed.begin());
  Bytes unknown = answer_to(questions[0]);
  while (unknown[0] == questions[0][0] || unknown[0] == questions[1][0]) ++unknown[0];
  for (const Bytes& wrong : {crossed, unknown, questions[0]}) peer.send(wrong);
  run_turns(fixture.loop);
  CHECK(fixture.reports.all.empty());
  peer.answer(questions[0]);
  peer.answer(questions[0]);  // once is enough
  peer.answer(questions[1]);
  REQUIRE(fixture.has_reports(2));
  run_turns(fixture.loop);
  CHECK(fixture.reports.all.size() == 2);
  CHECK(fixture.dialled == 1);
}

TEST_CASE("over a stream: TC is told") {
  Fixture fixture;
  fixture.ask(1);
  Peer peer = fixture.accept();
  peer.send(answer_to(fixture.receive(peer, 1)[0], 0x0200));
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports.all[0].outcome == Outcome::Truncated);
}

TEST_CASE(
    "over a stream: a message that is shorter than a header ends the connection, not the "
    "question") {
  Fixture fixture;
  fixture.ask(1);
  Peer liar = fixture.accept();
  (void)fixture.receive(liar, 1);
  liar.send(Bytes(11));
  Peer peer = fixture.accept();
  CHECK(fixture.has_ended(liar));
  peer.answer(fixture.receive(peer, 1)[0]);
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports.all[0].outcome == Outcome::Answer);
}

TEST_CASE("over a stream: a message that was cut by the end of the connection counts for nothing") {
  Fixture fixture;
  fixture.ask(1);
  Peer first = fixture.accept();
  Bytes cut = answer_to(fixture.receive(first, 1)[0]);
  cut.insert(cut.begin(), {0, static_cast<uint8_t>(cut.size())});
  cut.pop_back();
  first.send_raw(cut);
  run_turns(fixture.loop);
  first.close();
  Peer second = fixture.accept();
  second.answer(fixture.receive(second, 1)[0]);
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports.all[0].outcome == Outcome::Answer);
}

TEST_CASE("over a stream: a question that was lost twice without an answer is unreachable") {
  Fixture fixture;
  fixture.ask(1);
  const bool is_reset = GENERATE(false, true);
  for (int round = 0; round < 2; ++round) {
    CHECK(fixture.reports.all.empty());
    Peer peer = fixture.accept();
    (void)fixture.receive(peer, 1);
    if (is_reset)
      peer.reset();
    else
      peer.close();
  }
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports.count(1, Outcome::Unreachable) == 1);
  run_turns(fixture.loop);
  CHECK(fixture.dialled == 2);
  CHECK(fixture.stream.open() == 0);
}

TEST_CASE("over a stream: a server that answers one question a connection is slow, not dead") {
  Fixture fixture;
  constexpr std::size_t kCount = 20;
  for (uint64_t token = 1; token <= kCount; ++token) fixture.ask(token);
  std::size_t asked = 0;
  while (fixture.reports.all.size() < kCount) {
    Peer peer = fixture.accept();
    std::vector<Bytes> questions;
    REQUIRE(run_until(fixture.loop, [&] {
      for (Bytes& message : peer.messages()) questions.push_back(std::move(message));
      return !questions.empty();
    }));
    asked += questions.size();
    peer.answer(questions[0]);
    peer.close();
    REQUIRE(fixture.has_ended(peer));
    run_turns(fixture.loop);
  }
  CHECK(fixture.reports.count(Outcome::Answer) == kCount);
  CHECK(asked <= 3 * kCount);  // not all of them on each connection
  CHECK(fixture.dialled == static_cast<int>(kCount));
}

TEST_CASE("over a stream: behind an end that followed no answer all questions go at once") {
  Fixture fixture;
  Peer first = fixture.accept_and_answer(1);
  for (uint64_t token = 2; token <= 9; ++token) fixture.ask(token);
  (void)fixture.receive(first, 8);
  io::Timer later(fixture.loop, [&] { first.close(); });
  later.start_once(2 * MessageStream::kRightBehind);
  Peer second = fixture.accept();
  for (const Bytes& question : fixture.receive(second, 8)) second.answer(question);
  REQUIRE(fixture.has_reports(9));
  CHECK(fixture.reports.count(Outcome::Answer) == 9);
}

TEST_CASE("over a stream: what was lost is never asked on another old connection") {
  Fixture fixture;
  const std::size_t count = 2 * MessageStream::kMany;
  for (uint64_t token = 1; token <= count; ++token) fixture.ask(token);
  Peer first = fixture.accept();
  Peer second = fixture.accept();
  CHECK(fixture.receive(first, MessageStream::kMany).size() == MessageStream::kMany);
  const auto on_second = fixture.receive(second, MessageStream::kMany);
  first.close();
  Peer third = fixture.accept();
  for (const Bytes& question : fixture.receive(third, MessageStream::kMany)) third.answer(question);
  CHECK(second.messages().empty());
  for (const Bytes& question : on_second) second.answer(question);
  REQUIRE(fixture.has_reports(count));
  CHECK(fixture.reports.count(Outcome::Answer) == count);
  CHECK(fixture.dialled == 3);
}

}  // namespace
}  // namespace dnslet::upstream

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/udp.h"

#include <unistd.h>

#include <set>

#include "upstream/network.h"

namespace dnslet::upstream {
namespace {

using test::answer_to, test::bind_to, test::Bytes, test::query_for, test::run_turns,
    test::run_until;

const Endpoint kLoopback = {IpAddress::loopback(Family::V4), 0, ""};

// A server that the test plays.
struct Server {
  struct Question {
    Bytes bytes;
    io::SocketAddress from;
    uint16_t id() const { return test::u16_at(bytes, 0); }
    uint16_t port() const { return from.endpoint().port; }
  };
  io::SocketAddress address() const { return io::SocketAddress(io::bound_endpoint(socket)); }
  bool has_question() const { return test::is_readable(socket.get(), 0); }
  Question next() const {
    Question question;
    REQUIRE(test::is_readable(socket.get(), test::kLongMs));
    question.bytes.resize(512);
    const ssize_t size = recvfrom(socket.get(), question.bytes.data(), 512, 0, &question.from.any,
                                  &question.from.size);
    REQUIRE(size > 0);
    question.bytes.resize(static_cast<std::size_t>(size));
    return question;
  }
  void send(const Question& to, const Bytes& bytes) const {
    REQUIRE(sendto(socket.get(), bytes.data(), bytes.size(), 0, &to.from.any, to.from.size) >= 0);
  }
  void answer(const Question& question) const { send(question, answer_to(question.bytes)); }

  io::Descriptor socket = bind_to(kLoopback);
};

struct Fixture {
  explicit Fixture(std::vector<io::SocketAddress> addresses)
      : udp(loop, outbox, std::move(addresses), reports.keep()) {}
  Fixture() : Fixture(std::vector<io::SocketAddress>()) { udp.use_addresses({server.address()}); }
  bool has_reports(std::size_t count) {
    return run_until(loop, [&] { return reports.all.size() >= count; });
  }

  Server server;
  io::Loop loop;
  Outbox outbox{loop};
  test::Reports reports;
  Udp udp;
};

TEST_CASE("questions of one turn leave together, each with an ID and a port of its own") {
  Fixture fixture;
  for (uint64_t token = 1; token <= 100; ++token)
    fixture.udp.send(token, query_for("a" + std::to_string(token) + ".test"));
  CHECK_FALSE(fixture.server.has_question());
  run_turns(fixture.loop, 1);
  std::set<uint16_t> ids;
  std::set<uint16_t> ports;
  for (uint64_t token = 1; token <= 100; ++token) {
    const auto question = fixture.server.next();
    const auto sent = query_for("a" + std::to_string(token) + ".test");
    CHECK(Bytes(question.bytes.begin() + 2, question.bytes.end()) ==
          Bytes(sent.view().begin() + 2, sent.view().end()));
    ids.insert(question.id());
    ports.insert(question.port());
    fixture.server.answer(question);
  }
  CHECK(ids.size() > 90);
  CHECK(ports.size() == 100);
  REQUIRE(fixture.has_reports(100));
  CHECK(fixture.udp.open() == 0);
  for (uint64_t token = 1; token <= 100; ++token)
    CHECK(fixture.reports.count(token, Outcome::Answer) == 1);
  CHECK(fixture.reports.all[0].taken.count() > 0);
}

TEST_CASE("an answer with TC is told with its packet") {
  Fixture fixture;
  fixture.udp.send(5, query_for("a.test"));
  run_turns(fixture.loop, 1);
  const auto question = fixture.server.next();
  fixture.server.send(question, answer_to(question.bytes, 0x0200));
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports.all[0].outcome == Outcome::Truncated);
  CHECK(fixture.reports.all[0].packet == answer_to(question.bytes, 0x0200));
}

TEST_CASE("a wrong answer is dropped and the question stays open") {
  Fixture fixture;
  fixture.udp.send(1, query_for("a.test"));
  run_turns(fixture.loop, 1);
  const auto question = fixture.server.next();
  Bytes other_id = answer_to(question.bytes);
  other_id[0] ^= 1;
  Bytes other_name = answer_to(question.bytes);
  other_name[13] = 'b';
  const Bytes query = question.bytes;
  for (const Bytes& wrong : {other_id, other_name, query, Bytes(), Bytes{1, 2, 3}})
    fixture.server.send(question, wrong);
  run_turns(fixture.loop);
  CHECK(fixture.reports.all.empty());
  CHECK(fixture.udp.open() == 1);
  fixture.server.answer(question);
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports.all[0].outcome == Outcome::Answer);
}

TEST_CASE("a flood of forgeries holds nobody up, and the answer behind it comes") {
  Fixture fixture;
  fixture.udp.send(1, query_for("a.test"));
  run_turns(fixture.loop, 1);
  const auto question = fixture.server.next();
  for (int i = 0; i < 3 * Udp::kMaxRefused; ++i) fixture.server.send(question, Bytes(12));
  fixture.server.answer(question);
  bool is_other_served = false;
  io::Timer other(fixture.loop, [&] { is_other_served = fixture.reports.all.empty(); });
  other.start_once(io::Milliseconds(0));
  REQUIRE(fixture.has_reports(1));
  CHECK(is_other_served);
  CHECK(fixture.reports.all[0].outcome == Outcome::Answer);
}

TEST_CASE("an answer comes from the server's own address only") {
  Fixture fixture;
  fixture.udp.send(1, query_for("a.test"));
  run_turns(fixture.loop, 1);
  const auto question = fixture.server.next();
  const Server stranger;
  stranger.answer(question);
  run_turns(fixture.loop);
  CHECK(fixture.reports.all.empty());
}

TEST_CASE("an ICMP error is the end of its question alone") {
  Fixture fixture;
  fixture.udp.send(1, query_for("a.test"));
  run_turns(fixture.loop, 1);
  const test::Refuser refuser;
  fixture.udp.use_addresses({refuser.address()});
  fixture.udp.send(2, query_for("b.test"));
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports.count(2, Outcome::Unreachable) == 1);
  fixture.server.answer(fixture.server.next());
  REQUIRE(fixture.has_reports(2));
  CHECK(fixture.reports.count(1, Outcome::Answer) == 1);
}

TEST_CASE("what can't be sent is told later, never from inside flush()") {
  Endpoint no_way = {IpAddress::v4(255, 255, 255, 255), 53, ""};  // connect(): not permitted
  Fixture fixture({io::SocketAddress(no_way)});
  fixture.udp.send(1, query_for("a.test"));
  fixture.udp.send(2, query_for("b.test"));
  fixture.udp.flush();
  CHECK(fixture.reports.all.empty());
  fixture.udp.forget(2);
  REQUIRE(fixture.has_reports(1));
  run_turns(fixture.loop);
  CHECK(fixture.reports.all.size() == 1);
  CHECK(fixture.reports.count(1, Outcome::Unreachable) == 1);
}

TEST_CASE("a question that is forgotten holds nothing, and its answer is nobody's") {
  Fixture fixture;
  fixture.udp.send(1, query_for("a.test"));
  fixture.udp.send(2, query_for("b.test"));
  fixture.udp.forget(2);  // before it has left
  run_turns(fixture.loop, 1);
  const auto question = fixture.server.next();
  CHECK_FALSE(fixture.server.has_question());
  CHECK_FALSE(bind_to({kLoopback.address, question.port(), ""}));
  fixture.udp.forget(1);
  fixture.udp.forget(1);
  fixture.udp.forget(99);
  CHECK(fixture.udp.open() == 0);
  CHECK(bind_to({kLoopback.address, question.port(), ""}));
  fixture.server.answer(question);
  run_turns(fixture.loop);
  CHECK(fixture.reports.all.empty());
}

TEST_CASE("whoever is told may ask again and forget others") {
  Server server;
  io::Loop loop;
  Outbox outbox(loop);
  std::vector<uint64_t> told;
  Udp* asker = nullptr;
  Udp udp(loop, outbox, {server.address()}, [&](const Report& report) {
    told.push_back(report.token);
    if (report.token == 1) {
      asker->forget(2);
      asker->send(1, query_for("a.test"));  // the same token: the first is over
      asker->flush();
      asker->forget(1);
      asker->send(3, query_for("c.test"));
    }
  });
  asker = &udp;
  for (uint64_t token = 1; token <= 2; ++token) udp.send(token, query_for("a.test"));
  run_turns(loop, 1);
  for (int i = 0; i < 2; ++i) server.answer(server.next());
  REQUIRE(run_until(loop, [&] { return server.has_question(); }));
  run_turns(loop);
  while (server.has_question()) server.answer(server.next());
  REQUIRE(run_until(loop, [&] { return !told.empty() && told.back() == 3; }));
  CHECK(udp.open() == 0);
}

TEST_CASE("questions wait, unsent, until an address is known") {
  Fixture fixture{std::vector<io::SocketAddress>()};
  fixture.udp.send(1, query_for("a.test"));
  fixture.udp.send(2, query_for("b.test"));
  run_turns(fixture.loop);
  fixture.udp.forget(2);
  CHECK(fixture.udp.open() == 1);
  fixture.udp.use_addresses({fixture.server.address()});
  run_turns(fixture.loop, 1);
  fixture.server.answer(fixture.server.next());
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports.count(1, Outcome::Answer) == 1);
}

TEST_CASE("the next address is asked after an error, or when told so") {
  const Server first;
  const Server second;
  const test::Refuser refuser;
  Fixture fixture({refuser.address(), first.address(), second.address()});
  for (const uint64_t token : {1U, 2U}) {  // the question that was refused goes there, too
    fixture.udp.send(token, query_for("a.test"));
    REQUIRE(run_until(fixture.loop, [&] { return first.has_question(); }));
    first.answer(first.next());
    REQUIRE(fixture.has_reports(token));
    CHECK(fixture.reports.count(token, Outcome::Answer) == 1);
  }
  fixture.udp.use_next_address();
  fixture.udp.send(3, query_for("a.test"));
  run_turns(fixture.loop, 1);
  second.answer(second.next());
  REQUIRE(fixture.has_reports(3));

  fixture.udp.use_addresses({first.address(), second.address()});  // stays with the second
  fixture.udp.send(4, query_for("a.test"));
  run_turns(fixture.loop, 1);
  CHECK(second.has_question());
  CHECK_FALSE(first.has_question());
}

TEST_CASE("a server is unreachable when all of its addresses are") {
  const test::Refuser first;
  const test::Refuser second;
  Fixture fixture({first.address(), second.address()});
  fixture.udp.send(1, query_for("a.test"));
  fixture.udp.send(2, query_for("b.test"));
  REQUIRE(fixture.has_reports(2));
  CHECK(fixture.reports.count(1, Outcome::Unreachable) == 1);
  CHECK(fixture.reports.count(2, Outcome::Unreachable) == 1);
  CHECK(fixture.udp.open() == 0);
}

TEST_CASE("errors of many questions to one address move on by one address") {
  const Server second;
  const Server third;
  const test::Refuser refuser;
  Fixture fixture({refuser.address(), second.address(), third.address()});
  for (uint64_t token = 1; token <= 5; ++token) fixture.udp.send(token, query_for("a.test"));
  REQUIRE(run_until(fixture.loop, [&] {
    while (second.has_question()) second.answer(second.next());
    return fixture.reports.all.size() >= 5;
  }));
  CHECK_FALSE(third.has_question());
}

TEST_CASE("without a descriptor it is this host's fault") {
  Fixture fixture;
  std::vector<io::Descriptor> all;
  while (all.empty() || all.back()) all.emplace_back(dup(fixture.server.socket.get()));
  fixture.udp.send(1, query_for("a.test"));
  REQUIRE(fixture.has_reports(1));
  CHECK(fixture.reports.count(1, Outcome::NoResources) == 1);
  all.clear();
  fixture.udp.send(2, query_for("a.test"));
  run_turns(fixture.loop, 1);
  fixture.server.answer(fixture.server.next());
  REQUIRE(fixture.has_reports(2));
  CHECK(fixture.reports.count(2, Outcome::Answer) == 1);
}

TEST_CASE("a server that refuses everything leaves nothing behind") {
  const test::Refuser refuser;
  Fixture fixture({refuser.address()});
  for (int round = 0; round < 50; ++round) {
    const std::size_t before = fixture.reports.all.size();
    for (uint64_t token = 1; token <= 100; ++token) fixture.udp.send(token, query_for("a.test"));
    REQUIRE(fixture.has_reports(before + 100));
    CHECK(fixture.udp.open() == 0);
    CHECK(test::open_descriptors() < 100);
  }
}

}  // namespace
}  // namespace dnslet::upstream

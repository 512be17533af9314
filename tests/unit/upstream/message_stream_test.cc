// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/message_stream.h"

#include <map>
#include <optional>
#include <set>

#include "io/tcp_stream.h"
#include "upstream/network.h"

namespace dnslet::upstream {
namespace {

using io::Milliseconds;
using test::answer_to, test::Bytes, test::query_for, test::run_turns, test::run_until;

const Endpoint kLoopback = {IpAddress::loopback(Family::V4), 0, ""};
const Bytes kKeepaliveZero = {0, 11, 0, 2, 0, 0};

// The server's end of a connection.
struct Peer {
  // All that has arrived so far, as messages.
  std::vector<Bytes> messages() {
    std::array<uint8_t, 65536> chunk;
    ssize_t size = 0;
    while ((size = recv(socket.get(), chunk.data(), chunk.size(), MSG_DONTWAIT)) > 0)
      incoming.insert(incoming.end(), chunk.begin(), chunk.begin() + size);
    is_over = size == 0 || (size < 0 && errno != EAGAIN);
    std::vector<Bytes> whole;
    while (incoming.size() >= 2 && incoming.size() >= 2U + test::u16_at(incoming, 0)) {
      const long end = 2 + test::u16_at(incoming, 0);
      whole.emplace_back(incoming.begin() + 2, incoming.begin() + end);
      incoming.erase(incoming.begin(), incoming.begin() + end);
    }
    return whole;
  }
  void send_raw(const Bytes& bytes) const {
    REQUIRE(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  void send(const Bytes& message) const {
    Bytes frame;
    test::append_u16(frame, message.size());
    test::append(frame, message);
    send_raw(frame);
  }
  void answer(const Bytes& question) const { send(answer_to(question)); }
  void close() { socket = io::Descriptor(); }
  void reset() {
    const linger now = {1, 0};
    REQUIRE(setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
    close();
  }
  bool ended() {
    (void)messages();
    return is_over;
  }

  io::Descriptor socket{};
  Bytes incoming{};
  bool is_over = false;
};

struct Server {
  explicit Server(const Endpoint& at = kLoopback)
      : socket(std::move(*io::bind_socket(at, io::SocketKind::Tcp))) {
    REQUIRE(listen(socket.get(), 64) == 0);
  }
  io::SocketAddress address() const { return io::SocketAddress(io::bound_endpoint(socket)); }
  bool has_connection() const { return test::is_readable(socket.get(), 0); }

  io::Descriptor socket;
};

// Counts what is written.
class CountingStream : public io::Stream {
 public:
  CountingStream(std::unique_ptr<io::Stream> stream, int& writes)
      : stream_(std::move(stream)), writes_(writes) {}
  void write(dns::BytesView bytes) override {
    ++writes_;
    stream_->write(bytes);
  }
  std::size_t unsent() const override { return stream_->unsent(); }

 private:
  std::unique_ptr<io::Stream> stream_;
  int& writes_;
};

struct Fixture {
  explicit Fixture(const StreamSettings& settings = {}, bool has_address = true)
      : stream(
            loop, outbox, settings,
            [this](const std::vector<io::SocketAddress>& addresses, io::Stream::User& user) {
              ++dialled;
              return std::make_unique<CountingStream>(
                  std::make_unique<io::TcpStream>(loop, addresses, user), writes);
            },
            reports.keep()) {
    if (has_address) stream.use_addresses({server.address()});
  }
  void ask(uint64_t token) { stream.send(token, query_for("a" + std::to_string(token) + ".test")); }
  // Runs until a connection has come.
  Peer accept() { return accept_on(server); }
  Peer accept_on(const Server& where) {
    REQUIRE(run_until(loop, [&] { return where.has_connection(); }));
    return {io::Descriptor(accept4(where.socket.get(), nullptr, nullptr, SOCK_CLOEXEC))};
  }
  // Runs until so many messages have come.
  std::vector<Bytes> receive(Peer& peer, std::size_t count) {
    std::vector<Bytes> all;
    REQUIRE(run_until(loop, [&] {
      for (Bytes& message : peer.messages()) all.push_back(std::move(message));
      return all.size() >= count;
    }));
    CHECK(all.size() == count);
    return all;
  }
  bool has_reports(std::size_t count) {
    return run_until(loop, [&] { return reports.all.size() >= count; });
  }
  bool has_ended(Peer& peer) {
    return run_until(loop, [&] { return peer.ended(); });
  }
  // Asks, is answered: the connection is open.
  Peer accept_and_answer(uint64_t token) {
    ask(token);
    Peer peer = accept();
    peer.answer(receive(peer, 1)[0]);
    REQUIRE(run_until(loop, [&] { return reports.count(token, Outcome::Answer) == 1; }));
    return peer;
  }

  Server server;
  io::Loop loop;
  Outbox outbox{loop};
  test::Reports reports;
  int dialled = 0;
  int writes = 0;
  MessageStream stream;
};

// The number in "a17.test".
uint64_t number_in(const Bytes& message) {
  return std::stoull(std::string(message.begin() + 14, message.begin() + 13 + message[12]));
}

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
  MessageStream stream(
      fixture.loop, fixture.outbox, {},
      [&](const std::vector<io::SocketAddress>& addresses, io::Stream::User& user) {
        return std::make_unique<io::TcpStream>(fixture.loop, addresses, user);
      },
      [&](const Report& report) {
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
  MessageStream stream(
      fixture.loop, fixture.outbox, {},
      [&](const std::vector<io::SocketAddress>& addresses, io::Stream::User& user) {
        return std::make_unique<io::TcpStream>(fixture.loop, addresses, user);
      },
      [&](const Report& report) {
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

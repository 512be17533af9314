// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/doq.h"

#include <uv.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"

using namespace dnslet;
using namespace dnslet::io;
using dns::Bytes, dns::BytesView;
using Texts = std::vector<std::string>;

namespace {

constexpr auto kYes = QuicConnection::Last::Yes;
constexpr auto kNo = QuicConnection::Last::No;

// A connection on which a test is the server.
class FakeQuic final : public QuicConnection {
 public:
  struct Seen {
    User* user = nullptr;
    std::size_t room = 2;  // for streams
    std::map<uint64_t, Bytes> written{};
    std::optional<uint64_t> aborted{};
  };
  FakeQuic(Seen& seen, User& user) : seen_(seen) { seen_.user = &user; }

  std::optional<uint64_t> open_stream(Direction) override {
    if (seen_.room == 0) return std::nullopt;
    --seen_.room;
    return 4 * next_++;
  }
  bool write(uint64_t stream, BytesView bytes, Last last) override {
    CHECK(last == kYes);
    seen_.written[stream] = Bytes(bytes.begin(), bytes.end());
    return true;
  }
  void drop(uint64_t) override {}
  std::size_t streams_left() const override { return seen_.room; }
  void flush() override {}
  bool has_unsent() const override { return false; }
  void abort(uint64_t code) override { seen_.aborted = code; }
  bool is_path_dead(Milliseconds) const override { return false; }
  std::optional<Milliseconds> idle_limit() const override { return std::nullopt; }

 private:
  Seen& seen_;
  uint64_t next_ = 0;
};

// A client of it that has two questions: 7, which is "ab", and 8, which is "c".
struct Fixture final : private RequestClient::User {
  Fixture() {
    seen.user->on_open();
    client->post(7, Bytes{'a', 'b'});
    client->post(8, Bytes{'c'});
    client->flush();
  }
  void say(uint64_t stream, const std::string& text, QuicConnection::Last last = kYes) const {
    seen.user->on_stream(stream, Bytes(text.begin(), text.end()), last);
  }
  Texts turn() {
    seen.user->on_turn();
    return std::exchange(told, {});
  }

  Texts told;
  FakeQuic::Seen seen;
  std::unique_ptr<RequestClient> client = make_doq_client(
      [this](QuicConnection::User& user) { return std::make_unique<FakeQuic>(seen, user); }, *this);

 private:
  void on_open() override {}
  void on_response(uint64_t request, const HttpResponse& response) override {
    CHECK(response.status == 200);
    told.push_back(std::to_string(request) + " " +
                   std::string(response.body.begin(), response.body.end()));
  }
  void on_refused(uint64_t) override { told.emplace_back("refused"); }
  void on_failure(uint64_t request, const std::string& reason) override {
    told.push_back(std::to_string(request) + " failed: " + reason);
  }
  void on_turn() override {}
  void on_end(int status, const std::string& reason) override {
    told.push_back("end " + std::to_string(status) + " " + reason);
  }
};

const std::string kX = std::string("\0\1x", 3);

}  // namespace

TEST_CASE("each question has a stream of QUIC and a length in front") {
  Fixture two;
  CHECK(two.seen.written[0] == Bytes{0, 2, 'a', 'b'});
  CHECK(two.seen.written[4] == Bytes{0, 1, 'c'});
  CHECK(two.client->most_at_once() == 2U);
}

TEST_CASE("answers over QUIC come in any order and in pieces") {
  Fixture two;
  two.say(4, "", kNo);
  two.say(4, kX.substr(0, 1), kNo);
  two.say(4, kX.substr(1), kNo);
  CHECK(two.turn().empty());
  two.say(0, kX);
  two.say(4, "");
  CHECK(two.turn() == Texts{"7 x", "8 x"});
  two.say(4, kX);  // answered already
  CHECK(two.turn().empty());
}

TEST_CASE("a question waits while the server takes no more streams") {
  Fixture two;
  two.client->post(9, Bytes{'d'});
  two.client->flush();
  CHECK(two.seen.written.size() == 2);
  CHECK_FALSE(two.client->has_unwritten());
  two.seen.room = 1;
  CHECK(two.client->has_unwritten());
  two.client->flush();
  CHECK(two.seen.written[8] == Bytes{0, 1, 'd'});
}

TEST_CASE("a stream of QUIC that is reset is one question's failure") {
  Fixture two;
  two.seen.user->on_reset(0, 4);
  two.seen.user->on_reset(12, 1);
  CHECK(two.turn() == Texts{"7 failed: it has reset a stream: excessive load"});
  two.say(4, kX);
  CHECK(two.turn() == Texts{"8 x"});
}

TEST_CASE("more or less than one answer on a stream of QUIC ends the connection") {
  const auto [said, last] = GENERATE(
      table<std::string, bool>({{kX + kX, true},
                                {kX + "y", false},
                                {"", true},
                                {std::string(1, '\0'), true},
                                {kX.substr(0, 2), true},
                                {std::string(2, '\xff') + std::string(65536, 'x'), false}}));
  Fixture two;
  two.say(0, said, last ? kYes : kNo);
  const Texts told = two.turn();
  REQUIRE(told.size() == 1);
  CHECK_THAT(told[0], Catch::Matchers::StartsWith("end " + std::to_string(UV_EPROTO) + " it "));
  CHECK(two.seen.aborted == 2U);
  CHECK_FALSE(two.client->takes_more());
}

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/attempt.h"

#include "catch.h"

namespace dnslet::policy {
namespace {

using Next = Attempt::Next;
using Order = std::vector<ServerNumber>;

constexpr Milliseconds kRetry{800};

Milliseconds at(int ms) { return Milliseconds(ms); }

Servers::Plan plan(Order order, std::size_t at_once = 1) { return {std::move(order), at_once}; }

// An attempt that has sent its first questions. Reads as a list of facts: whom it asked.
class Question {
 public:
  explicit Question(const Servers::Plan& plan) {
    attempt_.start(plan, kRetry);
    while (note(attempt_.next(at(0))) == Next::Ask) continue;
  }

  Next result(ServerNumber server, ServerResult result, int ms = 0) {
    return note(attempt_.on_result(server, result, at(ms)));
  }
  void sign_of_life(ServerNumber server, int ms) { attempt_.on_sign_of_life(server, at(ms)); }
  Next silence(int ms) { return note(attempt_.on_silence(at(ms))); }
  Order silent(int ms) {
    Order servers;
    attempt_.for_each_silent(
        at(ms), [&](const Attempt::Candidate& candidate) { servers.push_back(candidate.server); });
    return servers;
  }

  const Order& asked() const { return asked_; }
  const Attempt& attempt() const { return attempt_; }

 private:
  Next note(Next next) {
    if (next == Next::Ask) asked_.push_back(attempt_.server());
    return next;
  }

  Attempt attempt_;
  Order asked_;
};

TEST_CASE("the first server is asked, and its answer ends the question") {
  Question question(plan({0, 1, 2}));
  CHECK(question.asked() == Order{0});
  CHECK(question.result(0, ServerResult::Answered) == Next::Won);
  CHECK(question.asked() == Order{0});
}

TEST_CASE("a refusal or a network error makes it ask the next server at once") {
  const ServerResult result = GENERATE(ServerResult::Refused, ServerResult::NetworkError);
  Question question(plan({0, 1, 2}));
  CHECK(question.result(0, result) == Next::Ask);
  CHECK(question.result(1, result) == Next::Ask);
  CHECK(question.asked() == Order{0, 1, 2});
  CHECK(question.result(2, ServerResult::Answered) == Next::Won);
}

TEST_CASE("a question that all servers refused is lost") {
  Question question(plan({0, 1}));
  CHECK(question.result(0, ServerResult::Refused) == Next::Ask);
  CHECK(question.result(1, ServerResult::NetworkError) == Next::Lost);
}

TEST_CASE("a single server that refuses loses the question") {
  Question question(plan({0}));
  CHECK(question.result(0, ServerResult::Refused) == Next::Lost);
}

TEST_CASE("after silence the next server is asked too, and the first may still win") {
  Question question(plan({0, 1}));
  CHECK(question.attempt().silent_at() == at(800));
  CHECK(question.silence(800) == Next::Ask);
  CHECK(question.asked() == Order{0, 1});
  CHECK(question.attempt().silent_at() == at(1600));
  CHECK(question.result(0, ServerResult::Answered, 900) == Next::Won);
}

TEST_CASE("a server that refuses while another is silent is waited out") {
  Question question(plan({0, 1}));
  CHECK(question.silence(800) == Next::Ask);
  CHECK(question.result(1, ServerResult::Refused, 810) == Next::Wait);
  CHECK(question.result(0, ServerResult::Refused, 820) == Next::Lost);
}

TEST_CASE("the only server is asked again after silence") {
  Question question(plan({0}));
  CHECK(question.silence(800) == Next::Ask);
  CHECK(question.silence(1600) == Next::Ask);
  CHECK(question.asked() == Order{0, 0, 0});
  CHECK(question.result(0, ServerResult::Answered, 1700) == Next::Won);
}

TEST_CASE("when all are silent, the one asked longest ago is asked again") {
  Question question(plan({0, 1, 2}));
  for (const int ms : {800, 1600, 2400, 3200, 4000}) CHECK(question.silence(ms) == Next::Ask);
  CHECK(question.asked() == Order{0, 1, 2, 0, 1, 2});
}

TEST_CASE("a server that refused is not asked again") {
  Question question(plan({0, 1}));
  CHECK(question.result(0, ServerResult::Refused, 10) == Next::Ask);
  CHECK(question.silence(810) == Next::Ask);
  CHECK(question.silence(1610) == Next::Ask);
  CHECK(question.asked() == Order{0, 1, 1, 1});
}

TEST_CASE("a second refusal of the same server changes nothing") {
  Question question(plan({0, 1, 2}));
  CHECK(question.result(0, ServerResult::Refused) == Next::Ask);
  CHECK(question.silence(800) == Next::Ask);
  CHECK(question.result(0, ServerResult::Refused, 900) == Next::Wait);
  CHECK(question.asked() == Order{0, 1, 2});
}

TEST_CASE("silence of a server is known only after the whole time") {
  Question question(plan({0, 1}));
  CHECK(question.silent(799).empty());
  CHECK(question.silent(800) == Order{0});
  CHECK(question.silence(800) == Next::Ask);
  CHECK(question.silent(1599) == Order{0});
  CHECK(question.silent(1600) == Order{0, 1});
}

TEST_CASE("a server that gave a sign of life is not silent, and has as long again") {
  Question question(plan({0, 1}));
  question.sign_of_life(0, 10);
  CHECK(question.silent(5000).empty());
  CHECK(question.attempt().silent_at() == at(810));
  CHECK(question.silence(810) == Next::Ask);
  CHECK(question.asked() == Order{0, 1});
}

TEST_CASE("a server that spoke is not silent") {
  Question question(plan({0, 1}));
  CHECK(question.result(0, ServerResult::Refused, 10) == Next::Ask);
  CHECK(question.silent(5000) == Order{1});
}

TEST_CASE("a server that does not know EDNS is asked once more without it") {
  Question question(plan({0, 1}));
  CHECK_FALSE(question.attempt().without_edns());
  CHECK(question.result(0, ServerResult::NoEdns) == Next::Ask);
  CHECK(question.attempt().without_edns());
  CHECK(question.asked() == Order{0, 0});
  CHECK(question.result(0, ServerResult::NoEdns) == Next::Ask);
  CHECK(question.asked() == Order{0, 0, 1});
  CHECK_FALSE(question.attempt().without_edns());
}

TEST_CASE("a server asked again after silence gets no EDNS if it knows none") {
  Question question(plan({0}));
  CHECK(question.result(0, ServerResult::NoEdns, 10) == Next::Ask);
  CHECK(question.silence(810) == Next::Ask);
  CHECK(question.attempt().without_edns());
}

TEST_CASE("all servers of a plan that are to be asked at once are") {
  Question question(plan({1, 0, 2}, 2));
  CHECK(question.asked() == Order{1, 0});
  CHECK(question.result(0, ServerResult::Refused) == Next::Ask);
  CHECK(question.asked() == Order{1, 0, 2});
}

TEST_CASE("an attempt without servers is lost at once") {
  Attempt attempt;
  attempt.start(plan({}), kRetry);
  CHECK(attempt.next(at(0)) == Next::Lost);
  CHECK_FALSE(attempt.has_unasked());
  CHECK(attempt.on_silence(at(800)) == Next::Lost);
}

TEST_CASE("all were silent when each has been asked and has had its time or has refused") {
  Question question(plan({0, 1, 2}));
  CHECK(question.result(0, ServerResult::Refused, 5) == Next::Ask);
  CHECK_FALSE(question.attempt().were_all_silent());
  CHECK(question.silent(805) == Order{1});
  CHECK_FALSE(question.attempt().were_all_silent());
  CHECK(question.silence(805) == Next::Ask);
  CHECK_FALSE(question.attempt().were_all_silent());
  CHECK(question.silent(1605) == Order{1, 2});
  CHECK(question.attempt().were_all_silent());
}

TEST_CASE("a server that was silent to OPT gets its next try without") {
  Question question(plan({0}));
  Attempt attempt = question.attempt();
  attempt.leave_out_edns(0);
  attempt.leave_out_edns(7);
  CHECK(attempt.on_silence(at(800)) == Next::Ask);
  CHECK(attempt.without_edns());
}

TEST_CASE("an attempt that starts again knows nothing of the one before") {
  Question question(plan({0, 1}));
  CHECK(question.result(0, ServerResult::Refused) == Next::Ask);
  Attempt attempt = question.attempt();
  attempt.start(plan({2}), kRetry);
  CHECK(attempt.next(at(5000)) == Next::Ask);
  CHECK(attempt.server() == 2);
  CHECK(attempt.silent_at() == at(5800));
}

}  // namespace
}  // namespace dnslet::policy

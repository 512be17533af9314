// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/servers.h"

#include "catch.h"

namespace dnslet::policy {
namespace {

using Next = Attempt::Next;
using Order = std::vector<std::size_t>;

constexpr Milliseconds kRetry{800};

Milliseconds at(int ms) { return Milliseconds(ms); }

ServerSet::Plan plan(Order order, std::size_t at_once = 1) { return {std::move(order), at_once}; }

// An attempt that has sent its first questions. Reads as a list of facts: whom it asked.
class Question {
 public:
  explicit Question(ServerSet::Plan plan) : attempt_(std::move(plan), kRetry) {
    while (note(attempt_.next(at(0))) == Next::Ask) continue;
  }

  Next result(std::size_t server, ServerResult result, int ms = 0) {
    return note(attempt_.on_result(server, result, at(ms)));
  }
  void sign_of_life(std::size_t server) { attempt_.on_sign_of_life(server); }
  Next silence(int ms) { return note(attempt_.on_silence(at(ms))); }

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

// One question.

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
  CHECK(question.attempt().silent(at(799)).empty());
  CHECK(question.attempt().silent(at(800)) == Order{0});
  CHECK(question.silence(800) == Next::Ask);
  CHECK(question.attempt().silent(at(1599)) == Order{0});
  CHECK(question.attempt().silent(at(1600)) == Order{0, 1});
}

TEST_CASE(
    "a server that gave a sign of life is not silent, and the next one is asked all the same") {
  Question question(plan({0, 1}));
  question.sign_of_life(0);
  CHECK(question.attempt().silent(at(5000)).empty());
  CHECK(question.silence(800) == Next::Ask);
  CHECK(question.asked() == Order{0, 1});
}

TEST_CASE("a server that spoke is not silent") {
  Question question(plan({0, 1}));
  CHECK(question.result(0, ServerResult::Refused, 10) == Next::Ask);
  CHECK(question.attempt().silent(at(5000)) == Order{1});
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
  set.on_answer(0);
  CHECK(set.make_plan(at(1)).order == Order{0, 1});
  CHECK(set.on_failure(0, at(2)));
}

TEST_CASE("after its pause a server is tried with a live question beside a healthy one") {
  ServerSet set(3);
  CHECK(set.on_failure(0, at(0)));
  CHECK(set.make_plan(at(999)).at_once == 1);
  const ServerSet::Plan trial = set.make_plan(at(1000));
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
  const ServerSet::Plan trial = set.make_plan(at(1000));
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
  set.on_answer(0);
  CHECK(set.on_failure(0, at(2000)));
  CHECK(set.make_plan(at(3000)).at_once == 2);
}

}  // namespace
}  // namespace dnslet::policy

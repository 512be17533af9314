// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/outstanding.h"

#include "catch.h"
#include "outstanding_script.h"

namespace dnslet::test {
namespace {

// Joining and finishing.

TEST_CASE("a question is asked of the first server, whose answer ends it") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  dns.expect({"ask a www.test A"});
  dns.answer("a", "NOERROR | 60 A 10.0.0.1");
  dns.expect({"finish 1: NOERROR | 60 A 10.0.0.1 from a"});
  dns.expect_idle();
}

TEST_CASE("equal questions are asked once") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  for (const uint64_t lookup : {1U, 2U, 3U}) dns.ask(lookup, "www.test A");
  dns.ask(4, "www.test A do");
  dns.ask(5, "www.test A cd");
  dns.ask(6, "www2.test A");
  dns.ask(7, "WWW.test A");
  dns.expect({"ask a www.test A", "ask a www.test A", "ask a www.test A", "ask a www2.test A"});
  dns.answer("a", "NOERROR | 60 A 10.0.0.1");
  dns.expect({"finish 1 2 3 7: NOERROR | 60 A 10.0.0.1 from a"});
  dns.pass(4500ms);
  dns.skip();
}

TEST_CASE("questions of different routes are different questions, also of the other family") {
  OutstandingScript dns({.sibling_wait = 50ms});
  dns.set_servers(0, "a");
  dns.set_servers(1, "b");
  dns.ask(1, "www.test A");
  dns.ask(2, "www.test A route=2", 1);
  dns.ask(3, "www.test A route=2", 1);
  dns.ask(4, "www.test AAAA route=2", 1);
  dns.expect({"ask a www.test A", "ask b www.test A", "ask b www.test AAAA"});
  dns.answer("a", "NOERROR | 60 A 10.0.0.1");
  dns.expect({"finish 1: NOERROR | 60 A 10.0.0.1 from a"});
  dns.ask(5, "www.test AAAA");
  dns.expect({"ask a www.test AAAA"});
  dns.answer("b", "NOERROR | 60 A 10.0.0.2");
  dns.expect({"finish 2 3: NOERROR | 60 A 10.0.0.2 from b"});
  dns.pass(4500ms);
  dns.skip();
}

TEST_CASE("a server that declines a question keeps its place for others") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  dns.declines("a");
  dns.expect({"ask a www.test A", "ask b www.test A"});
  dns.answer("b", "NOERROR | 60 A 10.0.0.1");
  dns.ask(2, "www2.test A");
  dns.expect({"finish 1: NOERROR | 60 A 10.0.0.1 from b", "ask a www2.test A"});
  dns.declines("a");
  dns.declines("b");
  dns.expect({"ask b www2.test A", "finish 2: SERVFAIL"});
  dns.expect_idle();
}

TEST_CASE("over streams a question is lost when each of its queries is") {
  OutstandingScript dns;
  dns.set_servers(0, "a/tcp");
  dns.ask(1, "www.test A");
  dns.pass(800ms);
  dns.skip();
  dns.unreachable("a/tcp");
  dns.expect_nothing();
  dns.unreachable("a/tcp");
  dns.expect({"finish 1: SERVFAIL, nobody was heard"});
  dns.expect_idle();
}

TEST_CASE("over streams a server is lost when none of its own queries is left") {
  OutstandingScript dns;
  dns.set_servers(0, "a/tcp b/tcp");
  dns.ask(1, "www.test A");
  dns.pass(1600ms);  // asked of both, and of the first once more
  dns.skip();
  dns.unreachable("a/tcp");
  dns.unreachable("b/tcp");
  dns.expect_nothing();  // both have failed before, by silence
  dns.answer("a/tcp", "NOERROR | 60 A 10.0.0.1");
  dns.expect({"recovered a", "finish 1: NOERROR | 60 A 10.0.0.1 from a"});
  dns.expect_idle();
}

TEST_CASE("a question may have less patience than others, who still count on its server") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A retry=300");
  dns.ask(2, "www2.test A");
  dns.expect({"ask a www.test A", "ask a www2.test A"});
  dns.pass(299ms);
  dns.expect_nothing();
  dns.pass(1ms);
  dns.expect({"silence 1", "ask b www.test A"});
  dns.answer("b", "NOERROR | 60 A 10.0.0.1");
  dns.expect({"forget a", "finish 1: NOERROR | 60 A 10.0.0.1 from b"});
  dns.pass(400ms);
  dns.ask(3, "www3.test A");
  dns.expect({"ask a www3.test A"});
  dns.pass(100ms);
  dns.expect({"silence 2", "failed a: silent", "ask b www2.test A"});
  dns.answer("b", "NOERROR | 60 A 10.0.0.1");
  dns.answer_last("a", "NOERROR | 60 A 10.0.0.1");
  dns.skip();
}

TEST_CASE("a server that asks to be left alone is, and the only one for a while at most") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.set_servers(1, "c");
  dns.ask(1, "www.test A");
  dns.asks_to_be_left_alone("a", 30s);
  dns.expect({"ask a www.test A", "failed a: broken", "ask b www.test A"});
  dns.answer("b", "NOERROR | 60 A 10.0.0.1");
  dns.pass(29s);
  dns.ask(2, "www2.test A");
  dns.expect({"finish 1: NOERROR | 60 A 10.0.0.1 from b", "ask b www2.test A"});
  dns.answer("b", "NOERROR | 60 A 10.0.0.1");
  dns.ask(3, "www.test A", 1);
  dns.asks_to_be_left_alone("c", 30s);
  dns.ask(4, "www2.test A", 1);
  dns.expect({"finish 2: NOERROR | 60 A 10.0.0.1 from b", "ask c www.test A", "failed c: broken",
              "finish 3: SERVFAIL, nobody was heard", "finish 4: SERVFAIL, nobody was heard"});
  dns.pass(5s);
  dns.ask(5, "www3.test A", 1);
  dns.expect({"ask c www3.test A"});
  dns.answer("c", "NOERROR | 60 A 10.0.0.1");
  dns.skip();
}

TEST_CASE("a query whose outcome is not known any more tells nothing") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.outstanding().on_report({77, policy::QueryOutcome::Unreachable, {}}, dns.now());
  dns.expect_nothing();
  dns.expect_idle();
}

TEST_CASE("without an answer a question ends when its time is over") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.pass(4499ms);
  dns.skip();
  dns.pass(1ms);
  dns.expect({"forget a", "forget a", "forget a", "forget a", "forget a",
              "finish 1: SERVFAIL, nobody was heard"});
  dns.pass(4500ms);  // one query has been kept for the server's sake
  dns.expect({"forget a"});
  dns.expect_idle();
}

TEST_CASE("what waits for a question is told when nobody says anything") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.skip();
  dns.pass(799ms);
  CHECK_FALSE(dns.is_silent("www.test A"));
  dns.expect_nothing();
  dns.pass(1ms);
  CHECK(dns.is_silent("www.test A"));
  CHECK_FALSE(dns.is_silent("other.test A"));
  dns.expect({"silence 1", "failed a: silent", "ask a www.test A without EDNS"});
  dns.answer("a", "NOERROR | 60 A 10.0.0.1");
  dns.expect({"recovered a", "forget a", "finish 1: NOERROR | 60 A 10.0.0.1 from a"});
  dns.expect_idle();
}

// Refusals.

TEST_CASE("who waits is told when each server of the set has failed or been silent") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  dns.expect({"ask a www.test A"});
  dns.pass(800ms);
  CHECK(dns.unreached.empty());
  dns.pass(800ms);
  CHECK(dns.unreached == std::vector<uint64_t>{1});
  dns.skip();
}

TEST_CASE("codes of refusal and failures of the network go to the next server at once") {
  OutstandingScript dns;
  dns.set_servers(0, "a b c d");
  dns.ask(1, "www.test A");
  dns.answer("a", "SERVFAIL opt");
  dns.answer("b", "REFUSED opt");
  dns.unreachable("c");
  dns.answer("d", "NOERROR | 60 A 10.0.0.1");
  dns.expect({"ask a www.test A", "ask b www.test A", "ask c www.test A", "failed c",
              "ask d www.test A", "finish 1: NOERROR | 60 A 10.0.0.1 from d"});
  dns.expect_idle();
}

TEST_CASE("where all refuse the code of the most preferred one is handed on") {
  OutstandingScript dns;
  dns.set_servers(0, "a b c");
  dns.ask(1, "www.test A");
  dns.unreachable("a");
  dns.answer("b", "REFUSED opt");
  dns.answer("c", "SERVFAIL opt");
  dns.expect({"ask a www.test A", "failed a", "ask b www.test A", "ask c www.test A",
              "finish 1: REFUSED from b"});
  dns.expect_idle();
}

TEST_CASE("a host that lacks descriptors says nothing about its servers") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.no_resources("a");
  dns.expect({"ask a www.test A", "no resources", "finish 1: SERVFAIL, nobody was heard"});
  CHECK_FALSE(dns.outstanding().servers().is_unreachable(0, dns.now()));
}

TEST_CASE("a server without recursion and without the zone is lame: the next one is asked") {
  const std::string lame = GENERATE("NOERROR nora", "NOERROR nora opt",
                                    "NOERROR nora / test 60 NS ns.test + ns.test 60 A 10.0.0.2");
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  dns.answer("a", lame);
  dns.answer("b", lame);
  dns.expect({"ask a www.test A", "ask b www.test A", "finish 1: SERVFAIL from a"});
  dns.expect_idle();
}

TEST_CASE("an empty answer that vouches for itself is none of those") {
  const std::string text = GENERATE("NOERROR", "NOERROR nora aa", "NOERROR nora / test 60 SOA 60",
                                    "NXDOMAIN nora", "NOERROR nora | 60 CNAME x.test");
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test MX");
  dns.answer("a", text);
  dns.expect_idle();
  dns.skip();
}

TEST_CASE("who asks without recursion gets the referral") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A nord");
  dns.answer("a", "NOERROR nora / test 60 NS ns.test");
  dns.expect({"ask a www.test A", "finish 1: NOERROR / test 60 NS ns.test from a"});
}

// Order, silence, health.

TEST_CASE("after silence the next server is asked, and the late answer counts") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  dns.pass(800ms);
  dns.expect({"ask a www.test A", "silence 1", "failed a: silent", "ask b www.test A"});
  dns.pass(100ms);
  dns.answer("a", "NOERROR | 60 A 10.0.0.1");
  dns.expect({"recovered a", "forget b", "finish 1: NOERROR | 60 A 10.0.0.1 from a"});
  dns.expect_idle();
}

TEST_CASE("a server that failed is behind the others and tried beside them after its pause") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "one.test A");
  dns.unreachable("a");
  dns.answer("b", "NOERROR | 60 A 10.0.0.1");
  dns.skip();
  dns.ask(2, "two.test A");
  dns.expect({"ask b two.test A"});
  dns.answer("b", "NOERROR | 60 A 10.0.0.1");
  dns.pass(1000ms);
  dns.skip();
  dns.ask(3, "three.test A");
  dns.expect({"ask b three.test A", "ask a three.test A"});
  dns.answer("b", "NOERROR | 60 A 10.0.0.1");
  dns.expect({"finish 3: NOERROR | 60 A 10.0.0.1 from b"});
  dns.answer("a", "NOERROR | 60 A 10.0.0.1");  // late, and nobody waits for it
  dns.expect({"recovered a"});
  dns.expect_idle();
}

TEST_CASE("one query for each server that failed is enough to put it back") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  for (const uint64_t lookup : {1U, 2U, 3U})
    dns.ask(lookup, "n" + std::to_string(lookup) + ".test A");
  dns.pass(800ms);
  dns.skip();
  for (int i = 0; i < 3; ++i) dns.answer("b", "NOERROR | 60 A 10.0.0.1");
  dns.expect({"finish 1: NOERROR | 60 A 10.0.0.1 from b", "forget a",
              "finish 2: NOERROR | 60 A 10.0.0.1 from b", "forget a",
              "finish 3: NOERROR | 60 A 10.0.0.1 from b"});
  CHECK(dns.outstanding().queries() == 1);
  dns.pass(4500ms);
  dns.expect({"forget a"});
  dns.expect_idle();
}

TEST_CASE("a dead server is found out once, whatever zones name it") {
  OutstandingScript dns;
  dns.set_servers(0, "b");
  dns.set_servers(1, "a b");
  dns.set_servers(2, "a c");
  dns.ask(1, "one.test A", 1);
  dns.pass(800ms);
  dns.skip();
  dns.ask(2, "two.test A", 2);
  dns.expect({"ask c two.test A"});
  dns.pass(4500ms);
  dns.skip();
}

// Sets that change.

TEST_CASE("questions under way end with the servers they were asked of") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  dns.set_servers(0, "c");
  dns.ask(2, "www2.test A");
  dns.expect({"ask a www.test A", "ask c www2.test A"});
  dns.answer("a", "REFUSED opt");
  dns.expect({"ask b www.test A"});
  dns.answer("b", "NOERROR | 60 A 10.0.0.1");
  dns.expect({"finish 1: NOERROR | 60 A 10.0.0.1 from b", "gone b", "gone a"});
  dns.answer("c", "NOERROR | 60 A 10.0.0.1");
  dns.skip();
  dns.expect_idle();
}

TEST_CASE("a server that goes takes along what was kept for its sake") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  dns.pass(800ms);
  dns.answer("b", "NOERROR | 60 A 10.0.0.1");
  dns.skip();
  CHECK(dns.outstanding().queries() == 1);
  dns.set_servers(0, "b");
  dns.expect({"gone a"});
  dns.expect_idle();
}

TEST_CASE("what is known of a server survives a change of its set") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  dns.unreachable("a");
  dns.answer("b", "NOERROR | 60 A 10.0.0.1");
  dns.set_servers(0, "a c");
  dns.skip();
  dns.ask(2, "www2.test A");
  dns.expect({"ask c www2.test A"});
  dns.pass(4500ms);
  dns.skip();
}

// Fairness.

TEST_CASE("a set with more than its share gives way to another one") {
  OutstandingScript dns;  // 10 questions at most
  dns.set_servers(0, "a");
  dns.set_servers(1, "z");
  for (uint64_t lookup = 1; lookup <= 10; ++lookup)
    dns.ask(lookup, "n" + std::to_string(lookup) + ".z.test A", 1);
  dns.skip();
  dns.ask(11, "n11.z.test A", 1);
  dns.expect({"no room"});
  dns.ask(12, "n1.z.test A", 1);  // joins
  dns.expect_nothing();
  dns.ask(13, "www.test A");
  dns.expect({"forget z", "finish 1 12: SERVFAIL, nobody was heard", "ask a www.test A"});
  CHECK(dns.outstanding().open() == 10);
  for (uint64_t lookup = 14; lookup <= 17; ++lookup)
    dns.ask(lookup, "n" + std::to_string(lookup) + ".test A");
  dns.skip();
  dns.ask(18, "n18.test A");  // 5 and 5
  dns.expect({"no room"});
  dns.pass(10s);
  dns.skip();
  dns.expect_idle();
}

TEST_CASE("sets of the same servers share their room") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.set_servers(1, "z");
  dns.set_servers(2, "z");
  for (uint64_t lookup = 1; lookup <= 10; ++lookup)
    dns.ask(lookup, "n" + std::to_string(lookup) + ".z.test A", 1);
  dns.skip();
  dns.ask(11, "www.test A", 2);
  dns.expect({"no room"});
  dns.pass(10s);
  dns.skip();
}

TEST_CASE("a set that is silent to many has few of its questions asked again") {
  constexpr std::size_t kMany = 400;
  auto settings = OutstandingScript::defaults();
  settings.max_open = 2 * kMany;
  OutstandingScript dns(settings);
  dns.set_servers(0, "a");
  dns.set_servers(1, "z");
  for (uint64_t lookup = 1; lookup <= kMany; ++lookup)
    dns.ask(lookup, "n" + std::to_string(lookup) + ".z.test A", 1);
  CHECK(dns.outstanding().queries() == kMany);
  dns.pass(4s);
  CHECK(dns.outstanding().queries() == kMany + policy::SetQueues::kMaxRepeats);
  dns.skip();

  dns.ask(kMany + 1, "www.test A");  // at the other set, as ever
  dns.pass(800ms);
  const auto again = dns.said();
  CHECK(std::ranges::count(again, "ask a www.test A without EDNS") == 1);
  CHECK(dns.outstanding().open() == 1);  // the time of the others is over
  for (uint64_t lookup = 1; lookup <= kMany; ++lookup)
    dns.ask(lookup, "m" + std::to_string(lookup) + ".z.test A", 1);
  dns.pass(800ms);  // and with them went what they had asked again
  const auto others = dns.said();
  CHECK(std::ranges::count_if(others, [](const std::string& line) {
          return line.starts_with("ask z m");
        }) == kMany + policy::SetQueues::kMaxRepeats);
  dns.pass(10s);
  dns.skip();
  dns.expect_idle();
}

TEST_CASE("without any room nothing is asked") {
  auto settings = OutstandingScript::defaults();
  settings.max_open = 0;
  OutstandingScript dns(settings);
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.expect({"no room"});
}

// Loops.

TEST_CASE("a server that leads back is found out, and left out for a minute") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  for (uint64_t i = 1; i <= 3; ++i) {
    const std::string question = "n" + std::to_string(i) + ".test A";
    dns.ask(i, question);
    dns.ask(100 + i, question);  // it comes in once more
  }
  dns.skip();
  dns.pass(800ms);
  dns.expect({"silence 1 101", "failed a: silent", "ask a n1.test A without EDNS", "silence 2 102",
              "ask a n2.test A without EDNS", "silence 3 103", "probe a",
              "ask a n3.test A without EDNS"});
  dns.probe_comes_back("a");
  dns.expect({"forget a", "a leads back"});
  dns.probe_comes_back("a");  // once more
  dns.expect_nothing();
  dns.ask(4, "n4.test A");
  dns.expect({"finish 4: SERVFAIL, nobody was heard"});
  dns.pass(60s);
  dns.skip();
  dns.expect_idle();
  dns.ask(5, "n5.test A");
  dns.expect({"ask a n5.test A without EDNS"});
  dns.pass(10s);
  dns.skip();
}

TEST_CASE("a server that is only silent is never probed by a question that did not come back") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  for (uint64_t i = 1; i <= 5; ++i) dns.ask(i, "n" + std::to_string(i) + ".test A");
  dns.skip();
  dns.pass(800ms);
  dns.expect({"silence 1", "failed a: silent", "ask a n1.test A without EDNS", "silence 2",
              "ask a n2.test A without EDNS", "silence 3", "ask a n3.test A without EDNS",
              "silence 4", "ask a n4.test A without EDNS", "silence 5",
              "ask a n5.test A without EDNS"});
  dns.pass(10s);
  dns.skip();
}

TEST_CASE("a probe that its server answers is an answer") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  for (uint64_t i = 1; i <= 3; ++i) dns.ask(i, "n" + std::to_string(i) + ".test A");
  for (uint64_t i = 1; i <= 3; ++i) dns.ask(100 + i, "n" + std::to_string(i) + ".test A");
  dns.pass(800ms);
  dns.skip();
  for (int i = 0; i < 3; ++i) dns.unreachable("a");  // the first queries
  dns.skip();
  dns.answer("a", "NXDOMAIN");
  dns.skip();
  dns.pass(10s);
  dns.skip();
  dns.expect_idle();
}

TEST_CASE("a server that leads back is found out by trials, too, which nobody waits for") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "n1.test A");
  dns.ask(2, "n1.test A");
  dns.pass(800ms);
  dns.answer("b", "NOERROR | 60 A 10.0.0.1");
  dns.pass(1000ms);
  dns.skip();
  for (int i = 2; i <= 3; ++i) {
    const std::string question = "n" + std::to_string(i) + ".test A";
    dns.ask(3, question);
    dns.ask(4, question);
    dns.answer("b", "NOERROR | 60 A 10.0.0.1");
    OutstandingScript::Lines lines = {"ask b " + question, "ask a " + question + " without EDNS",
                                      "forget a", "finish 3 4: NOERROR | 60 A 10.0.0.1 from b"};
    if (i == 3) lines.insert(lines.begin() + 2, "probe a");
    dns.expect(lines);
    dns.pass(2000ms);
  }
  dns.probe_comes_back("a");
  dns.expect({"forget a", "a leads back"});
  dns.expect_idle();
}

TEST_CASE("the late answer to a question that came back does not put the server back") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  dns.ask(2, "www.test A");
  dns.pass(800ms);
  dns.skip();
  dns.answer("a", "NOERROR | 60 A 10.0.0.1");
  dns.expect({"forget b", "finish 1 2: NOERROR | 60 A 10.0.0.1 from a"});
  dns.ask(3, "www2.test A");
  dns.expect({"ask b www2.test A"});
  dns.answer("b", "NOERROR | 60 A 10.0.0.1");
  dns.skip();
  dns.expect_idle();
}

// What watches.

TEST_CASE("who watches is told what passes between dnslet and its servers") {
  OutstandingScript dns;
  dns.watch();
  dns.set_servers(0, "a b c");
  dns.ask(1, "www.test A");
  dns.answer("a", "FORMERR");
  dns.answer("a", "SERVFAIL");
  dns.unreachable("b");
  dns.pass(800ms);
  dns.answer_packet("c", Bytes(40));
  dns.expect({"ask a www.test A",
              "see asked a NOERROR",
              "see answered a FORMERR",
              "ask a www.test A without EDNS",
              "see asked without EDNS a NOERROR",
              "see answered a SERVFAIL",
              "ask b www.test A",
              "see asked b NOERROR",
              "failed b",
              "see unreachable b NOERROR",
              "ask c www.test A",
              "see asked c NOERROR",
              "silence 1",
              "failed c: silent",
              "see silent c NOERROR",
              "ask c www.test A without EDNS",
              "see asked without EDNS c NOERROR",
              "recovered c",
              "see unusable c NOERROR",
              "forget c",
              "finish 1: SERVFAIL from a"});
}

}  // namespace
}  // namespace dnslet::test

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// The two address families of a name: what the answer to one question shows of the other.

#include "catch.h"
#include "outstanding_script.h"
#include "policy/outstanding.h"

namespace dnslet::test {
namespace {

constexpr const char* kAnswer = "NOERROR | 60 A 10.0.0.1";
constexpr const char* kNoName = "NXDOMAIN / test 60 SOA 60";

TEST_CASE("an answer that denies the name waits for the other family's") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.ask(2, "www.test AAAA");
  dns.skip();
  SECTION("which has records") {
    dns.answer_last("a", kNoName);
    dns.expect_nothing();
    dns.answer("a", kAnswer);
    dns.expect({"finish 1: NOERROR | 60 A 10.0.0.1 from a",
                "finish 2: NXDOMAIN / test 60 SOA 60 from a, the other family has records"});
  }
  SECTION("which denies it too") {
    dns.answer_last("a", kNoName);
    dns.answer("a", kNoName);
    dns.expect({"finish 1: NXDOMAIN / test 60 SOA 60 from a",
                "finish 2: NXDOMAIN / test 60 SOA 60 from a"});
  }
  SECTION("which fails") {
    dns.answer_last("a", kNoName);
    dns.answer("a", "SERVFAIL opt");
    dns.expect({"finish 1: SERVFAIL from a", "finish 2: NXDOMAIN / test 60 SOA 60 from a"});
  }
  SECTION("for 50 ms at most") {
    dns.answer_last("a", kNoName);
    dns.pass(49ms);
    dns.expect_nothing();
    dns.pass(1ms);
    dns.expect({"finish 2: NXDOMAIN / test 60 SOA 60 from a"});
    dns.answer("a", kAnswer);
    dns.skip();
  }
  dns.expect_idle();
}

TEST_CASE("a family that yields has the preferred one asked, and waits for it") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test AAAA prefers-ipv4");
  dns.expect({"ask a www.test AAAA", "ask a www.test A"});
  SECTION("which has records") {
    dns.answer("a", "NOERROR | 60 AAAA fd00::1");
    dns.expect_nothing();
    dns.answer("a", kAnswer);
    dns.expect({"finish: NOERROR | 60 A 10.0.0.1 from a",
                "finish 1: NOERROR | 60 AAAA fd00::1 from a, the other family has records"});
  }
  SECTION("which has none") {
    dns.answer("a", "NOERROR | 60 AAAA fd00::1");
    dns.answer("a", "NOERROR");
    dns.expect({"finish: NOERROR from a",
                "finish 1: NOERROR | 60 AAAA fd00::1 from a, the other family exists"});
  }
  SECTION("for half a second at most") {
    dns.answer("a", "NOERROR | 60 AAAA fd00::1");
    dns.pass(499ms);
    dns.expect_nothing();
    dns.pass(1ms);
    dns.expect({"finish 1: NOERROR | 60 AAAA fd00::1 from a"});
    dns.answer("a", kAnswer);
    dns.skip();
  }
  SECTION("but not where it has nothing itself") {
    dns.answer("a", "NOERROR");
    dns.expect({"finish 1: NOERROR from a"});
    dns.answer("a", kAnswer);
    dns.skip();
  }
  SECTION("a client's own question is joined") {
    dns.ask(2, "www.test A prefers-ipv4");
    dns.answer_last("a", kAnswer);
    dns.expect({"finish 2: NOERROR | 60 A 10.0.0.1 from a"});
    dns.answer("a", "NOERROR | 60 AAAA fd00::1");
    dns.expect({"finish 1: NOERROR | 60 AAAA fd00::1 from a, the other family has records"});
  }
  dns.expect_idle();
}

TEST_CASE("where families need not agree one that yields waits all the same") {
  auto settings = OutstandingScript::defaults();
  settings.sibling_wait = 0ms;
  OutstandingScript dns(settings);
  dns.set_servers(0, "a");
  dns.ask(1, "www.test AAAA prefers-ipv4");
  dns.answer("a", "NOERROR | 60 AAAA fd00::1");
  dns.expect({"ask a www.test AAAA", "ask a www.test A"});
  dns.answer("a", kAnswer);
  dns.expect({"finish: NOERROR | 60 A 10.0.0.1 from a",
              "finish 1: NOERROR | 60 AAAA fd00::1 from a, the other family has records"});
  dns.expect_idle();
}

TEST_CASE("whoever joins a question that waits is told with it") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.ask(2, "www.test AAAA");
  dns.answer_last("a", kNoName);
  dns.ask(3, "www.test AAAA");
  dns.skip();
  dns.pass(50ms);
  dns.expect({"finish 2 3: NXDOMAIN / test 60 SOA 60 from a"});
  dns.answer("a", kAnswer);
  dns.skip();
}

TEST_CASE("what waits in the sockets is read before an answer that denies a name goes out") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.skip();
  SECTION("the other family's question is there") {
    dns.waiting = {{2, "www.test AAAA"}};
    dns.answer("a", kNoName);
    dns.expect({"ask a www.test AAAA"});
    dns.answer("a", "NOERROR | 60 AAAA fd00::1");
    dns.expect({"finish 2: NOERROR | 60 AAAA fd00::1 from a",
                "finish 1: NXDOMAIN / test 60 SOA 60 from a, the other family has records"});
  }
  SECTION("nothing is there") {
    dns.answer("a", kNoName);
    dns.expect({"finish 1: NXDOMAIN / test 60 SOA 60 from a"});
  }
  SECTION("other questions are there") {
    dns.waiting = {{2, "other.test AAAA"}, {3, "www.test A"}};
    dns.answer("a", kNoName);
    dns.expect({"ask a other.test AAAA", "finish 1 3: NXDOMAIN / test 60 SOA 60 from a"});
    dns.answer("a", "NOERROR");
    dns.skip();
  }
  dns.expect_idle();
}

TEST_CASE("for a second an answer counts for the other family's question") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  SECTION("that has not been asked") {
    dns.ask(1, "www.test A");
    dns.answer("a", kAnswer);
  }
  SECTION("that overlapped, and is asked again") {
    dns.ask(1, "www.test A");
    dns.ask(2, "www.test AAAA");
    dns.answer("a", kAnswer);
    dns.answer("a", kNoName);
  }
  dns.skip();
  dns.pass(999ms);
  dns.ask(3, "www.test AAAA");
  dns.answer("a", kNoName);
  dns.expect({"ask a www.test AAAA",
              "finish 3: NXDOMAIN / test 60 SOA 60 from a, the other family has records"});
  dns.pass(1ms);
  dns.ask(4, "www.test AAAA");
  dns.answer("a", kNoName);
  dns.expect({"ask a www.test AAAA", "finish 4: NXDOMAIN / test 60 SOA 60 from a"});
  dns.expect_idle();
}

TEST_CASE("questions for DNSSEC data, and those without the fix, wait for nothing") {
  auto settings = OutstandingScript::defaults();
  std::string words = " do";
  SECTION("DNSSEC") {}
  SECTION("without the fix") {
    settings.sibling_wait = 0ms;
    words = "";
  }
  OutstandingScript dns(settings);
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A" + words);
  dns.ask(2, "www.test AAAA" + words);
  dns.skip();
  dns.answer_last("a", kNoName);
  dns.expect({"finish 2: NXDOMAIN / test 60 SOA 60 from a"});
  dns.answer("a", kAnswer);
  dns.expect({"finish 1: NOERROR | 60 A 10.0.0.1 from a"});
  dns.ask(3, "www.test AAAA" + words);
  dns.answer("a", "SERVFAIL opt");
  dns.expect({"ask a www.test AAAA", "finish 3: SERVFAIL from a"});
  dns.expect_idle();
}

TEST_CASE("in a search an answer without records waits, too") {
  auto settings = OutstandingScript::defaults();
  settings.searching = policy::Searching::Yes;
  OutstandingScript dns(settings);
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.ask(2, "www.test AAAA");
  dns.skip();
  dns.answer_last("a", "NOERROR / test 60 SOA 60");
  dns.expect_nothing();
  dns.answer("a", kAnswer);
  dns.expect({"finish 1: NOERROR | 60 A 10.0.0.1 from a",
              "finish 2: NOERROR / test 60 SOA 60 from a, the other family has records"});
}

// One family fails.

TEST_CASE("what waits in the sockets is read before a failure goes out, too") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test AAAA");
  dns.skip();
  dns.waiting = {{2, "www.test A"}};
  dns.answer("a", "SERVFAIL opt");
  dns.expect({"ask a www.test A"});
  dns.answer("a", kAnswer);
  dns.expect({"finish 2: NOERROR | 60 A 10.0.0.1 from a",
              "finish 1: SERVFAIL from a, the other family has records"});
  dns.expect_idle();
}

TEST_CASE("a failure of one family waits for what the other one shows") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.ask(2, "www.test AAAA");
  dns.skip();
  dns.answer_last("a", "SERVFAIL opt");
  dns.expect_nothing();
  SECTION("records") {
    dns.pass(700ms);
    dns.answer("a", kAnswer);
    dns.expect({"finish 1: NOERROR | 60 A 10.0.0.1 from a",
                "finish 2: SERVFAIL from a, the other family has records"});
  }
  SECTION("a failure") {
    dns.answer("a", "SERVFAIL opt");
    dns.expect({"finish 1: SERVFAIL from a", "finish 2: SERVFAIL from a"});
  }
  SECTION("nothing, for the time for a retry") {
    dns.pass(800ms);
    dns.expect({"silence 1", "failed a: silent", "ask a www.test A without EDNS",
                "finish 2: SERVFAIL from a"});
    dns.answer("a", kAnswer);
    dns.skip();
  }
  dns.expect_idle();
}

TEST_CASE("a family whose servers are silent ends when the other one has shown the name") {
  OutstandingScript dns;
  SECTION("with one server after the time for a retry") {
    dns.set_servers(0, "a");
    dns.ask(1, "www.test A");
    dns.ask(2, "www.test AAAA");
    dns.answer("a", kAnswer);
    dns.skip();
    dns.pass(800ms);
    dns.expect({"silence 2", "failed a: silent",
                "finish 2: SERVFAIL, nobody was heard, the other family has records"});
  }
  SECTION("counted from the other one's answer") {
    dns.set_servers(0, "a");
    dns.ask(1, "www.test A");
    dns.ask(2, "www.test AAAA");
    dns.pass(700ms);
    dns.answer("a", kAnswer);
    dns.skip();
    dns.pass(799ms);
    dns.expect({"silence 2", "failed a: silent", "ask a www.test AAAA without EDNS"});
    dns.pass(1ms);
    dns.expect({"forget a", "finish 2: SERVFAIL, nobody was heard, the other family has records"});
  }
  SECTION("with two servers when both have had their time") {
    dns.set_servers(0, "a b");
    dns.ask(1, "www.test A");
    dns.ask(2, "www.test AAAA");
    dns.answer("a", kAnswer);
    dns.skip();
    dns.pass(800ms);
    dns.expect({"silence 2", "failed a: silent", "ask b www.test AAAA"});
    dns.pass(800ms);
    dns.expect(
        {"failed b: silent", "finish 2: SERVFAIL, nobody was heard, the other family has records"});
  }
  dns.pass(4500ms);
  dns.skip();
  dns.expect_idle();
}

TEST_CASE("what the cache knows of the other family counts when servers are silent") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.cached = policy::Existence::HasRecords;
  dns.ask(1, "www.test AAAA");
  dns.skip();
  dns.pass(800ms);
  dns.expect({"silence 1", "failed a: silent", "ask a www.test AAAA without EDNS", "forget a",
              "finish 1: SERVFAIL, nobody was heard, the other family has records"});
  dns.pass(4500ms);
  dns.skip();
  dns.expect_idle();
}

}  // namespace
}  // namespace dnslet::test

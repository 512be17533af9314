// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "catch.h"
#include "outstanding_script.h"

namespace dnslet::test {
namespace {

constexpr const char* kAnswer = "NOERROR | 50 A 10.0.0.1";

struct SharedScript : OutstandingScript {
  SharedScript() {
    set_servers(0, "a b");
    use_shared();
  }
};

}  // namespace

TEST_CASE("shared cache: what it has ends the question, and no server is asked") {
  SharedScript dns;
  dns.ask(1, "www.test A");
  dns.ask(2, "www.test A");
  dns.expect({"look for www.test A"});
  dns.shared_has(kAnswer);
  dns.expect({"finish 1 2: NOERROR | 50 A 10.0.0.1 from the shared cache"});
  dns.expect_idle();
}

TEST_CASE("shared cache: times go on there") {
  SharedScript dns;
  dns.ask(1, "www.test A");
  dns.skip();
  dns.shared_has(kAnswer, 20s);
  dns.expect({"finish 1: NOERROR | 30 A 10.0.0.1 from the shared cache"});
  dns.ask(2, "www.test A");
  dns.skip();
  dns.shared_has(kAnswer, 60s);
  dns.expect({"ask a www.test A"});
  dns.answer("a", kAnswer);
  dns.skip();
}

TEST_CASE("shared cache: servers are asked when it has nothing") {
  SharedScript dns;
  dns.ask(1, "www.test A");
  dns.shared_says({});
  dns.expect({"look for www.test A", "ask a www.test A"});
  dns.pass(4ms);
  dns.expect_nothing();
  dns.answer("a", kAnswer);
  dns.expect({"finish 1: NOERROR | 50 A 10.0.0.1 from a"});
  dns.expect_idle();
}

TEST_CASE("shared cache: servers are asked when it has been silent, and whoever is first counts") {
  SharedScript dns;
  dns.ask(1, "www.test A");
  dns.pass(4ms);
  dns.expect({"look for www.test A"});
  dns.pass(1ms);
  dns.expect({"ask a www.test A"});
  dns.shared_has(kAnswer);
  dns.expect({"forget a", "finish 1: NOERROR | 50 A 10.0.0.1 from the shared cache"});
  dns.expect_idle();

  dns.ask(2, "www.test A");
  dns.pass(5ms);
  dns.answer("a", "NOERROR | 50 A 10.0.0.2");
  dns.expect(
      {"look for www.test A", "ask a www.test A", "finish 2: NOERROR | 50 A 10.0.0.2 from a"});
  dns.shared_has(kAnswer);  // nobody waits for it
  dns.expect_nothing();
  dns.expect_idle();
}

TEST_CASE("shared cache: nothing of it, late, changes nothing") {
  SharedScript dns;
  dns.ask(1, "www.test A");
  dns.pass(5ms);
  dns.shared_says({});
  dns.expect({"look for www.test A", "ask a www.test A"});
  dns.answer("a", kAnswer);
  dns.skip();
  dns.expect_idle();
}

TEST_CASE("shared cache: a failure of all servers does not take its time") {
  SharedScript dns;
  dns.ask(1, "www.test A");
  dns.pass(5ms);
  dns.unreachable("a");
  dns.unreachable("b");
  dns.skip();
  dns.expect_idle();
  dns.shared_has(kAnswer);
  dns.expect_nothing();
}

TEST_CASE("shared cache: what is no answer to the question is nothing") {
  SharedScript dns;
  Bytes value;
  const Bytes other = message_of("www2.test A", kAnswer).bytes();
  policy::append_stored({other, {}, 0, 60}, OutstandingScript::kWall, value);
  for (const Bytes& wrong : {value, Bytes(100), Bytes{1}}) {
    dns.ask(1, "www.test A");
    dns.shared_says(wrong);
    dns.answer("a", kAnswer);
    dns.expect(
        {"look for www.test A", "ask a www.test A", "finish 1: NOERROR | 50 A 10.0.0.1 from a"});
  }
  dns.ask(2, "www.test A");
  dns.shared_has("SERVFAIL");
  dns.expect({"look for www.test A", "ask a www.test A"});
  dns.answer("a", kAnswer);
  dns.skip();
}

TEST_CASE("shared cache: not for a refresh, nor without RD, nor where it is down") {
  SharedScript dns;
  dns.ask(1, "www.test A refresh");
  dns.ask(2, "www2.test A nord");
  dns.use_shared(false);
  dns.ask(3, "www3.test A");
  dns.expect({"ask a www.test A", "ask a www2.test A", "ask a www3.test A"});
  for (int i = 0; i < 3; ++i) dns.answer("a", kAnswer);
  dns.skip();
}

TEST_CASE("shared cache: what is older than the own limits is nothing") {
  OutstandingScript dns({.sibling_wait = 50ms, .shared_limits = {30s, 10s}});
  dns.set_servers(0, "a");
  dns.use_shared();
  dns.ask(1, "www.test A");
  dns.shared_has(kAnswer, 29s);
  dns.ask(2, "www.test A");
  dns.shared_has(kAnswer, 30s);
  dns.ask(3, "www.test MX");
  dns.shared_has("NXDOMAIN / test 50 SOA 50", 9s);
  dns.ask(4, "www2.test MX");
  dns.shared_has("NXDOMAIN / test 50 SOA 50", 10s);
  dns.expect({"look for www.test A", "finish 1: NOERROR | 21 A 10.0.0.1 from the shared cache",
              "look for www.test A", "ask a www.test A", "look for www.test MX",
              "finish 3: NXDOMAIN / test 41 SOA 50 from the shared cache", "look for www2.test MX",
              "ask a www2.test MX"});
  dns.pass(10s);
  dns.skip();
}

TEST_CASE("shared cache: a question that it was asked for goes on where it fails meanwhile") {
  SharedScript dns;
  dns.ask(1, "www.test A");
  dns.use_shared(false);
  dns.shared_says({});
  dns.expect({"look for www.test A", "ask a www.test A"});
  dns.answer("a", kAnswer);
  dns.skip();
}

TEST_CASE("shared cache: NXDOMAIN from there waits for the other family like any other") {
  SharedScript dns;
  dns.ask(1, "www.test AAAA");
  dns.ask(2, "www.test A");
  dns.skip();
  dns.shared_has("NXDOMAIN / test 50 SOA 50");
  dns.expect_nothing();
  dns.shared_says({});
  dns.answer("a", kAnswer);
  dns.expect(
      {"ask a www.test A", "finish 2: NOERROR | 50 A 10.0.0.1 from a",
       "finish 1: NXDOMAIN / test 50 SOA 50 from the shared cache, the other family has records"});
  dns.expect_idle();
}

TEST_CASE("shared cache: one more question than there is room for ends the oldest of the busiest") {
  SharedScript dns;
  dns.set_servers(1, "c");
  for (uint64_t i = 1; i <= 10; ++i) dns.ask(i, "n" + std::to_string(i) + ".test A");
  dns.skip();
  dns.ask(11, "www.test A", 1);
  dns.expect({"finish 1: SERVFAIL, nobody was heard", "look for www.test A"});
  dns.use_shared(false);
  for (int i = 0; i < 11; ++i) dns.shared_says({});
  dns.pass(10s);
  dns.skip();
}

TEST_CASE("shared cache: who watches is told") {
  SharedScript dns;
  dns.watch();
  dns.ask(1, "www.test A");
  dns.shared_says({});
  dns.expect({"look for www.test A", "see looked for", "see not found", "ask a www.test A",
              "see asked a NOERROR"});
  dns.answer("a", kAnswer);
  dns.skip();
  dns.ask(3, "www3.test A");
  dns.pass(5ms);
  dns.expect({"look for www3.test A", "see looked for", "see silent there", "ask a www3.test A",
              "see asked a NOERROR"});
  dns.answer("a", kAnswer);
  dns.ask(2, "www.test A");
  dns.shared_has(kAnswer);
  dns.skip();
}

}  // namespace dnslet::test

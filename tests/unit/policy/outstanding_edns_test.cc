// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Servers that do not take what they are asked: the OPT of a query, answers that were cut.

#include "catch.h"
#include "outstanding_script.h"
#include "policy/outstanding.h"

namespace dnslet::test {
namespace {

constexpr const char* kAnswer = "NOERROR | 60 A 10.0.0.1";

// EDNS.

TEST_CASE("a server that is silent to OPT is asked without, and so for 10 minutes") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.pass(800ms);
  dns.expect(
      {"ask a www.test A", "silence 1", "failed a: silent", "ask a www.test A without EDNS"});
  dns.answer_last("a", kAnswer);
  dns.expect({"recovered a", "forget a", "finish 1: NOERROR | 60 A 10.0.0.1 from a"});
  dns.pass(599s);
  dns.ask(2, "two.test A do");
  dns.expect({"ask a two.test A without EDNS"});
  dns.answer("a", kAnswer);
  dns.skip();
  dns.pass(1s);
  dns.ask(3, "three.test A");
  dns.expect({"ask a three.test A"});
  dns.answer("a", "NOERROR opt | 60 A 10.0.0.1");
  dns.skip();
  dns.expect_idle();
}

TEST_CASE("a slow server is not one that lacks EDNS") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.pass(900ms);
  dns.skip();
  dns.answer("a", kAnswer);  // to the first query
  dns.expect({"recovered a", "forget a", "finish 1: NOERROR | 60 A 10.0.0.1 from a"});
  dns.ask(2, "two.test A");
  dns.expect({"ask a two.test A"});
  dns.answer("a", kAnswer);
  dns.skip();
}

TEST_CASE("with another server the one silent to OPT comes back by its next try") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "one.test A");
  dns.pass(800ms);
  dns.expect({"ask a one.test A", "silence 1", "failed a: silent", "ask b one.test A"});
  dns.answer("b", kAnswer);
  dns.pass(1000ms);
  dns.skip();
  dns.ask(2, "two.test A");
  dns.expect({"ask b two.test A", "ask a two.test A without EDNS"});
  dns.answer("b", kAnswer);
  dns.skip();
  dns.answer_last("a", kAnswer);
  dns.expect({"recovered a"});
  dns.ask(3, "three.test A");
  dns.expect({"ask a three.test A without EDNS"});
  dns.answer("a", kAnswer);
  dns.skip();
  dns.expect_idle();
}

TEST_CASE("a code that may mean the OPT leads to one try without, then to the next server") {
  const std::string code = GENERATE("FORMERR", "FORMERR opt", "RCODE16", "NOTIMP");
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  dns.answer("a", code);
  dns.expect({"ask a www.test A", "ask a www.test A without EDNS"});
  SECTION("which is answered") {
    dns.answer("a", kAnswer);
    dns.expect({"finish 1: NOERROR | 60 A 10.0.0.1 from a"});
  }
  SECTION("which is refused") {
    dns.answer("a", "FORMERR");
    dns.expect({"ask b www.test A"});
    dns.answer("b", kAnswer);
    dns.expect({"finish 1: NOERROR | 60 A 10.0.0.1 from b"});
  }
  dns.expect_idle();
}

TEST_CASE("the only server's format error is handed on after the try without OPT") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.answer("a", "FORMERR opt");
  dns.answer("a", "FORMERR");
  dns.expect({"ask a www.test A", "ask a www.test A without EDNS", "finish 1: FORMERR from a"});
}

TEST_CASE("not implemented with OPT in the answer is not about the OPT") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.answer("a", "NOTIMP opt");
  dns.expect({"ask a www.test A", "finish 1: NOTIMP from a"});
}

// Answers that were cut.

TEST_CASE("a cut answer goes on over a stream of the same server") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  dns.answer("a", "NOERROR tc");
  dns.expect({"ask a www.test A", "ask a/tcp www.test A"});
  dns.answer("a/tcp", kAnswer);
  dns.expect({"finish 1: NOERROR | 60 A 10.0.0.1 from a"});
  dns.expect_idle();
}

TEST_CASE("the stream of a server without EDNS gets none either") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.answer("a", "FORMERR");
  dns.answer("a", "NOERROR tc");
  dns.expect(
      {"ask a www.test A", "ask a www.test A without EDNS", "ask a/tcp www.test A without EDNS"});
  dns.answer("a/tcp", kAnswer);
  dns.skip();
}

TEST_CASE("where the stream is silent the cut answer goes out after the time for a retry") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.pass(10ms);
  dns.answer("a", "NOERROR tc | 60 A 10.0.0.1");
  dns.skip();
  dns.pass(799ms);
  dns.expect({"silence 1"});
  dns.pass(1ms);
  dns.expect({"cut is all of a", "forget a/tcp", "finish 1: NOERROR tc | 60 A 10.0.0.1 from a"});
  dns.expect_idle();
  CHECK_FALSE(dns.outstanding().servers().is_unreachable(0, dns.now()));
}

TEST_CASE("another server has its time before a cut answer goes out") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  dns.answer("a", "NOERROR tc | 60 A 10.0.0.1");
  dns.skip();
  dns.pass(800ms);
  dns.expect({"silence 1", "ask b www.test A"});
  SECTION("and answers") {
    dns.answer("b", "NOERROR | 60 A 10.0.0.2");
    dns.expect({"forget a/tcp", "finish 1: NOERROR | 60 A 10.0.0.2 from b"});
  }
  SECTION("and is silent") {
    dns.pass(800ms);
    dns.expect({"failed b: silent", "cut is all of a", "forget a/tcp",
                "finish 1: NOERROR tc | 60 A 10.0.0.1 from a"});
    dns.pass(4500ms);
    dns.expect({"forget b"});
  }
  dns.expect_idle();
}

TEST_CASE("a stream that can't be had is no mark on a server that answers") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  dns.answer("a", "NOERROR tc | 60 A 10.0.0.1");
  dns.unreachable("a/tcp");
  dns.expect({"ask a www.test A", "ask a/tcp www.test A", "ask b www.test A"});
  dns.unreachable("b");
  dns.expect({"failed b", "finish 1: NOERROR tc | 60 A 10.0.0.1 from a"});
  dns.expect_idle();
}

TEST_CASE("a cut answer without records is no answer") {
  OutstandingScript dns;
  dns.set_servers(0, "a");
  dns.ask(1, "www.test A");
  dns.answer("a", "NOERROR tc");
  dns.unreachable("a/tcp");
  dns.expect({"ask a www.test A", "ask a/tcp www.test A", "finish 1: SERVFAIL"});
}

TEST_CASE("over a stream a cut answer leads to the next server, the last one's is handed on") {
  OutstandingScript dns;
  dns.set_servers(0, "a/tcp b/tcp");
  dns.ask(1, "www.test A");
  dns.answer("a/tcp", "NOERROR tc | 60 A 10.0.0.1");
  dns.answer("b/tcp", "NOERROR tc | 60 A 10.0.0.2");
  dns.expect({"ask a/tcp www.test A", "ask b/tcp www.test A",
              "finish 1: NOERROR tc | 60 A 10.0.0.2 from b"});
  dns.expect_idle();
}

TEST_CASE("an answer that was cut without a word is asked for over a stream, once") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  std::string many = "NOERROR";
  for (int i = 0; i < 40; ++i) many += " | 60 A 10.0.0.1";
  Bytes packet = dns.packet_for("a", many);
  packet.resize(512);
  dns.answer_packet("a", packet);
  dns.expect({"ask a www.test A", "ask a/tcp www.test A"});
  SECTION("which has the whole answer") {
    dns.answer("a/tcp", kAnswer);
    dns.expect({"finish 1: NOERROR | 60 A 10.0.0.1 from a"});
  }
  SECTION("which is as broken: the next server") {
    dns.answer_packet("a/tcp", packet);
    dns.expect({"ask b www.test A"});
    dns.answer("b", kAnswer);
    dns.skip();
  }
  dns.expect_idle();
}

TEST_CASE("a small answer that does not parse leads to the next server") {
  OutstandingScript dns;
  dns.set_servers(0, "a b");
  dns.ask(1, "www.test A");
  Bytes packet = dns.packet_for("a", kAnswer);
  packet.pop_back();
  dns.answer_packet("a", packet);
  dns.expect({"ask a www.test A", "ask b www.test A"});
  dns.answer("b", kAnswer);
  dns.skip();
}

}  // namespace
}  // namespace dnslet::test

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// Scenarios: how an answer is shaped for the client that asked, and what is taken from upstream.

#include "lookup_script.h"
#include "read_answer.h"

namespace dnslet::policy {
namespace {

using dns::Type;
using test::addresses_text;
using test::hex;
using test::kToQuestion;
using test::message_of;
using test::opt;
using test::Packet;
using test::Script;

// Flags.

TEST_CASE("AA from upstream is cleared") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR aa | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 A 10.0.0.1");
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.1");
}

TEST_CASE("AD from upstream is for clients that sent AD or DO") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR ad | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 A 10.0.0.1");
  dns.ask("db.test A ad");
  dns.expect_reply("cache NOERROR ad | 60 A 10.0.0.1");
  dns.ask("db.test A edns");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.1");
  dns.ask("db.test A do");
  dns.upstream("NOERROR ad | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR ad do | 60 A 10.0.0.1");
}

TEST_CASE("AD is never set where upstream did not") {
  Script dns;
  dns.ask("db.test A ad do");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR do | 60 A 10.0.0.1");
  (void)dns.hosts.add_text("10.0.0.1 hosts.test\n");
  dns.ask("hosts.test A ad do");
  dns.expect_reply("hosts NOERROR aa do | 10 A 10.0.0.1");
}

TEST_CASE("RD, CD and DO go upstream as the client sent them, and AD always") {
  Script dns;
  for (const char* question :
       {"db.test A", "db.test A cd", "db.test A do", "db.test A nord", "db.test A cd do nord"}) {
    dns.ask(question);
    dns.expect_asked(question);
  }
}

TEST_CASE("CD comes back") {
  Script dns;
  dns.ask("db.test A cd");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR cd | 60 A 10.0.0.1");
  dns.ask("localhost A cd");
  dns.expect_reply("special NOERROR aa cd | 10 A 127.0.0.1");
}

TEST_CASE("the question comes back as it was spelled, also from cache and hosts") {
  Script dns;  // expect_reply compares the bytes
  (void)dns.hosts.add_text("10.0.0.1 hosts.test\n");
  dns.ask("dB.TeSt A");
  dns.upstream_packet(message_of("DB.tEST A", "NOERROR | 60 A 10.0.0.1"));
  dns.expect_reply("upstream NOERROR | 60 A 10.0.0.1");
  dns.ask("Db.tEsT A");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.1");
  dns.ask("HoStS.test A");
  dns.expect_reply("hosts NOERROR aa | 10 A 10.0.0.1");
}

// Sizes.

TEST_CASE("over UDP an answer has what fits, with TC") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR" + addresses_text(100));
  dns.expect_reply("upstream NOERROR tc" + addresses_text(30));
  dns.ask("db.test A edns=100");
  dns.expect_reply("cache NOERROR tc" + addresses_text(29));
  dns.ask("db.test A edns=700");
  dns.expect_reply("cache NOERROR tc" + addresses_text(41));
  dns.ask("db.test A edns=65535");
  dns.expect_reply("cache NOERROR tc" + addresses_text(74));
}

TEST_CASE("over TCP an answer is whole") {
  Script dns;
  dns.ask("db.test A tcp edns=512");
  dns.upstream("NOERROR" + addresses_text(500));
  dns.expect_reply("upstream NOERROR" + addresses_text(500));
}

TEST_CASE("additional records go first, then the authority section") {
  Script dns;
  const std::string answers = addresses_text(29);
  dns.ask("db.test A tcp");
  dns.upstream("NOERROR" + answers + " / 60 NS ns.test + ns.test 60 A 10.9.9.9");
  dns.expect_reply("upstream NOERROR" + answers + " / 60 NS ns.test + ns.test 60 A 10.9.9.9");
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR" + answers + " / 60 NS ns.test");
  dns.ask("db.test A edns=512");
  dns.expect_reply("cache NOERROR" + answers);
}

TEST_CASE("an authority section that a validating client needs goes with TC") {
  Script dns;
  const std::string answers = addresses_text(29);
  dns.ask("db.test A edns=512 do");
  dns.upstream("NOERROR" + answers + " / 60 NS ns.test");
  dns.expect_reply("upstream NOERROR tc do" + answers);
}

TEST_CASE("TC from upstream stays") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR tc | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR tc | 60 A 10.0.0.1");
}

TEST_CASE("static records are cut like all others") {
  Script dns;
  std::string text;
  for (int i = 0; i < 100; ++i) text += "10.0.0." + std::to_string(i) + " db.test\n";
  (void)dns.hosts.add_text(text);
  dns.ask("db.test A");
  dns.expect_reply("hosts NOERROR aa tc" + addresses_text(30, "10"));
  dns.ask("db.test A edns");
  dns.expect_reply("hosts NOERROR aa tc" + addresses_text(74, "10"));
  dns.ask("db.test A tcp");
  dns.expect_reply("hosts NOERROR aa" + addresses_text(100, "10"));
}

// EDNS.

TEST_CASE("an answer has OPT if the question had, whether upstream's had or not") {
  Script dns;
  dns.ask("a.test A edns");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 A 10.0.0.1");
  dns.ask("b.test A");
  dns.upstream("NOERROR opt | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR | 60 A 10.0.0.1");
}

TEST_CASE("an extended error from upstream comes back to clients with OPT, cached too") {
  Script dns;
  dns.ask("bad.test A");
  dns.upstream("SERVFAIL ede=22");
  dns.expect_reply("upstream SERVFAIL");
  dns.ask("bad.test A edns");
  dns.expect_reply("cache SERVFAIL ede=22");
  dns.ask("db.test A edns");
  dns.upstream("NOERROR ede=4 | 60 A 10.0.0.1");
  dns.expect_reply("upstream NOERROR ede=4 | 60 A 10.0.0.1");
  dns.ask("db.test A edns");
  dns.expect_reply("cache NOERROR ede=4 | 60 A 10.0.0.1");
}

TEST_CASE("an extended error does not displace a record") {
  Script dns;
  dns.ask("db.test A edns=512");
  dns.upstream("NOERROR ede=4" + addresses_text(100));
  dns.expect_reply("upstream NOERROR tc ede=4" + addresses_text(29));
  dns.ask("databases.test A edns=512");  // leaves five bytes of room
  dns.upstream("NOERROR ede=4" + addresses_text(29));
  dns.expect_reply("upstream NOERROR" + addresses_text(29));
}

TEST_CASE("a code above 15 from upstream is SERVFAIL, also for a client with OPT") {
  Script dns;
  dns.ask("bad.test A edns");
  dns.upstream("RCODE23 ede=5 | 60 A 10.0.0.1");
  dns.expect_reply("upstream SERVFAIL ede=5");
}

TEST_CASE("a code that a client does not know passes through") {
  Script dns;
  dns.ask("bad.test A");
  dns.upstream("RCODE6");
  dns.expect_reply("upstream RCODE6");
}

// What is taken from upstream.

Packet answer_packet() {
  return Packet("db.test", Type::A).flags(0x8180).answer({kToQuestion, Type::A, 60});
}

TEST_CASE("only an answer to the question is taken") {
  Script dns;
  dns.ask("db.test A");
  CHECK(dns.takes(answer_packet()));
  CHECK(dns.takes(Packet("DB.Test", Type::A).flags(0x8000)));
  CHECK_FALSE(dns.takes(answer_packet().flags(0x0180)));
  CHECK_FALSE(dns.takes(answer_packet().flags(0x9180)));
  CHECK_FALSE(dns.takes(Packet("db2.test", Type::A).flags(0x8180)));
  CHECK_FALSE(dns.takes(Packet("db.test", Type::AAAA).flags(0x8180)));
  CHECK_FALSE(dns.takes(Packet("db.test", Type::A, 3).flags(0x8180)));
  CHECK_FALSE(dns.takes(answer_packet().count(0, 0)));
}

TEST_CASE("a broken answer is not taken") {
  Script dns;
  dns.ask("db.test A");
  CHECK_FALSE(dns.takes(answer_packet().count(1, 2)));
  CHECK_FALSE(dns.takes(answer_packet().additional(opt()).additional(opt())));
  CHECK_FALSE(dns.takes(answer_packet().additional({hex("c0ff")})));
}

TEST_CASE("what follows upstream's OPT and what follows its last record is left out") {
  Script dns;
  dns.ask("db.test A edns");
  dns.upstream_packet(answer_packet().additional(opt()).additional().raw(hex("ffff")));
  dns.expect_reply("upstream NOERROR | 60 A 192.0.2.1");
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR | 60 A 192.0.2.1");
}

TEST_CASE("one place may hold one answer after the other, and nothing is left of those before") {
  const UpstreamQuestion question = {{*dns::Name::from_text("db.test"), Type::A}, {}};
  const dns::Bytes stale_answer = hex("000f 0002 0003");
  const std::vector<Packet> packets = {
      answer_packet().additional(opt(1232, 0, stale_answer)),
      answer_packet(),
      answer_packet().flags(0x8182),
      answer_packet().additional(opt(1232, 0x01000000)),
      answer_packet().flags(0x8181).additional(opt()),
      Packet("db.test", Type::A).flags(0x8185),
  };
  UpstreamAnswer used;
  for (const Packet& first : packets) {
    for (const Packet& second : packets) {
      REQUIRE(read_answer(first, question, used));
      REQUIRE(read_answer(second, question, used));
      const auto fresh = read_answer(second, question);
      CHECK(dns::same_bytes(used.answer.message(), fresh->answer.message()));
      CHECK(dns::same_bytes(used.answer.error().data(), fresh->answer.error().data()));
      CHECK(used.rcode == fresh->rcode);
      CHECK(used.has_edns == fresh->has_edns);
    }
    const Answer taken = std::move(used.answer);
    REQUIRE(read_answer(first, question, used));
    CHECK(dns::same_bytes(used.answer.message(), read_answer(first, question)->answer.message()));
  }
}

TEST_CASE("upstream is known to speak EDNS by its OPT") {
  const UpstreamQuestion question = {{*dns::Name::from_text("db.test"), Type::A}, {}};
  CHECK_FALSE(read_answer(answer_packet().flags(0x8181), question)->has_edns);
  CHECK(read_answer(answer_packet().flags(0x8181).additional(opt()), question)->has_edns);
  CHECK(read_answer(answer_packet().flags(0x8181), question)->rcode == dns::Rcode::FormErr);
}

}  // namespace
}  // namespace dnslet::policy

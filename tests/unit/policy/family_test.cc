// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/family.h"

#include "lookup_script.h"

namespace dnslet::policy {
namespace {

using test::Script;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): 2s

constexpr const char* kNoName = "NXDOMAIN / test 60 SOA 60";
constexpr const char* kNoData = "NOERROR / test 60 SOA 60";

void keep_answer(Script& dns, const std::string& question, const std::string& answer) {
  dns.ask(question);
  dns.upstream(answer);
}

// By the cache.

TEST_CASE("NXDOMAIN for one family is NODATA where the cache has the other") {
  Script dns;
  keep_answer(dns, "db.test A", "NOERROR | 60 A 10.0.0.1");
  dns.ask("db.test AAAA");
  dns.upstream(kNoName);
  dns.expect_reply("upstream NOERROR / test 60 SOA 60");
  dns.pass(4s);
  dns.ask("db.test AAAA");
  dns.expect_reply("cache NOERROR / test 56 SOA 60");
}

TEST_CASE("it holds for both families, and NODATA shows a name as well") {
  Script dns;
  keep_answer(dns, "db.test AAAA", kNoData);
  dns.ask("db.test A");
  dns.upstream(kNoName);
  dns.expect_reply("upstream NOERROR / test 60 SOA 60");
}

TEST_CASE("NXDOMAIN that is kept already becomes NODATA when the other family turns up") {
  Script dns;
  keep_answer(dns, "db.test AAAA", kNoName);
  dns.expect_reply("upstream NXDOMAIN / test 60 SOA 60");
  keep_answer(dns, "db.test A", "NOERROR | 60 A 10.0.0.1");
  dns.ask("db.test AAAA");
  dns.expect_reply("cache NOERROR / test 60 SOA 60");
}

TEST_CASE("NXDOMAIN for both families stays") {
  Script dns;
  keep_answer(dns, "db.test A", kNoName);
  keep_answer(dns, "db.test AAAA", kNoName);
  for (const char* question : {"db.test A", "db.test AAAA"}) {
    dns.ask(question);
    dns.expect_reply("cache NXDOMAIN / test 60 SOA 60");
  }
}

TEST_CASE("an answer that has ended shows nothing") {
  Script dns(100, 3600s);
  keep_answer(dns, "db.test A", "NOERROR | 60 A 10.0.0.1");
  dns.pass(60s);
  dns.ask("db.test AAAA");
  dns.upstream(kNoName);
  dns.expect_reply("upstream NXDOMAIN / test 60 SOA 60");
}

TEST_CASE("other types and other names show nothing") {
  Script dns;
  keep_answer(dns, "db.test TXT", "NOERROR | 60 TXT text");
  keep_answer(dns, "b.db.test A", "NOERROR | 60 A 10.0.0.1");
  keep_answer(dns, "db.test A cd", "NOERROR | 60 A 10.0.0.1");
  dns.ask("db.test AAAA");
  dns.upstream(kNoName);
  dns.expect_reply("upstream NXDOMAIN / test 60 SOA 60");
}

TEST_CASE("a family is about addresses: NXDOMAIN for another type stays") {
  Script dns;
  keep_answer(dns, "db.test A", "NOERROR | 60 A 10.0.0.1");
  dns.ask("db.test TXT");
  dns.upstream(kNoName);
  dns.expect_reply("upstream NXDOMAIN / test 60 SOA 60");
}

TEST_CASE("who asks for DNSSEC data gets what upstream has said") {
  Script dns;
  keep_answer(dns, "db.test A do", "NOERROR | 60 A 10.0.0.1");
  dns.ask("db.test AAAA do");
  dns.upstream(kNoName);
  dns.expect_reply("upstream NXDOMAIN do / test 60 SOA 60");
}

TEST_CASE("an answer that is changed is no validated one any more") {
  Script dns;
  keep_answer(dns, "db.test A ad", "NOERROR ad | 60 A 10.0.0.1");
  dns.ask("db.test AAAA ad");
  dns.upstream("NXDOMAIN ad / test 60 SOA 60");
  dns.expect_reply("upstream NOERROR / test 60 SOA 60");
}

TEST_CASE("the fix can be switched off") {
  Script dns;
  dns.settings.families_agree = false;
  keep_answer(dns, "db.test A", "NOERROR | 60 A 10.0.0.1");
  keep_answer(dns, "db.test AAAA", kNoName);
  dns.expect_reply("upstream NXDOMAIN / test 60 SOA 60");
  dns.ask("db.test AAAA");
  dns.expect_reply("cache NXDOMAIN / test 60 SOA 60");
}

// By the question under way.

TEST_CASE(
    "NXDOMAIN is NODATA where the other family's answer has come meanwhile, without a cache") {
  Script dns(0);
  dns.ask("db.test AAAA");
  dns.sibling_shows(Existence::HasRecords);
  dns.upstream("NXDOMAIN");
  dns.expect_reply("upstream NOERROR");
}

TEST_CASE("what may change its meaning is NXDOMAIN, and in a search NODATA too") {
  const dns::Question question{*dns::Name::from_text("db.test"), dns::Type::A, dns::Class::IN};
  const Answer no_name{dns::build_failure(question, dns::Rcode::NxDomain), {}};
  const Answer no_data{dns::build_failure(question, dns::Rcode::NoError), {}};
  const Answer failure{dns::build_failure(question, dns::Rcode::ServFail), {}};
  CHECK(depends_on_sibling(no_name, Searching::No));
  CHECK(depends_on_sibling(no_name, Searching::Yes));
  CHECK_FALSE(depends_on_sibling(no_data, Searching::No));
  CHECK(depends_on_sibling(no_data, Searching::Yes));
  CHECK_FALSE(depends_on_sibling(failure, Searching::Yes));
}

TEST_CASE("the sibling of a question differs in its family alone") {
  UpstreamQuestion question{{*dns::Name::from_text("db.test"), dns::Type::A, dns::Class::IN}, {}};
  question.flags.checking_disabled = true;
  const auto sibling = sibling_of(question);
  REQUIRE(sibling);
  CHECK(sibling->question.type == dns::Type::AAAA);
  CHECK(*sibling_of(*sibling) == question);
  question.flags.dnssec_ok = true;
  CHECK_FALSE(sibling_of(question));
  question.flags.dnssec_ok = false;
  question.question.type = dns::Type::TXT;
  CHECK_FALSE(sibling_of(question));
}

// Search.

TEST_CASE("a search ends with NODATA at the name that has the other family") {
  for (const char* negative : {kNoName, kNoData}) {
    Script dns;
    dns.search_in({"a.test", "b.test"});
    keep_answer(dns, "db A", "NOERROR | 60 A 10.0.0.1");
    dns.ask("db AAAA");
    dns.expect_asked("db.a.test AAAA");
    dns.upstream(negative);
    dns.expect_reply("upstream NOERROR / test 10 SOA 60");
    dns.ask("db AAAA");
    dns.expect_reply("cache NOERROR / test 10 SOA 60");
  }
}

TEST_CASE("a search goes on behind a name that has neither family") {
  for (const char* negative : {kNoName, kNoData}) {
    Script dns;
    dns.search_in({"a.test", "b.test"});
    dns.ask("db A");
    dns.upstream(kNoData);
    dns.upstream("NOERROR | 60 A 10.0.0.1");
    dns.ask("db AAAA");
    dns.upstream(negative);
    dns.expect_asked("db.b.test AAAA");
    dns.upstream(negative);
    dns.expect_reply("upstream NOERROR / test 10 SOA 60");
  }
}

TEST_CASE("a question under way for the other family ends a search too, without a cache") {
  Script dns(0);
  dns.search_in({"a.test", "b.test"});
  dns.ask("db AAAA");
  dns.sibling_shows(Existence::Exists);
  dns.upstream("NXDOMAIN");
  dns.expect_asked("db.b.test AAAA");
  dns.sibling_shows(Existence::HasRecords);
  dns.upstream("NXDOMAIN");
  dns.expect_reply("upstream NOERROR");
}

TEST_CASE("a name of a hosts file ends a search for the family that it lacks") {
  Script dns;
  dns.search_in({"a.test", "b.test"});
  (void)dns.hosts.add_text("10.0.0.1 db.a.test\n");
  dns.ask("db A");
  dns.expect_reply("hosts NOERROR | 10 CNAME db.a.test | db.a.test 10 A 10.0.0.1");
  dns.ask("db AAAA");
  dns.expect_reply("hosts NOERROR");
}

TEST_CASE("each name of a search is told with its source and what came of it") {
  Script dns;
  dns.search_in({"a.test", "b.test", "c.test", "d.test"});
  (void)dns.hosts.add_text("10.0.0.1 db.c.test\n");
  dns.block("db.a.test");
  std::vector<std::string> told;
  dns.on_tried = [&](const Tried& tried) {
    told.push_back(tried.name.view().to_text() + ' ' + to_text(tried.source) + ' ' +
                   std::to_string(static_cast<int>(outcome_of(tried.answer.kind()))) +
                   (tried.ends_search ? " end" : ""));
  };
  dns.ask("db AAAA");
  CHECK(told == std::vector<std::string>{"db.a.test block 2"});
  dns.expect_asked("db.b.test AAAA");
  dns.upstream("SERVFAIL");
  CHECK(told == std::vector<std::string>{"db.a.test block 2", "db.b.test upstream 3",
                                         "db.c.test hosts 1 end"});
  dns.expect_reply("hosts NOERROR");
}

TEST_CASE("a failure for one family of a name that the other one has shown is NODATA, not kept") {
  const auto shown = GENERATE(Existence::Exists, Existence::HasRecords);
  const std::string failure = GENERATE("SERVFAIL", "REFUSED", "NOTIMP", "none");
  Script dns;
  dns.sibling_shows(shown);
  for (int i = 0; i < 2; ++i) {
    dns.ask("www.test AAAA");
    dns.expect_asked("www.test AAAA");
    if (failure == "none")
      dns.no_server_answers();
    else
      dns.upstream(failure);
    CHECK(dns.reply_text().ends_with(" NOERROR"));
  }
}

TEST_CASE("the cache tells as much of the other family") {
  Script dns;
  keep_answer(dns, "www.test A", "NOERROR | 60 A 10.0.0.1");
  dns.ask("www.test AAAA");
  dns.upstream("SERVFAIL");
  dns.expect_reply("upstream NOERROR");
  dns.pass(61s);
  dns.ask("www.test AAAA");
  dns.upstream("SERVFAIL");
  dns.expect_reply("upstream SERVFAIL");
}

TEST_CASE("a failure stays one for DNSSEC data, other types, unknown names and without the fix") {
  const std::string question = GENERATE("www.test AAAA do", "www.test MX", "www2.test AAAA", "off");
  Script dns;
  keep_answer(dns, "www.test A", "NOERROR | 60 A 10.0.0.1");
  dns.settings.families_agree = question != "off";
  dns.ask(question == "off" ? "www.test AAAA" : question);
  dns.upstream("SERVFAIL");
  CHECK(dns.reply_text().starts_with("upstream SERVFAIL"));
}

TEST_CASE("an answer that has ended is better than what the other family shows") {
  Script dns(100, std::chrono::hours(1));
  keep_answer(dns, "www.test AAAA", "NOERROR | 5 AAAA fd00::1");
  keep_answer(dns, "www.test A", "NOERROR | 60 A 10.0.0.1");
  dns.pass(10s);
  dns.ask("www.test AAAA");
  dns.upstream("SERVFAIL");
  dns.expect_reply("stale NOERROR | 30 AAAA fd00::1");
}

TEST_CASE("a search ends where one family fails and the other one has records") {
  Script dns;
  dns.search_in({"a.test", "b.test"});
  keep_answer(dns, "db A", "NOERROR | 60 A 10.0.0.1");
  dns.ask("db AAAA");
  dns.expect_asked("db.a.test AAAA");
  dns.upstream("SERVFAIL");
  dns.expect_reply("upstream NOERROR");
}

TEST_CASE("servers that are silent for one family are no error where the other one has records") {
  Script dns;
  if (GENERATE(false, true)) dns.search_in({"a.test", "b.test"});
  keep_answer(dns, "db A", "NOERROR | 60 A 10.0.0.1");
  dns.ask("db AAAA");
  dns.no_server_answers();
  dns.expect_reply("upstream NOERROR");
}

TEST_CASE("without the fix a search goes on to another domain's name") {
  Script dns;
  dns.settings.families_agree = false;
  dns.search_in({"a.test", "b.test"});
  keep_answer(dns, "db A", "NOERROR | 60 A 10.0.0.1");
  dns.ask("db AAAA");
  dns.upstream(kNoData);
  dns.expect_asked("db.b.test AAAA");
}

}  // namespace
}  // namespace dnslet::policy

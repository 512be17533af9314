// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// Answers in use are asked for again before they end.

#include "lookup_script.h"

namespace dnslet::policy {
namespace {

using test::Script;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): 2s

// Has an answer for db.test with these seconds to live, and has given it out once already.
struct Used : Script {
  explicit Used(const std::string& ttl = "60") {
    ask("db.test A");
    upstream("NOERROR | " + ttl + " A 10.0.0.1");
    use();
  }
  void use() {
    ask("db.test A");
    expect_no_refresh();
  }
};

TEST_CASE("an answer in use is asked for again in the last tenth of its life") {
  Used dns;
  dns.pass(54s);
  dns.use();  // exactly a tenth is left
  dns.pass(1ms);
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR | 6 A 10.0.0.1");
  dns.expect_refresh();
  dns.expect_asked("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.2");
  dns.ask("db.test A");
  dns.expect_reply("cache NOERROR | 60 A 10.0.0.2");
  dns.expect_no_refresh();
}

TEST_CASE("a short life has its last second for that, the shortest none") {
  Used five("5");
  five.pass(4s);
  five.use();
  five.pass(1ms);
  five.ask("db.test A");
  five.expect_refresh();
  Used one("1");
  one.pass(999ms);
  one.use();
  one.use();
}

TEST_CASE("an answer that was used once is not in use") {
  Script dns;
  dns.ask("db.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.pass(59s);
  dns.ask("db.test A");
  dns.expect_no_refresh();
  dns.ask("db.test A");
  dns.expect_refresh();
}

TEST_CASE("an answer is asked for again once, whatever comes of it") {
  Used dns;
  dns.pass(55s);
  dns.ask("db.test A edns");
  dns.expect_refresh();
  dns.use();
  dns.ask("db.test A tcp");
  dns.expect_no_refresh();
  dns.late("SERVFAIL");
  dns.use();
  dns.expect_reply("cache NOERROR | 5 A 10.0.0.1");
}

TEST_CASE("negative answers are never asked for again") {
  for (const char* answer : {"NXDOMAIN / test 10 SOA 10", "NOERROR / test 10 SOA 10",
                             "NOERROR | 10 CNAME a.test / test 10 SOA 10"}) {
    Script dns;
    dns.ask("db.test A");
    dns.upstream(answer);
    dns.pass(9500ms);
    for (int i = 0; i < 4; ++i) {
      dns.ask("db.test A");
      dns.expect_no_refresh();
    }
  }
}

TEST_CASE("a question without RD refreshes nothing") {
  Used dns;
  dns.pass(55s);
  dns.ask("db.test A nord");
  dns.expect_no_refresh();
}

TEST_CASE("a refresh asks for DNSSEC data where the answer had them") {
  Script dns;
  dns.ask("db.test A do cd");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.pass(55s);
  dns.ask("db.test A do cd");
  dns.ask("db.test A do cd");
  dns.expect_refresh();
  dns.expect_asked("db.test A cd do");
}

TEST_CASE("the refresh can be switched off") {
  Used dns;
  dns.settings.refreshes = false;
  dns.pass(55s);
  dns.use();
}

TEST_CASE(
    "a searched answer is searched again, and the names' own answers do not stand in the way") {
  Script dns;
  for (const char* domain : {"a.test", "b.test"})
    dns.settings.search.domains.push_back(*dns::Name::from_text(domain));
  dns.ask("db A");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.upstream("NOERROR | 60 A 10.0.0.1");
  dns.pass(55s);
  dns.ask("db A");
  dns.ask("db A");
  dns.expect_reply("cache NOERROR | 5 CNAME db.b.test | db.b.test 5 A 10.0.0.1");
  dns.expect_refresh();
  dns.expect_asked("db.a.test A");
  dns.upstream("NXDOMAIN / test 60 SOA 60");
  dns.expect_asked("db.b.test A");
  dns.upstream("NOERROR | 60 A 10.0.0.2");
  dns.ask("db A");
  dns.expect_reply("cache NOERROR | 60 CNAME db.b.test | db.b.test 60 A 10.0.0.2");
  dns.expect_no_refresh();
}

}  // namespace
}  // namespace dnslet::policy

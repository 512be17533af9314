// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/option_warnings.h"

#include <string>
#include <vector>

#include "catch.h"
#include "config/options.h"
#include "io/tls.h"

using namespace dnslet::config;

namespace {

using Texts = std::vector<std::string>;

Texts warnings(const Texts& arguments, const Environment& environment = {}) {
  const auto parsed = parse_options(arguments, environment);
  INFO((parsed ? "" : parsed.error().text));
  REQUIRE(parsed);
  return parsed->warnings;
}

Texts of_variable(const std::string& name, const std::string& value = "x") {
  return warnings({}, {{name, value}});
}

}  // namespace

TEST_CASE("a misspelt variable is named, with the nearest one within three edits") {
  CHECK(of_variable("DNSMASQ_SERVER") ==
        Texts{"the variable 'DNSMASQ_SERVER' is none of dnslet's and does nothing: did you mean "
              "DNSMASQ_SERVERS?"});
  CHECK(of_variable("DNSMASQ_RCACHE_TT") ==
        Texts{"the variable 'DNSMASQ_RCACHE_TT' is none of dnslet's and does nothing: did you mean "
              "DNSMASQ_RCACHE_TTL?"});
  CHECK_THAT(of_variable("DNSMASQ_STUBxyz")[0],
             Catch::Matchers::EndsWith("did you mean DNSMASQ_STUB?"));
  CHECK_THAT(of_variable("DNSMASQ_STUBwxyz")[0], Catch::Matchers::EndsWith(", see --help-all"));
  CHECK(of_variable("DNSMASQ_FORWARDERS") == Texts{"the variable 'DNSMASQ_FORWARDERS' is none of "
                                                   "dnslet's and does nothing, see --help-all"});
}

TEST_CASE("each misspelt variable has one warning, whatever its name is made of") {
  CHECK(warnings({}, {{"DNSMASQ_A", "1"}, {"DNSMASQ_B", "1"}, {"DNSMASQ_RCACHE", "1"}}).size() ==
        2);
  CHECK_THAT(of_variable("DNSMASQ_\n")[0], Catch::Matchers::ContainsSubstring("'DNSMASQ_\\x0a'"));
  CHECK(of_variable("DNSMASQ_" + std::string(100'000, 'X'))[0].size() < 200);
  CHECK(of_variable("DNSMASQ_").size() == 1);
}

TEST_CASE("an empty variable, a stranger's and those of Kubernetes are not warned of") {
  CHECK(of_variable("DNSMASQ_SERVER", "").empty());
  for (const char* name :
       {"DNSMASQ", "DNSMASK_SERVERS", "dnsmasq_server", "MY_DNSMASQ_SERVER", "DNSMASQ_SERVICE_HOST",
        "DNSMASQ_SERVICE_PORT_DNS", "DNSMASQ_PORT", "DNSMASQ_PORT_53_UDP_ADDR", "GRAPHITE_SERVE"}) {
    CAPTURE(name);
    CHECK(of_variable(name).empty());
  }
  CHECK(of_variable("DNSMASQ_SERVICES").size() == 1);
}

TEST_CASE("an option that needs one of several is content with any") {
  CHECK(warnings({"--hostsfile-poll=7"}) ==
        Texts{"--hostsfile-poll has no effect without --hostsfile (DNSMASQ_HOSTSFILE)"});
  CHECK(warnings({"--hostsfile-poll=7", "--hostsfile=/hosts"}).empty());
  CHECK(warnings({"--hostsfile-poll=7", "--blocklist=/list"}).empty());
  CHECK(warnings({"--hostsfile-poll=7", "--list=a=/list"}).size() == 1);  // of the list alone
}

TEST_CASE("an option that does nothing because another one is missing is named with that one") {
  CHECK(warnings({"--search-domains=a.test"}) ==
        Texts{"--search-domains has no effect without --enable-search (DNSMASQ_ENABLE_SEARCH)"});
  CHECK(warnings({}, {{"DNSMASQ_RCACHE_TTL", "5"}}) ==
        Texts{"DNSMASQ_RCACHE_TTL has no effect without --rcache (DNSMASQ_RCACHE)"});
  CHECK(warnings({}, {{"GRAPHITE_PREFIX", "a"}}) ==
        Texts{"GRAPHITE_PREFIX has no effect without GRAPHITE_SERVER"});
  for (const char* flag : {"--ndots=2", "--ndots=0", "--rcache-ttl=60", "--rcache-neg-ttl=0",
                           "--rcache-stale=5", "--no-prefetch", "--hostsfile-poll=7",
                           "--resolvconf-options=auto", "--bootstrap=10.0.0.1"}) {
    CAPTURE(flag);
    CHECK(warnings({flag}).size() == 1);
  }
}

TEST_CASE("an option does nothing where the one that it needs does nothing") {
  CHECK(warnings({"--rcache-stale-first"}) ==
        Texts{"--rcache-stale-first has no effect without --rcache-stale (DNSMASQ_RCACHE_STALE)"});
  CHECK(warnings({"--rcache-stale-first", "-r", "9"}) ==
        Texts{"--rcache-stale-first has no effect without --rcache-stale (DNSMASQ_RCACHE_STALE)"});
  CHECK(warnings({"--rcache-stale=9"}, {{"DNSMASQ_RCACHE_STALE_FIRST", "1"}}) ==
        Texts{"--rcache-stale has no effect without --rcache (DNSMASQ_RCACHE)",
              "DNSMASQ_RCACHE_STALE_FIRST has no effect without --rcache (DNSMASQ_RCACHE)"});
  CHECK(warnings({"--rcache-stale-first", "--rcache-stale=9", "-r", "9"}).empty());
  CHECK(warnings({"--rcache-stale-first=false"}).empty());
}

TEST_CASE("an option whose companion is there has its effect") {
  CHECK(warnings({"-s", "a.test", "--ndots=2", "--enable-search"}).empty());
  CHECK(warnings({"--rcache-ttl=5", "--rcache-stale=5", "--no-prefetch", "-r", "9"}).empty());
  CHECK(warnings({"-p", "7", "-f", "/hosts"}).empty());
  CHECK(warnings({"--rcache-ttl=5"}, {{"DNSMASQ_RCACHE", "9"}}).empty());
  CHECK(warnings({"-d", "--resolvconf-options=auto", "--search"}).empty());
  CHECK(warnings({"--bootstrap=10.0.0.1", "-n", "dns.test"}).empty());
  CHECK(warnings({"--bootstrap=10.0.0.1", "-z", "a.test/10.0.0.2,ns.test:53"}).empty());
  CHECK(warnings({"-s", "a.test", "--enable-search=no"}).size() == 1);
}

TEST_CASE("an option of TLS without anybody who speaks it does nothing") {
  if (!dnslet::io::has_tls()) return;
  const std::string pin = "--tls-pin=dns.test=" + std::string(43, 'A') + "=";
  const Texts asked = {"--tls-ca has no effect: no server is asked over TLS",
                       "--tls-pin has no effect: no server is asked over TLS"};
  CHECK(warnings({"--tls-ca=/ca", pin}) == asked);
  CHECK(warnings({"--tls-ca=/ca", pin, "-n", "10.0.0.1,tcp://10.0.0.2"}) == asked);
  CHECK(warnings({"--tls-ca=/ca", pin, "-n", "tls://10.0.0.1", "--no-rec"}) == asked);
  CHECK(warnings({pin, "-n", "tls://10.0.0.1#dnss.test"}) ==
        Texts{"--tls-pin has no effect: no server is verified as 'dns.test'"});
  CHECK(warnings({pin, "-n", "tls://10.0.0.1,tcp://dns.test"}) ==
        Texts{"--tls-pin has no effect: no server is verified as 'dns.test'"});
  CHECK(warnings({pin, "-n", "10.0.0.1", "-z", "a.test/tls://DNS.test"}).empty());
  CHECK(warnings({pin, "-n", "10.0.0.1", "--rule", "* -> ask tls://10.0.0.1#dns.test"}).empty());
  CHECK(warnings({}, {{"DNSMASQ_TLS_CA", "/ca"}}) ==
        Texts{"DNSMASQ_TLS_CA has no effect: no server is asked over TLS"});
  for (const Texts& server :
       {Texts{"-n", "10.0.0.1,tls://10.0.0.2#dns.test"},
        Texts{"-n", "https://10.0.0.1/dns-query#dns.test"}, Texts{"-z", "a.test/tls://dns.test"},
        Texts{"--rule", "* -> ask tls://10.0.0.1#dns.test"}, Texts{"--rule", "@/rules"},
        Texts{"-n", "socks5://10.0.0.1/tls://dns.test"},
        Texts{"--shared-cache=rediss://dns.test"}}) {
    CAPTURE(server);
    Texts arguments = {"--tls-ca=/ca", pin};
    arguments.insert(arguments.end(), server.begin(), server.end());
    CHECK(warnings(arguments).empty());
  }
  CHECK(warnings({"--tls-cert=/cert"}) ==
        Texts{"--tls-cert has no effect: no listener is encrypted"});
  CHECK(warnings({"--tls-cert=/cert", "-l", "tls://127.0.0.1"}).empty());
}

TEST_CASE("what is off needs no companion") {
  CHECK(warnings({"--no-prefetch=false", "--rcache-stale=0", "--hostsfile-poll=0"}).empty());
}

TEST_CASE("a port behind -p is told from an interval") {
  for (const char* port : {"53", "5353", "1053"}) {
    CAPTURE(port);
    const auto told = warnings({"-p", port, "-f", "/hosts"});
    REQUIRE(told.size() == 1);
    CHECK_THAT(told[0], Catch::Matchers::StartsWith("-p (--hostsfile-poll) " + std::string(port)) &&
                            Catch::Matchers::ContainsSubstring("--listen 127.0.0.1:53"));
  }
  CHECK(warnings({"-p", "60", "-f", "/hosts"}).empty());
  CHECK(warnings({"-f", "/hosts"}, {{"DNSMASQ_POLL", "53"}}).empty());
}

TEST_CASE("whether errors are wanted as JSON is known before options are good") {
  CHECK(wants_json({"--log-format=json", "--bogus"}, {}));
  CHECK(wants_json({"-log-format", "JSON"}, {}));
  CHECK(wants_json({"--rcache=x"}, {{"DNSMASQ_LOG_FORMAT", "Json"}}));
  CHECK_FALSE(wants_json({"--log-format=text"}, {{"DNSMASQ_LOG_FORMAT", "json"}}));
  CHECK_FALSE(wants_json({"--log-format"}, {}));
  CHECK_FALSE(wants_json({"json"}, {}));
}

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/options.h"

#include "config/parsed.h"

namespace dnslet::config {
namespace {

TEST_CASE("search domains keep their order and need no dot") {
  const Arguments expected = {"ns.svc.cluster.local", "lan", "corp.example"};
  CHECK(texts(good({"-s", "ns.svc.cluster.local, .lan ,Corp.example."}).search_domains) ==
        expected);
  CHECK(texts(good({}, {{"DNSMASQ_SEARCH_DOMAINS", "ns.svc.cluster.local,lan,Corp.example."}})
                  .search_domains) == expected);
  CHECK(bad({"--search-domains=a..b"}) ==
        "--search-domains: 'a..b' is not a domain, for example corp.example");
  for (const char* text : {"..", "*.a", "a b", "a.test;b.test", "a.test:53", "a=b"}) {
    CAPTURE(text);
    CHECK_THAT(bad({}, {{"DNSMASQ_SEARCH_DOMAINS", text}}),
               Catch::Matchers::StartsWith("DNSMASQ_SEARCH_DOMAINS: '"));
  }
}

TEST_CASE("a dot in the search list is no domain, and no error") {
  CHECK(texts(good({"-s", "a.test,.,b.test"}).search_domains) == Arguments{"a.test", "b.test"});
  const Options options = good({"--search", "-s", "."});
  REQUIRE(options.search_domains);
  CHECK(options.search_domains->empty());
}

TEST_CASE("a domain that stands in the search list twice is tried once") {
  CHECK(texts(good({"-s", "a.test,b.test,A.test.", "-s", ".b.test,c"}).search_domains) ==
        Arguments{"a.test", "b.test", "c"});
}

TEST_CASE("a search list has any length") {
  std::string list = "d0.test";
  for (int i = 1; i < 1000; ++i) list += ",d" + std::to_string(i) + ".test";
  CHECK(texts(good({"--search-domains", list}).search_domains).size() == 1000);
}

TEST_CASE("search is enabled by every spelling of its flag and by its variable") {
  const std::string flag =
      GENERATE(as<std::string>{}, "--enable-search", "-enable-search", "--search", "-search",
               "--append-search-domains", "-append-search-domains", "-a", "--a");
  CAPTURE(flag);
  CHECK(good({flag}).enable_search);
  CHECK(good({flag + "=yes"}).enable_search);
  CHECK_FALSE(good({flag + "=no"}, {{"DNSMASQ_ENABLE_SEARCH", "true"}}).enable_search);
  CHECK(setting("enable-search", {flag}).origin == Origin::Flag);
  CHECK_THAT(bad({flag + "=maybe"}),
             Catch::Matchers::StartsWith("--enable-search: 'maybe' is not"));
  CHECK(good({}, {{"DNSMASQ_ENABLE_SEARCH", "1"}}).enable_search);
}

TEST_CASE("of several spellings of one flag the last one wins") {
  CHECK_FALSE(good({"-a", "--search=false"}).enable_search);
  CHECK(good({"--enable-search=false", "-a"}).enable_search);
}

TEST_CASE("a deprecated flag is warned of once, with the one to use") {
  CHECK(warnings({"-a"}) == Arguments{"-a is deprecated: use --enable-search"});
  CHECK(warnings({"--append-search-domains=yes", "-append-search-domains"}) ==
        Arguments{"--append-search-domains is deprecated: use --enable-search"});
  CHECK(warnings({"-a", "--append-search-domains"}).size() == 2);
  CHECK(warnings({"--enable-search", "-search", "--search", "-s", "a", "-z", "a/::1"}).empty());
}

TEST_CASE("a value that looks like a deprecated flag is not warned of") {
  CHECK(warnings({"--hostsfile", "-a"}).empty());
  CHECK(good({"--hostsfile", "-a"}).hosts_files == Arguments{"-a"});
}

TEST_CASE("a deprecated variable works, with a warning that names the one to use") {
  const Variables variables = {{"DNSMASQ_APPEND", "true"}, {"DNSMASQ_SEARCH", "a.test,b.test"}};
  const Options options = good({}, variables);
  CHECK(options.enable_search);
  CHECK(texts(options.search_domains) == Arguments{"a.test", "b.test"});
  CHECK(warnings({}, variables) ==
        Arguments{"DNSMASQ_APPEND is deprecated: use DNSMASQ_ENABLE_SEARCH",
                  "DNSMASQ_SEARCH is deprecated: use DNSMASQ_SEARCH_DOMAINS"});
  const Setting list = setting("search-domains", {}, variables);
  CHECK(list.origin == Origin::Variable);
  CHECK(config_text({list}) == "search-domains = a.test,b.test  (DNSMASQ_SEARCH)\n");
  CHECK_THAT(bad({}, {{"DNSMASQ_APPEND", "x"}}),
             Catch::Matchers::StartsWith("DNSMASQ_APPEND: 'x' is not true or false"));
}

TEST_CASE("a deprecated variable gives way to the new one and to the flag, and is not looked at") {
  Variables variables = {{"DNSMASQ_APPEND", "x"},
                         {"DNSMASQ_SEARCH", "a..b"},
                         {"DNSMASQ_ENABLE_SEARCH", "false"},
                         {"DNSMASQ_SEARCH_DOMAINS", "new.test"}};
  CHECK_FALSE(good({}, variables).enable_search);
  CHECK(texts(good({}, variables).search_domains) == Arguments{"new.test"});
  CHECK(warnings({}, variables) == Arguments{"DNSMASQ_SEARCH_DOMAINS has no effect without "
                                             "--enable-search (DNSMASQ_ENABLE_SEARCH)"});
  variables["DNSMASQ_ENABLE_SEARCH"] = variables["DNSMASQ_SEARCH_DOMAINS"] = "";
  CHECK(texts(good({"--search", "-s", "flag.test"}, variables).search_domains) ==
        Arguments{"flag.test"});
  CHECK_FALSE(bad({}, variables).empty());
}

TEST_CASE("the names of variables are no flags") {
  CHECK_FALSE(bad({"--DNSMASQ_APPEND"}).empty());
  CHECK_FALSE(bad({"--DNSMASQ_SEARCH=a"}).empty());
}

TEST_CASE("ndots 0 is told apart from being left to resolv.conf") {
  CHECK(good({"--ndots=0"}).ndots == 0U);
  CHECK(good({}, {{"DNSMASQ_NDOTS", "5"}}).ndots == 5U);
  CHECK(good({}, {{"DNSMASQ_NDOTS", ""}}).ndots == std::nullopt);
  CHECK(bad({"--ndots=16"}) == "--ndots: '16' is not a number of dots from 0 to 15");
}

TEST_CASE("round-robin is a switch") {
  CHECK(good({"--round-robin"}).round_robin);
  CHECK(good({}, {{"DNSMASQ_RR", "on"}}).round_robin);
}

TEST_CASE("paths are taken as they are") {
  CHECK(good({"--resolv-conf=/run/resolv conf"}).resolv_conf == "/run/resolv conf");
  CHECK(good({}, {{"DNSMASQ_RESOLV_CONF", "/x"}}).resolv_conf == "/x");
}

struct NumberCase {
  std::string flag;
  std::string variable;
  int64_t min;
  int64_t max;
  int64_t (*read)(const Options&);
};

const std::vector<NumberCase> kNumbers = {
    {"ndots", "DNSMASQ_NDOTS", 0, 15,
     [](const Options& o) { return o.ndots ? static_cast<int64_t>(*o.ndots) : -1; }},
    {"fwd-ndots", "DNSMASQ_FWD_NDOTS", 0, 126,
     [](const Options& o) -> int64_t { return o.fwd_ndots; }},
    {"hostsfile-poll", "DNSMASQ_POLL", 0, 86400,
     [](const Options& o) -> int64_t { return o.hosts_poll.count(); }},
    {"rcache", "DNSMASQ_RCACHE", 0, 10'000'000,
     [](const Options& o) { return static_cast<int64_t>(o.cache_capacity); }},
    {"rcache-ttl", "DNSMASQ_RCACHE_TTL", 1, 86400,
     [](const Options& o) -> int64_t { return o.cache_ttl.count(); }},
    {"rcache-neg-ttl", "DNSMASQ_RCACHE_NEG_TTL", 0, 86400,
     [](const Options& o) -> int64_t { return o.cache_negative_ttl.count(); }},
    {"rcache-stale", "DNSMASQ_RCACHE_STALE", 0, 86400,
     [](const Options& o) -> int64_t { return o.cache_stale.count(); }},
    {"upstream-timeout", "DNSMASQ_UPSTREAM_TIMEOUT", 1, 86'400'000,
     [](const Options& o) -> int64_t { return o.upstream_timeout.count(); }},
    {"upstream-retry", "DNSMASQ_UPSTREAM_RETRY", 1, 86'400'000,
     [](const Options& o) -> int64_t { return o.upstream_retry.count(); }},
    {"max-inflight", "DNSMASQ_MAX_INFLIGHT", 1, 1'000'000,
     [](const Options& o) { return static_cast<int64_t>(o.max_inflight); }},
    {"max-tcp-clients", "DNSMASQ_MAX_TCP_CLIENTS", 1, 1'000'000,
     [](const Options& o) { return static_cast<int64_t>(o.max_tcp_clients); }},
    {"tcp-idle-timeout", "DNSMASQ_TCP_IDLE_TIMEOUT", 1, 86'400'000,
     [](const Options& o) -> int64_t { return o.tcp_idle_timeout.count(); }},
};

TEST_CASE("numbers are taken from their smallest to their largest value") {
  for (const NumberCase& number : kNumbers) {
    CAPTURE(number.flag);
    for (const int64_t value : {number.min, number.min + 1, number.max}) {
      const std::string text = std::to_string(value);
      CHECK(number.read(good({"--" + number.flag + "=" + text})) == value);
      CHECK(number.read(good({}, {{number.variable, text}})) == value);
    }
    CHECK_FALSE(bad({"--" + number.flag + "=" + std::to_string(number.min - 1)}).empty());
    CHECK_FALSE(bad({"--" + number.flag + "=" + std::to_string(number.max + 1)}).empty());
  }
}

TEST_CASE("a number is decimal digits and nothing else") {
  const std::string text = GENERATE(as<std::string>{}, "-1", "+1", " 1", "1 ", "1.5", "0x10", "1e3",
                                    "1_000", "1s", "x", "4294967297", "99999999999999999999999");
  for (const NumberCase& number : kNumbers) {
    CAPTURE(number.flag, text);
    const std::string error = bad({"--" + number.flag + "=" + text});
    CHECK_THAT(error, Catch::Matchers::StartsWith("--" + number.flag + ": '" + text + "' is not"));
  }
}

}  // namespace
}  // namespace dnslet::config

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/report_options.h"

#include <string>

#include "catch.h"
#include "config/options.h"

using namespace dnslet;
using namespace dnslet::config;

namespace {

Result<ParsedOptions> with_variable(const std::string& variable, const std::string& value) {
  return parse_options({}, {{variable, value}});
}

// The error sentence; empty if the value is good.
std::string trouble(const std::string& variable, const std::string& value) {
  const auto parsed = with_variable(variable, value);
  return parsed ? "" : parsed.error().text;
}

}  // namespace

TEST_CASE("nothing is served or pushed unless it is asked for") {
  const auto parsed = parse_options({}, {});
  REQUIRE(parsed);
  CHECK_FALSE(parsed->options.metrics);
  CHECK_FALSE(parsed->options.graphite);
  CHECK(parsed->options.graphite_prefix == "dnslet");
  CHECK(parsed->options.stathat_user.empty());
  CHECK_FALSE(parsed->options.json_log);
}

TEST_CASE("the names of the metrics are names of hosts") {
  using Names = std::vector<std::string>;
  CHECK(with_variable("DNSMASQ_METRICS_HOST", "Dnslet, dns.example.COM.")->options.metrics_hosts ==
        Names{"dnslet", "dns.example.com"});
  CHECK(with_variable("DNSMASQ_METRICS_HOST", "a_b-1")->options.metrics_hosts == Names{"a_b-1"});
  for (const char* const bad : {"a:9153", "http://a", "*", ".", "a/b", "a b"})
    CHECK_FALSE(with_variable("DNSMASQ_METRICS_HOST", bad));
}

TEST_CASE("the address of the metrics needs its port") {
  CHECK(with_variable("DNSMASQ_METRICS", "[::1]:9153")->options.metrics->to_text() == "[::1]:9153");
  CHECK(with_variable("DNSMASQ_METRICS", "127.0.0.1:0")->options.metrics->port == 0);
  for (const char* value : {"127.0.0.1", "::1", "[::1]", "localhost:9153", ":9153", "9153",
                            "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:9153,[::1]:9153"}) {
    CAPTURE(value);
    CHECK(trouble("DNSMASQ_METRICS", value) ==
          "DNSMASQ_METRICS: '" + std::string(value) +
              "' is not an IP address with a port, for example 127.0.0.1:9153 or [::1]:9153 "
              "(names are not accepted here)");
  }
}

TEST_CASE("a Graphite server has an address or a name, and a port that can be reached") {
  CHECK(with_variable("GRAPHITE_SERVER", "10.0.0.9:2003")->options.graphite->to_text() ==
        "10.0.0.9:2003");
  CHECK_FALSE(trouble("GRAPHITE_SERVER", "10.0.0.9").empty());
  CHECK_FALSE(trouble("GRAPHITE_SERVER", "10.0.0.9:0").empty());
  CHECK(with_variable("GRAPHITE_SERVER", "[2001:db8::1]:2003")->options.graphite->port == 2003);
  const auto by_name = with_variable("GRAPHITE_SERVER", "Carbon.test:2003");
  CHECK(by_name->options.graphite->is_name());
  CHECK(by_name->options.graphite->to_text() == "carbon.test:2003");
  for (const char* const value : {"carbon.test", "carbon.test:0", "carbon.test:", ":2003",
                                  "tcp://carbon.test:2003", "2001:db8::1", "carbon .test:2003"})
    CHECK_FALSE(trouble("GRAPHITE_SERVER", value).empty());
}

TEST_CASE("a Graphite prefix can't break the protocol or the tree of names") {
  for (const char* value : {"dnslet", "dns.host-1.a_b", "A", "9"}) {
    CAPTURE(value);
    CHECK(with_variable("GRAPHITE_PREFIX", value)->options.graphite_prefix == value);
  }
  for (const char* value : {".", "a.", ".a", "a..b", "a b", "a\nb", "a/b", "\xc3\xa4", "a;b"}) {
    CAPTURE(value);
    CHECK_FALSE(trouble("GRAPHITE_PREFIX", value).empty());
  }
  CHECK_FALSE(trouble("GRAPHITE_PREFIX", std::string(201, 'a')).empty());
}

TEST_CASE("a StatHat key is printable") {
  CHECK(with_variable("STATHAT_USER", "me@example.com")->options.stathat_user == "me@example.com");
  CHECK_FALSE(trouble("STATHAT_USER", "a b").empty());
  CHECK_FALSE(trouble("STATHAT_USER", "a\nb").empty());
}

TEST_CASE("a log's level is one of four") {
  using io::Level;
  CHECK(with_variable("DNSMASQ_LOG_LEVEL", "")->options.log_level == Level::Info);
  CHECK(with_variable("DNSMASQ_LOG_LEVEL", "error")->options.log_level == Level::Error);
  CHECK(with_variable("DNSMASQ_LOG_LEVEL", "Warning")->options.log_level == Level::Warning);
  CHECK(with_variable("DNSMASQ_LOG_LEVEL", "WARN")->options.log_level == Level::Warning);
  CHECK(with_variable("DNSMASQ_LOG_LEVEL", "debug")->options.log_level == Level::Debug);
  CHECK(trouble("DNSMASQ_LOG_LEVEL", "trace") ==
        "DNSMASQ_LOG_LEVEL: 'trace' is not error, warning, info or debug");
}

TEST_CASE("the level that is given decides about lines for questions") {
  const auto verbose = [](const std::vector<std::string>& flags) {
    std::vector<std::string> all = {"--no-rec"};
    all.insert(all.end(), flags.begin(), flags.end());
    const auto parsed = parse_options(all, {});
    REQUIRE(parsed);
    return std::pair(parsed->options.verbose, parsed->warnings.size());
  };
  CHECK(verbose({}) == std::pair(false, std::size_t{0}));
  CHECK(verbose({"--verbose"}) == std::pair(true, std::size_t{0}));
  CHECK(verbose({"--log-level", "debug"}) == std::pair(true, std::size_t{0}));
  CHECK(verbose({"--log-level", "info"}) == std::pair(false, std::size_t{0}));
  CHECK(verbose({"--log-level", "info", "--verbose"}) == std::pair(true, std::size_t{0}));
  CHECK(verbose({"--log-level", "warning"}) == std::pair(false, std::size_t{0}));
  CHECK(verbose({"--verbose", "--log-level", "warning"}) == std::pair(false, std::size_t{1}));
}

TEST_CASE("a log's format is text or json") {
  CHECK(with_variable("DNSMASQ_LOG_FORMAT", "json")->options.json_log);
  CHECK_FALSE(with_variable("DNSMASQ_LOG_FORMAT", "text")->options.json_log);
  CHECK(trouble("DNSMASQ_LOG_FORMAT", "xml") == "DNSMASQ_LOG_FORMAT: 'xml' is not text or json");
}

TEST_CASE("a URL is taken apart") {
  const auto url = parse_url("http://stathat.test:8080/a/ez?b");
  REQUIRE(url);
  CHECK(url->host == "stathat.test");
  CHECK(url->port == 8080);
  CHECK(url->path == "/a/ez?b");
  CHECK(parse_url("http://127.0.0.1")->port == 80);
  CHECK(parse_url("http://127.0.0.1")->path == "/");
}

TEST_CASE("what is no plain URL is refused") {
  for (const char* value :
       {"", "http://", "http:///ez", "https://stathat.test/", "stathat.test", "http://a:0/",
        "http://a:65536/", "http://a:x/", "http://a:/", "http://a/b c", "http://:80/"}) {
    CAPTURE(value);
    CHECK_FALSE(parse_url(value));
  }
}

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "report/metric_formats.h"

#include <algorithm>
#include <set>
#include <string>

#include "catch.h"

using namespace dnslet;
using namespace dnslet::report;
using Catch::Matchers::ContainsSubstring;
using serve::place_of, serve::ServerCounters;
using std::chrono::milliseconds, std::chrono::microseconds;

namespace {

const std::string kServer = "192.0.2.1:53";

Snapshot some() {
  Snapshot snapshot;
  snapshot.counters.questions[0][place_of(dns::Type::AAAA)] = 3;
  snapshot.counters.answers[static_cast<std::size_t>(policy::Source::Cache)][0] = 2;
  ServerCounters& server = snapshot.counters.servers[kServer];
  server.questions = 5;
  server.answers[place_of(dns::Rcode::ServFail)] = 1;
  server.latency.add(microseconds(700));
  server.latency.add(milliseconds(20));
  server.latency.add(milliseconds(6000));
  snapshot.uptime = milliseconds(1500);
  return snapshot;
}

double value_of(const std::vector<Named>& values, std::string_view name) {
  const auto found = std::ranges::find(values, name, &Named::name);
  return found == values.end() ? -1 : found->value;
}

}  // namespace

TEST_CASE("names of metrics follow Prometheus' rules") {
  std::set<std::string_view> names;
  for (const Metric& metric : metric_table()) {
    CAPTURE(metric.name);
    CHECK(names.insert(metric.name).second);
    CHECK(metric.name.starts_with("dnslet_"));
    CHECK(metric.name.ends_with("_total") == (metric.type == MetricType::Counter));
    CHECK(metric.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos);
    CHECK_FALSE(metric.help.empty());
    CHECK(metric.help.find_first_of("\\\n") == std::string_view::npos);
  }
}

TEST_CASE("a sample of Prometheus has its labels in order") {
  const std::string text = prometheus_text(some());
  CHECK_THAT(text, ContainsSubstring("# TYPE dnslet_questions_total counter\n"));
  CHECK_THAT(text,
             ContainsSubstring("dnslet_questions_total{transport=\"udp\",type=\"AAAA\"} 3\n"));
  CHECK_THAT(text,
             ContainsSubstring("dnslet_answers_total{source=\"cache\",rcode=\"NOERROR\"} 2\n"));
  CHECK_THAT(text, ContainsSubstring("dnslet_uptime_seconds 1.5\n"));
  CHECK(text.ends_with("\n"));
}

TEST_CASE("a histogram counts up, and its last step is its count") {
  const std::string text = prometheus_text(some());
  const std::string name = "dnslet_upstream_latency_seconds";
  const std::string labels = "{server=\"" + kServer + '"';
  CHECK_THAT(text, ContainsSubstring(name + "_bucket" + labels + ",le=\"0.0005\"} 0\n"));
  CHECK_THAT(text, ContainsSubstring(name + "_bucket" + labels + ",le=\"0.001\"} 1\n"));
  CHECK_THAT(text, ContainsSubstring(name + "_bucket" + labels + ",le=\"0.025\"} 2\n"));
  CHECK_THAT(text, ContainsSubstring(name + "_bucket" + labels + ",le=\"5\"} 2\n"));
  CHECK_THAT(text, ContainsSubstring(name + "_bucket" + labels + ",le=\"+Inf\"} 3\n"));
  CHECK_THAT(text, ContainsSubstring(name + "_sum" + labels + "} 6.0207\n"));
  CHECK_THAT(text, ContainsSubstring(name + "_count" + labels + "} 3\n"));
}

TEST_CASE("a label can't forge a sample") {
  Snapshot snapshot;
  snapshot.counters.servers["a\"} 1\nb\\"].questions = 1;
  CHECK_THAT(prometheus_text(snapshot),
             ContainsSubstring("questions_total{server=\"a\\\"} 1\\nb\\\\\"} 1\n"));
  const std::string text = graphite_text(named_values(snapshot), "p", std::chrono::seconds(1));
  CHECK_THAT(text, ContainsSubstring("\np.upstream_questions_total.a___1_b_ 1 1\n"));
}

TEST_CASE("every metric but those of servers has samples from the start") {
  const Snapshot fresh;
  for (const Metric& metric : metric_table()) {
    CAPTURE(metric.name);
    const bool is_of_server =
        metric.name.starts_with("dnslet_upstream_") && metric.name != "dnslet_upstream_inflight";
    CHECK(metric.read(fresh).empty() == is_of_server);
  }
}

TEST_CASE("numbers of any size are written without losing any of it") {
  Snapshot snapshot;
  snapshot.counters.ignored = 1'000'000'000'000'000;
  snapshot.uptime = milliseconds(1'234'567'891);
  const std::string text = prometheus_text(snapshot);
  CHECK_THAT(text, ContainsSubstring("dnslet_ignored_messages_total 1000000000000000\n"));
  CHECK_THAT(text, ContainsSubstring("dnslet_uptime_seconds 1234567.891\n"));
}

TEST_CASE("a value for Graphite has a name of plain words") {
  const std::string text =
      graphite_text(named_values(some()), "dns.host1", std::chrono::seconds(1700000000));
  CHECK_THAT(text, ContainsSubstring("dns.host1.questions_total.udp.AAAA 3 1700000000\n"));
  CHECK_THAT(text, ContainsSubstring("dns.host1.upstream_answers_total.192_0_2_1_53.SERVFAIL 1 "));
  CHECK_THAT(text, ContainsSubstring("dns.host1.upstream_latency_seconds.192_0_2_1_53.count 3 "));
  CHECK_THAT(text, ContainsSubstring("upstream_latency_seconds.192_0_2_1_53.sum 6.0207 "));
}

TEST_CASE("no two values have the same name") {
  std::set<std::string> names;
  const std::vector<Named> values = named_values(some());
  for (const Named& named : values) names.insert(named.name);
  CHECK(names.size() == values.size());
  CHECK(value_of(values, "uptime_seconds") == 1.5);
}

TEST_CASE("StatHat gets what counters have grown, and gauges as they are") {
  const std::vector<Named> values = {{"a_total", 5, MetricType::Counter},
                                     {"b_total", 2, MetricType::Counter},
                                     {"c", 0, MetricType::Gauge}};
  CHECK(stathat_json(values, {{"a_total", 3}, {"b_total", 2}, {"c", 9}}, "me@example.com") ==
        R"({"ezkey":"me@example.com","data":[{"stat":"dnslet.a_total","count":2},)"
        R"({"stat":"dnslet.c","value":0}]})");
}

TEST_CASE("a counter that began again is told from zero") {
  const std::vector<Named> values = {{"a_total", 2, MetricType::Counter}};
  CHECK_THAT(stathat_json(values, {{"a_total", 3}}, "k"), ContainsSubstring(R"("count":2})"));
  CHECK(stathat_json({}, {}, "k\"\n") == R"({"ezkey":"k\"\u000a","data":[]})");
}

TEST_CASE("the log gets a line for each sample that is not zero") {
  const std::vector<io::LogLine> lines = counter_lines(some());
  std::vector<std::string> texts;
  for (const io::LogLine& line : lines) texts.push_back(line.to_text());
  const auto has = [&](const std::string& text) { return std::ranges::count(texts, text) == 1; };
  CHECK(has("counter metric=dnslet_questions_total transport=udp type=AAAA value=3"));
  CHECK(has("counter metric=dnslet_uptime_seconds value=1.500"));
  CHECK(
      has("counter metric=dnslet_upstream_latency_seconds server=192.0.2.1:53 count=3 sum=6.021"));
  CHECK(std::ranges::none_of(texts, [](const std::string& text) {
    return text.ends_with(" value=0") || text.ends_with(" value=0.000");
  }));
}

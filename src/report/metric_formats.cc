// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "report/metric_formats.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace dnslet::report {
namespace {

constexpr std::string_view kOwnPrefix = "dnslet_";
constexpr std::size_t kMaxKey = 1200;  // bytes of a JSON string; nothing here is longer

// Whole numbers without an exponent, others to the billionth: durations are in nanoseconds. Not
// with std::to_chars(), whose tables would be a tenth of a static program.
std::string number(double value) {
  const bool is_whole = value == std::trunc(value);
  std::array<char, 64> digits{};
  (void)std::snprintf(digits.data(), digits.size(), "%.*f", is_whole ? 0 : 9, value);
  const std::string text = digits.data();
  return is_whole ? text : text.substr(0, text.find_last_not_of('0') + 1);
}

double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

const char* to_text(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Histogram:
      return "histogram";
  }
  return "untyped";
}

std::string escaped_label(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? "\\n" : std::string(1, c);
  }
  return text;
}

// `extra`: one more label as text, or empty.
std::string label_text(const std::vector<Label>& labels, const std::string& extra) {
  std::string text;
  for (const Label& label : labels)
    text += (text.empty() ? "" : ",") + std::string(label.name) + "=\"" +
            escaped_label(label.value) + '"';
  if (!extra.empty()) text += (text.empty() ? "" : ",") + extra;
  return text.empty() ? "" : '{' + text + '}';
}

void append_histogram(std::string& text, std::string_view name, const Sample& sample) {
  const serve::Histogram& histogram = *sample.histogram;
  uint64_t up_to = 0;
  const auto bucket = [&](std::size_t step, const std::string& bound) {
    up_to += histogram.steps[step];
    text.append(name).append("_bucket") +=
        label_text(sample.labels, "le=\"" + bound + '"') + ' ' + std::to_string(up_to) + '\n';
  };
  for (std::size_t i = 0; i < serve::Histogram::kBounds.size(); ++i)
    bucket(i, number(seconds(std::chrono::microseconds(serve::Histogram::kBounds[i]))));
  bucket(serve::Histogram::kBounds.size(), "+Inf");

  const std::string labels = label_text(sample.labels, "");
  text.append(name).append("_sum") += labels + ' ' + number(seconds(histogram.sum)) + '\n';
  text.append(name).append("_count") += labels + ' ' + std::to_string(up_to) + '\n';
}

void append_sample(std::string& text, std::string_view name, const Sample& sample) {
  if (sample.histogram) {
    append_histogram(text, name, sample);
    return;
  }
  text.append(name) += label_text(sample.labels, "") + ' ' + number(sample.value) + '\n';
}

// A label's value as one word of a name with dots.
std::string word(std::string_view value) {
  std::string text;
  for (const char c : value) {
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    text += is_plain ? c : '_';
  }
  return text.empty() ? "_" : text;
}

void append_named(std::vector<Named>& values, const Metric& metric, const Sample& sample) {
  std::string name(metric.name.substr(kOwnPrefix.size()));
  for (const Label& label : sample.labels) name += '.' + word(label.value);
  if (!sample.histogram) {
    values.push_back({name, sample.value, metric.type});
    return;
  }
  const auto count = static_cast<double>(sample.histogram->count());
  values.push_back({name + ".count", count, MetricType::Counter});
  values.push_back({name + ".sum", seconds(sample.histogram->sum), MetricType::Counter});
}

bool is_zero(const Sample& sample) {
  return sample.histogram ? sample.histogram->count() == 0 : sample.value == 0;
}

io::LogLine line_of(const Metric& metric, const Sample& sample) {
  constexpr int kDigits = 3;
  io::LogLine line("counter");
  line.with("metric", metric.name);
  for (const Label& label : sample.labels) line.with(label.name, label.value);
  if (sample.histogram) {
    line.with("count", sample.histogram->count());
    line.with("sum", seconds(sample.histogram->sum), kDigits);
  } else if (sample.value == std::trunc(sample.value)) {
    line.with("value", static_cast<uint64_t>(sample.value));
  } else {
    line.with("value", sample.value, kDigits);
  }
  return line;
}

}  // namespace

std::string prometheus_text(const Snapshot& snapshot) {
  std::string text;
  for (const Metric& metric : metric_table()) {
    text.append("# HELP ").append(metric.name).append(" ").append(metric.help) += '\n';
    text.append("# TYPE ").append(metric.name).append(" ").append(to_text(metric.type)) += '\n';
    for (const Sample& sample : metric.read(snapshot)) append_sample(text, metric.name, sample);
  }
  return text;
}

std::vector<Named> named_values(const Snapshot& snapshot) {
  std::vector<Named> values;
  for (const Metric& metric : metric_table())
    for (const Sample& sample : metric.read(snapshot)) append_named(values, metric, sample);
  return values;
}

std::string graphite_text(const std::vector<Named>& values, std::string_view prefix,
                          std::chrono::seconds since_epoch) {
  const std::string end = ' ' + std::to_string(since_epoch.count()) + '\n';
  std::string text;
  for (const Named& named : values)
    text.append(prefix) += '.' + named.name + ' ' + number(named.value) + end;
  return text;
}

std::string stathat_json(const std::vector<Named>& values,
                         const std::map<std::string, double>& before, std::string_view key) {
  std::string json = R"({"ezkey":)";
  io::append_json_string(json, key, kMaxKey);
  json += R"(,"data":[)";
  bool is_first = true;
  for (const Named& named : values) {
    const bool is_counter = named.type == MetricType::Counter;
    const auto known = before.find(named.name);
    const double earlier = is_counter && known != before.end() ? known->second : 0;
    // A counter that is less than it was began again with a new server of that name.
    const double told = named.value < earlier ? named.value : named.value - earlier;
    if (is_counter && told == 0) continue;
    json += is_first ? R"({"stat":)" : R"(,{"stat":)";
    is_first = false;
    io::append_json_string(
        json, std::string(kOwnPrefix.substr(0, kOwnPrefix.size() - 1)) + '.' + named.name, kMaxKey);
    json.append(is_counter ? R"(,"count":)" : R"(,"value":)") += number(told) + '}';
  }
  return json + "]}";
}

std::vector<io::LogLine> counter_lines(const Snapshot& snapshot) {
  std::vector<io::LogLine> lines;
  for (const Metric& metric : metric_table())
    for (const Sample& sample : metric.read(snapshot))
      if (!is_zero(sample)) lines.push_back(line_of(metric, sample));
  return lines;
}

}  // namespace dnslet::report

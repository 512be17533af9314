// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The metrics in the words of those who read them. Pure functions of a snapshot.

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/log_line.h"
#include "report/metric_table.h"

namespace dnslet::report {

// Prometheus' text format 0.0.4.
inline constexpr const char* kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";
std::string prometheus_text(const Snapshot& snapshot);

// A number under a name with dots: the metric's without "dnslet_", then the labels' values, in
// which all but letters, digits and - has become _. A histogram is two: "count" and "sum".
struct Named {
  std::string name;
  double value = 0;
  MetricType type = MetricType::Counter;
};
std::vector<Named> named_values(const Snapshot& snapshot);

// Graphite's plaintext protocol: "PREFIX.NAME VALUE SECONDS\n" for each.
std::string graphite_text(const std::vector<Named>& values, std::string_view prefix,
                          std::chrono::seconds since_epoch);

// One POST for StatHat's EZ API. Counters tell how much they have grown since `before` (by name),
// and nothing where they have not.
std::string stathat_json(const std::vector<Named>& values,
                         const std::map<std::string, double>& before, std::string_view key);

// What SIGUSR1 logs: one line for each sample that is not zero. Of a histogram count and sum.
std::vector<io::LogLine> counter_lines(const Snapshot& snapshot);

}  // namespace dnslet::report

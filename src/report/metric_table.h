// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The table of metrics, one row each. What is served to Prometheus, pushed to Graphite and StatHat
// and logged on SIGUSR1 all follow from it, and a test compares the documents with it.
//
// Names and units are Prometheus' (https://prometheus.io/docs/practices/naming). Every metric has
// all its samples from the start, so that none appears with its first event; only servers come and
// go with the configuration.

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/cache.h"
#include "serve/counters.h"

namespace dnslet::report {

// All that is known at one moment.
struct Snapshot {
  serve::Counters counters;  // of all workers
  policy::CacheCounters cache;
  std::size_t cache_capacity = 0;
  std::size_t workers = 1;
  uint64_t reloads = 0;
  uint64_t log_lines_dropped = 0;
  std::chrono::milliseconds uptime{0};
};

enum class MetricType { Counter, Gauge, Histogram };

struct Label {
  std::string_view name;
  std::string value;
};

struct Sample {
  std::vector<Label> labels;
  double value = 0;
  const serve::Histogram* histogram = nullptr;  // in the snapshot; in place of the value
};

struct Metric {
  std::string_view name;
  MetricType type = MetricType::Counter;
  std::string_view help;  // without a full stop
  std::vector<Sample> (*read)(const Snapshot& snapshot) = nullptr;
};

std::span<const Metric> metric_table();

}  // namespace dnslet::report

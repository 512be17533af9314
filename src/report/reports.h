// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Who is told what has been counted, and how: HTTP (--metrics), Graphite, StatHat, the log. Runs in
// the first worker's thread and loop.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/result.h"
#include "config/options.h"
#include "io/http_server.h"
#include "io/log.h"
#include "io/tcp_listener.h"
#include "policy/cache.h"
#include "report/census.h"
#include "report/graphite.h"
#include "report/metric_table.h"
#include "report/readiness.h"
#include "report/stathat.h"
#include "upstream/server_names.h"

namespace dnslet::report {

class Reports {
 public:
  // What is told about, and with. It outlives this.
  struct Subject {
    const config::Options& options;
    io::Log& log;
    const policy::Cache& cache;
    const Census::Workers& workers;
    upstream::ServerNames& names;
  };

  explicit Reports(const Subject& subject);

  // Binds what --metrics asks for. Fails with a sentence that names the remedy.
  Status bind();
  // Begins to serve and to push. REQUIRES: the workers run, or are about to.
  void start();
  // Soon, when all workers have told.
  void log_counters();
  void on_reload() { ++reloads_; }

 private:
  using OnSnapshot = std::function<void(const Snapshot& snapshot)>;

  bool take(OnSnapshot on_snapshot);
  Snapshot complete(const serve::Counters& sum) const;
  void on_request(uint64_t client, const io::HttpRequest& request);
  void send_metrics(uint64_t client);
  void start_graphite();
  void start_stathat();

  Subject subject_;
  serve::Worker& worker_;
  std::chrono::milliseconds started_;  // monotonic
  uint64_t reloads_ = 0;
  bool is_logging_ = false;  // counters, for which the log waits
  Census census_;
  Readiness readiness_;
  io::HttpServer http_;
  std::unique_ptr<io::TcpListener> listener_;
  std::optional<Graphite> graphite_;
  std::optional<StatHat> stathat_;
};

}  // namespace dnslet::report

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "report/metric_table.h"

#include <array>

#include "base/version.h"

namespace dnslet::report {
namespace {

using Samples = std::vector<Sample>;

constexpr MetricType kCounter = MetricType::Counter;
constexpr MetricType kGauge = MetricType::Gauge;
constexpr MetricType kHistogram = MetricType::Histogram;

template <typename Number>
Samples one(Number value) {
  return {{{}, static_cast<double>(value)}};
}

Samples read_build(const Snapshot&) { return {{{{"version", version()}}, 1}}; }

Samples read_questions(const Snapshot& snapshot) {
  Samples samples;
  for (std::size_t i = 0; i < kClientProtocols; ++i)
    for (std::size_t j = 0; j < serve::kTypeLabels; ++j)
      samples.push_back({{{"transport", kProtocolNames[i]}, {"type", serve::type_label(j)}},
                         static_cast<double>(snapshot.counters.questions[i][j])});
  return samples;
}

Samples read_answers(const Snapshot& snapshot) {
  Samples samples;
  for (std::size_t i = 0; i < policy::kSources; ++i)
    for (std::size_t j = 0; j < serve::kRcodeLabels; ++j)
      samples.push_back(
          {{{"source", to_text(static_cast<policy::Source>(i))}, {"rcode", serve::rcode_label(j)}},
           static_cast<double>(snapshot.counters.answers[i][j])});
  return samples;
}

// One sample for each result.
template <std::size_t N>
Samples by_result(const std::array<uint64_t, N>& counts, const std::array<const char*, N>& labels) {
  Samples samples;
  for (std::size_t i = 0; i < N; ++i)
    samples.push_back({{{"result", labels[i]}}, static_cast<double>(counts[i])});
  return samples;
}

Samples of_servers(const Snapshot& snapshot, uint64_t serve::ServerCounters::*field) {
  Samples samples;
  for (const auto& [name, counted] : snapshot.counters.servers)
    samples.push_back({{{"server", name}}, static_cast<double>(counted.*field)});
  return samples;
}

Samples read_upstream_answers(const Snapshot& snapshot) {
  Samples samples;
  for (const auto& [name, counted] : snapshot.counters.servers)
    for (std::size_t i = 0; i < serve::kRcodeLabels; ++i)
      samples.push_back({{{"server", name}, {"rcode", serve::rcode_label(i)}},
                         static_cast<double>(counted.answers[i])});
  return samples;
}

// One sample for each server and each value of the label.
template <std::size_t N>
Samples by_label(const Snapshot& snapshot, std::array<uint64_t, N> serve::ServerCounters::*counts,
                 const char* label, const std::array<const char*, N>& values) {
  Samples samples;
  for (const auto& [name, counted] : snapshot.counters.servers)
    for (std::size_t i = 0; i < values.size(); ++i)
      samples.push_back(
          {{{"server", name}, {label, values[i]}}, static_cast<double>((counted.*counts)[i])});
  return samples;
}

Samples read_handshakes(const Snapshot& snapshot) {
  return by_label(snapshot, &serve::ServerCounters::handshakes, "result", serve::kHandshakeLabels);
}

Samples read_client_handshakes(const Snapshot& snapshot) {
  return by_result(snapshot.counters.handshakes, serve::kHandshakeLabels);
}

Samples read_stream_bytes(const Snapshot& snapshot) {
  constexpr std::array<const char*, 2> kDirections = {"sent", "received"};
  return by_label(snapshot, &serve::ServerCounters::stream_bytes, "direction", kDirections);
}

Samples read_stream_failures(const Snapshot& snapshot) {
  return by_label(snapshot, &serve::ServerCounters::stream_failures, "reason",
                  serve::kStreamFailureLabels);
}

Samples read_shared(const Snapshot& snapshot) {
  return by_result(snapshot.counters.shared.results, serve::kSharedLabels);
}

Samples read_certificates(const Snapshot& snapshot) {
  Samples samples;
  for (const auto& [name, counted] : snapshot.counters.servers)
    samples.push_back({{{"server", name}},
                       static_cast<double>(counted.certificate_end.time_since_epoch().count())});
  return samples;
}

Samples read_latency(const Snapshot& snapshot) {
  Samples samples;
  for (const auto& [name, counted] : snapshot.counters.servers)
    samples.push_back({{{"server", name}}, 0, &counted.latency});
  return samples;
}

using S = const Snapshot&;

constexpr auto kMetrics = std::to_array<Metric>({
    {"dnslet_build_info", kGauge, "Always 1; the label tells the version", read_build},
    {"dnslet_uptime_seconds", kGauge, "Time since the start",
     [](S s) { return one(std::chrono::duration<double>(s.uptime).count()); }},
    {"dnslet_workers", kGauge, "Threads that serve", [](S s) { return one(s.workers); }},
    {"dnslet_reloads_total", kCounter, "Reloads asked for by SIGHUP",
     [](S s) { return one(s.reloads); }},
    {"dnslet_log_lines_dropped_total", kCounter, "Lines that the reader of the log did not take",
     [](S s) { return one(s.log_lines_dropped); }},

    {"dnslet_questions_total", kCounter, "Questions of clients, by transport and type",
     read_questions},
    {"dnslet_ignored_messages_total", kCounter, "Messages of clients that are no question",
     [](S s) { return one(s.counters.ignored); }},
    {"dnslet_answers_total", kCounter, "Answers to clients, by their source and code",
     read_answers},
    {"dnslet_unsent_answers_total", kCounter, "Answers over UDP that the system did not take",
     [](S s) { return one(s.counters.unsent); }},
    {"dnslet_waiting_questions", kGauge,
     "Questions of clients that wait for an answer from upstream",
     [](S s) { return one(s.counters.waiting); }},
    {"dnslet_refused_by_limit_total", kCounter,
     "Questions answered SERVFAIL because too many were under way; see --max-inflight",
     [](S s) { return one(s.counters.over_limit); }},
    {"dnslet_client_tls_handshakes_total", kCounter,
     "TLS handshakes with clients: full, resumed or failed", read_client_handshakes},
    {"dnslet_tcp_clients", kGauge, "Open connections of clients over TCP, TLS, HTTPS and QUIC",
     [](S s) { return one(s.counters.tcp_clients); }},
    {"dnslet_tcp_clients_closed_by_limit_total", kCounter,
     "Connections closed for a new one; see --max-tcp-clients",
     [](S s) { return one(s.counters.tcp_closed_by_limit); }},

    {"dnslet_cache_capacity", kGauge, "Answers that the cache may hold; see --rcache",
     [](S s) { return one(s.cache_capacity); }},
    {"dnslet_cache_entries", kGauge, "Answers in the cache",
     [](S s) { return one(s.cache.entries); }},
    {"dnslet_cache_bytes", kGauge, "Memory of the cache, its tables included",
     [](S s) { return one(s.cache.bytes); }},
    {"dnslet_cache_hits_total", kCounter, "Look-ups in the cache that found an answer",
     [](S s) { return one(s.cache.hits); }},
    {"dnslet_cache_misses_total", kCounter, "Look-ups in the cache that found none",
     [](S s) { return one(s.cache.misses); }},
    {"dnslet_cache_evictions_total", kCounter, "Answers that had to make room for others",
     [](S s) { return one(s.cache.evictions); }},
    {"dnslet_cache_refreshes_total", kCounter,
     "Answers that were asked for again while the old one went out",
     [](S s) { return one(s.counters.refreshes); }},

    {"dnslet_shared_cache_lookups_total", kCounter,
     "What came of the shared cache: hit, miss, late, failed; or skipped as it is left out",
     read_shared},
    {"dnslet_shared_cache_stored_total", kCounter, "Answers put into the shared cache",
     [](S s) { return one(s.counters.shared.stored); }},
    {"dnslet_shared_cache_unstored_total", kCounter, "Answers that the shared cache did not take",
     [](S s) { return one(s.counters.shared.unstored); }},
    {"dnslet_shared_cache_latency_seconds", kHistogram, "Time that the shared cache took",
     [](S s) {
       return Samples{{{}, 0, &s.counters.shared.latency}};
     }},

    {"dnslet_upstream_inflight", kGauge, "Questions open upstream",
     [](S s) { return one(s.counters.upstream_open); }},
    {"dnslet_upstream_questions_total", kCounter, "Questions sent to this server",
     [](S s) { return of_servers(s, &serve::ServerCounters::questions); }},
    {"dnslet_upstream_answers_total", kCounter, "Answers of this server, by code",
     read_upstream_answers},
    {"dnslet_upstream_timeouts_total", kCounter,
     "Questions that this server did not answer within --upstream-timeout",
     [](S s) { return of_servers(s, &serve::ServerCounters::timeouts); }},
    {"dnslet_upstream_errors_total", kCounter, "Questions that could not reach this server",
     [](S s) { return of_servers(s, &serve::ServerCounters::errors); }},
    {"dnslet_upstream_retries_total", kCounter,
     "Questions sent to this server after the first for the same question",
     [](S s) { return of_servers(s, &serve::ServerCounters::retries); }},
    {"dnslet_upstream_penalties_total", kCounter,
     "How often this server failed and was put behind the others",
     [](S s) { return of_servers(s, &serve::ServerCounters::penalties); }},
    {"dnslet_upstream_tls_handshakes_total", kCounter,
     "TLS handshakes with this server: full, resumed or failed", read_handshakes},
    {"dnslet_upstream_stream_failures_total", kCounter,
     "What went wrong with this server below DNS: tls, http, proxy or quic; the log tells more",
     read_stream_failures},
    {"dnslet_upstream_stream_bytes_total", kCounter,
     "Bytes over TCP, TLS, HTTPS and QUIC to and from this server, with all that these add",
     read_stream_bytes},
    {"dnslet_upstream_certificate_end_seconds", kGauge,
     "When the certificate of this server ends, in Unix time; 0 where none is known",
     read_certificates},
    {"dnslet_upstream_latency_seconds", kHistogram, "Time that this server took for an answer",
     read_latency},
});

}  // namespace

std::span<const Metric> metric_table() { return kMetrics; }

}  // namespace dnslet::report

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "report/reports.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "report/metric_formats.h"
#include "serve/listeners.h"

namespace dnslet::report {
namespace {

constexpr const char* kPlain = "text/plain; charset=utf-8";

std::chrono::seconds since_epoch() {
  return std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
}

// Whether a request was made for us. A web page of anybody can have a browser look up its own name
// as our address and then read what we say (DNS rebinding): but the browser tells that name. No
// browser sends none.
bool is_ours(std::string_view host, const std::vector<std::string>& names) {
  if (host.empty() || Endpoint::from_text(host, 0)) return true;
  std::string name = lower_case(host.substr(0, host.rfind(':')));
  if (name.ends_with('.')) name.pop_back();
  return name == "localhost" || std::ranges::find(names, name) != names.end();
}

}  // namespace

Reports::Reports(const Subject& subject)
    : subject_(subject),
      worker_(*subject.workers.front()),
      started_(worker_.loop().now()),
      census_(subject.workers),
      readiness_(worker_, census_),
      http_(worker_.loop(), [this](uint64_t client, const io::HttpRequest& request) {
        on_request(client, request);
      }) {}

Status Reports::bind() {
  const auto& endpoint = subject_.options.metrics;
  if (!endpoint) return Done();
  auto socket = serve::bind_for(*endpoint, io::SocketKind::Tcp, "--metrics");
  if (!socket) return socket.error();
  auto listener = io::TcpListener::start(
      worker_.loop(), std::move(*socket),
      [this](io::Handle<uv_tcp_t> connection) { http_.add(std::move(connection)); });
  if (!listener) return listener.error();
  listener_ = std::move(*listener);
  return Done();
}

void Reports::start() {
  if (listener_)
    subject_.log.write(
        io::Level::Info,
        io::LogLine("metrics are served").with("address", listener_->endpoint().to_text()));
  if (subject_.options.graphite) start_graphite();
  if (!subject_.options.stathat_user.empty()) start_stathat();
}

void Reports::start_graphite() {
  const auto make_batch = [this](std::function<void(std::string)> send) {
    (void)take([this, send = std::move(send)](const Snapshot& snapshot) {
      send(graphite_text(named_values(snapshot), subject_.options.graphite_prefix, since_epoch()));
    });  // else the next one tells it
  };
  graphite_.emplace(Graphite::Environment{worker_.loop(), subject_.log, subject_.names},
                    *subject_.options.graphite, make_batch);
  graphite_->start();
}

void Reports::start_stathat() {
  const auto count = [this](StatHat::OnValues on_values) {
    (void)take([on_values = std::move(on_values)](const Snapshot& snapshot) {
      on_values(named_values(snapshot));
    });  // else its time will be over
  };
  const config::Options& options = subject_.options;
  stathat_.emplace(StatHat::Environment{worker_.loop(), subject_.log, subject_.names},
                   StatHat::Account{options.stathat_user, options.stathat_url}, count);
  stathat_->start();
}

void Reports::log_counters() {
  if (is_logging_) return;
  is_logging_ = take([this](const Snapshot& snapshot) {
    is_logging_ = false;
    for (const io::LogLine& line : counter_lines(snapshot))
      subject_.log.write(io::Level::Info, line);
  });
}

bool Reports::take(OnSnapshot on_snapshot) {
  return census_.take([this, on_snapshot = std::move(on_snapshot)](const serve::Counters& sum) {
    on_snapshot(complete(sum));
  });
}

Snapshot Reports::complete(const serve::Counters& sum) const {
  return {.counters = sum,
          .cache = subject_.cache.counters(),
          .cache_capacity = subject_.options.cache_capacity,
          .workers = subject_.workers.size(),
          .reloads = reloads_,
          .log_lines_dropped = subject_.log.dropped(),
          .uptime = worker_.loop().now() - started_};
}

void Reports::on_request(uint64_t client, const io::HttpRequest& request) {
  const bool is_known =
      request.path == "/metrics" || request.path == "/healthz" || request.path == "/readyz";
  if (!is_known) return http_.respond(client, {404, kPlain, "not found\n"});
  if (request.method != "GET" && request.method != "HEAD")
    return http_.respond(client, {405, kPlain, "method not allowed\n"});
  if (request.path == "/metrics") {
    if (is_ours(request.host, subject_.options.metrics_hosts)) return send_metrics(client);
    return http_.respond(client, {421, kPlain,
                                  "not served under this name: use an address, or allow the name "
                                  "with --metrics-host (DNSMASQ_METRICS_HOST)\n"});
  }
  if (request.path == "/healthz") return http_.respond(client, {200, kPlain, "ok\n"});

  if (subject_.options.no_recursion)
    return http_.respond(client, {200, kPlain, "ready: nothing is forwarded\n"});
  readiness_.ask([this, client](bool is_ready) {
    http_.respond(client, is_ready ? io::HttpReply{200, kPlain, "ready\n"}
                                   : io::HttpReply{503, kPlain, "no nameserver answers\n"});
  });
}

void Reports::send_metrics(uint64_t client) {
  const bool is_asked = take([this, client](const Snapshot& snapshot) {
    http_.respond(client, {200, kPrometheusType, prometheus_text(snapshot)});
  });
  if (!is_asked) http_.respond(client, {503, kPlain, "too many requests under way\n"});
}

}  // namespace dnslet::report

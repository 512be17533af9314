// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/counters.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace dnslet::app {
namespace {

template <std::size_t N>
void add(std::array<uint64_t, N>& sum, const std::array<uint64_t, N>& more) {
  std::ranges::transform(sum, more, sum.begin(), std::plus());
}

}  // namespace

std::string type_label(std::size_t index) {
  if (index >= kCountedTypes.size()) return "other";
  return to_text(static_cast<dns::Type>(kCountedTypes[index]));
}

std::string rcode_label(std::size_t index) {
  if (index >= kCountedRcodes.size()) return "other";
  return to_text(static_cast<dns::Rcode>(kCountedRcodes[index]));
}

void Histogram::add(std::chrono::nanoseconds duration) {
  const auto within = [duration](int64_t bound) {
    return duration <= std::chrono::microseconds(bound);
  };
  const auto* const step = std::ranges::find_if(kBounds, within);
  ++steps[static_cast<std::size_t>(step - kBounds.begin())];
  sum += duration;
}

uint64_t Histogram::count() const {
  return std::accumulate(steps.begin(), steps.end(), uint64_t{0});
}

Histogram& Histogram::operator+=(const Histogram& other) {
  app::add(steps, other.steps);
  sum += other.sum;
  return *this;
}

ServerCounters& ServerCounters::operator+=(const ServerCounters& other) {
  questions += other.questions;
  add(answers, other.answers);
  errors += other.errors;
  timeouts += other.timeouts;
  retries += other.retries;
  penalties += other.penalties;
  latency += other.latency;
  return *this;
}

Counters& Counters::operator+=(const Counters& other) {
  for (std::size_t i = 0; i < questions.size(); ++i) add(questions[i], other.questions[i]);
  ignored += other.ignored;
  for (std::size_t i = 0; i < answers.size(); ++i) add(answers[i], other.answers[i]);
  over_limit += other.over_limit;
  refreshes += other.refreshes;
  unsent += other.unsent;
  tcp_closed_by_limit += other.tcp_closed_by_limit;
  for (const auto& [name, counted] : other.servers) servers[name] += counted;
  waiting += other.waiting;
  upstream_open += other.upstream_open;
  tcp_clients += other.tcp_clients;
  heard = std::max(heard, other.heard);  // none is the least
  return *this;
}

}  // namespace dnslet::app

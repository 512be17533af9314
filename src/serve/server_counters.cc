// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "serve/server_counters.h"

#include <algorithm>
#include <numeric>

namespace dnslet::serve {

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
  detail::add(steps, other.steps);
  sum += other.sum;
  return *this;
}

SharedCounters& SharedCounters::operator+=(const SharedCounters& other) {
  detail::add(results, other.results);
  stored += other.stored;
  unstored += other.unstored;
  latency += other.latency;
  return *this;
}

ServerCounters& ServerCounters::operator+=(const ServerCounters& other) {
  questions += other.questions;
  detail::add(answers, other.answers);
  errors += other.errors;
  timeouts += other.timeouts;
  retries += other.retries;
  penalties += other.penalties;
  detail::add(handshakes, other.handshakes);
  detail::add(stream_failures, other.stream_failures);
  detail::add(stream_bytes, other.stream_bytes);
  certificate_end = std::max(certificate_end, other.certificate_end);
  latency += other.latency;
  return *this;
}

}  // namespace dnslet::serve

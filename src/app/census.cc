// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/census.h"

#include <utility>

namespace dnslet::app {

bool Census::take(OnCounted on_counted) {
  if (waiting_.size() >= kMaxWaiting) return false;
  waiting_.push_back(std::move(on_counted));
  if (missing_ > 0) return true;

  missing_ = workers_.size();
  sum_ = Counters();
  for (const auto& worker : workers_) {
    worker->post([this, asked = worker.get()] {
      workers_.front()->post([this, counters = asked->counters()] { on_counters(counters); });
    });
  }
  return true;
}

void Census::on_counters(const Counters& counters) {
  sum_ += counters;
  if (--missing_ > 0) return;
  for (const OnCounted& on_counted : std::exchange(waiting_, {})) on_counted(sum_);
}

}  // namespace dnslet::app

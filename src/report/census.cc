// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "report/census.h"

#include <utility>

namespace dnslet::report {
namespace {

// Has `worker` bring its counters to `first`, in whose thread `tell` is called.
void bring(serve::Worker& worker, serve::Worker& first, const Census::OnCounted& tell) {
  worker.post([&worker, &first, tell] {
    first.post([tell, counters = worker.counters()] { tell(counters); });
  });
}

}  // namespace

bool Census::take(OnCounted on_counted) {
  if (waiting_.size() >= kMaxWaiting) return false;
  waiting_.push_back(std::move(on_counted));
  if (missing_ > 0) return true;

  missing_ = workers_.size();
  sum_ = serve::Counters();
  const auto tell = [this](const serve::Counters& counters) { on_counters(counters); };
  for (const auto& worker : workers_) bring(*worker, *workers_.front(), tell);
  return true;
}

void Census::on_counters(const serve::Counters& counters) {
  sum_ += counters;
  if (--missing_ > 0) return;
  for (const OnCounted& on_counted : std::exchange(waiting_, {})) on_counted(sum_);
}

}  // namespace dnslet::report

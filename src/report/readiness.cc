// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "report/readiness.h"

#include <utility>

namespace dnslet::report {

Readiness::Readiness(serve::Worker& worker, Census& census)
    : worker_(worker), census_(census), patience_(worker.loop(), [this] { tell(false); }) {}

void Readiness::ask(const OnKnown& on_known) {
  const bool is_asked = census_.take([this, on_known](const serve::Counters& sum) {
    if (is_fresh(sum)) {
      on_known(true);
    } else {
      probe(on_known);
    }
  });
  if (!is_asked) on_known(false);
}

bool Readiness::is_fresh(const serve::Counters& counters) const {
  return counters.heard && worker_.loop().now() - *counters.heard <= kFresh;
}

void Readiness::probe(OnKnown on_known) {
  const io::Milliseconds now = worker_.loop().now();
  const bool is_under_way = !waiting_.empty();
  const bool is_due = !probed_ || now - *probed_ >= kProbePause;
  if ((!is_under_way && !is_due) || waiting_.size() >= kMaxWaiting) {
    on_known(false);  // the last one has just failed
    return;
  }
  waiting_.push_back(std::move(on_known));
  if (is_under_way) return;

  probed_ = now;
  patience_.start_once(kPatience);
  if (!worker_.probe([this] { tell(is_fresh(worker_.counters())); })) tell(false);
}

void Readiness::tell(bool is_ready) {
  patience_.stop();
  for (const OnKnown& on_known : std::exchange(waiting_, {})) on_known(is_ready);
}

}  // namespace dnslet::report

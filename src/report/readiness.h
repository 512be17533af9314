// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Whether questions can be forwarded: a server has answered within the last 30 s.
//
// When nobody has asked anything for so long, that says nothing. Then a question of our own tells,
// which is asked because somebody wants to know, once a second at most.

#include <functional>
#include <optional>
#include <vector>

#include "io/loop.h"
#include "report/census.h"
#include "serve/worker.h"

namespace dnslet::report {

class Readiness {
 public:
  static constexpr io::Milliseconds kFresh{30'000};
  static constexpr io::Milliseconds kProbePause{1000};
  // A probe of Kubernetes waits for a second.
  static constexpr io::Milliseconds kPatience{900};
  static constexpr std::size_t kMaxWaiting = 64;
  using OnKnown = std::function<void(bool is_ready)>;

  // In the thread of `worker`, which asks. Both must outlive this.
  Readiness(serve::Worker& worker, Census& census);

  // `on_known` is called once, in a later turn or from inside, within kPatience and what the census
  // takes.
  void ask(const OnKnown& on_known);

 private:
  bool is_fresh(const serve::Counters& counters) const;
  void probe(OnKnown on_known);
  void tell(bool is_ready);

  serve::Worker& worker_;
  Census& census_;
  std::vector<OnKnown> waiting_;  // for the probe
  std::optional<io::Milliseconds> probed_;
  io::Timer patience_;
};

}  // namespace dnslet::report

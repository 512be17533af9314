// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Asks all workers for their counters and adds them up. Belongs to the first worker's thread; the
// others answer in their own, in between their questions, so that nobody waits for a lock.

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "serve/counters.h"
#include "serve/worker.h"

namespace dnslet::report {

class Census {
 public:
  static constexpr std::size_t kMaxWaiting = 64;
  using Workers = std::vector<std::unique_ptr<serve::Worker>>;
  using OnCounted = std::function<void(const serve::Counters& sum)>;

  // `workers` must outlive this, and run when take() is called.
  explicit Census(const Workers& workers) : workers_(workers) {}

  // `on_counted` is called in a later turn. Who comes while one is under way gets its result.
  // False: too many wait.
  [[nodiscard]] bool take(OnCounted on_counted);

 private:
  void on_counters(const serve::Counters& counters);

  const Workers& workers_;
  std::size_t missing_ = 0;  // workers that have not told yet
  serve::Counters sum_;
  std::vector<OnCounted> waiting_;
};

}  // namespace dnslet::report

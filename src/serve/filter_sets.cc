// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "serve/filter_sets.h"

#include <algorithm>

namespace dnslet::serve {

FilterSets::FilterSets(io::Loop& loop, io::Log& log, policy::RecentPuts& recent,
                       std::function<void(uint64_t batch)> on_written)
    : loop_(loop), log_(log), recent_(recent), on_written_(std::move(on_written)), work_(loop) {}

uint64_t FilterSets::put(std::vector<AddressPut> puts) {
  std::erase_if(puts, [&](AddressPut& put) { return recent_.has(put, loop_.now()); });
  if (puts.empty()) return 0;
  if (collected_.size() + puts.size() > kMostWaiting) {
    warn("sets full", io::LogLine("addresses are not put into sets, as too many wait for that"));
    return 0;
  }
  for (const AddressPut& put : puts) add(put);
  return is_late_ ? 0 : batch_;
}

// Once a batch: many clients may have waited for the same answer.
void FilterSets::add(const AddressPut& put) {
  const auto [known, is_new] = places_.try_emplace({put.set.get(), put.address}, collected_.size());
  if (is_new)
    collected_.push_back(put);
  else
    collected_[known->second].lifetime = std::max(collected_[known->second].lifetime, put.lifetime);
}

void FilterSets::flush() {
  if (collected_.empty() || work_.is_busy()) return;
  const auto batch = std::make_shared<Batch>();
  batch->puts.swap(collected_);
  places_.clear();
  work_.run([this, batch](const StopFlag&) { batch->outcome = writer_.put(batch->puts); },
            [this, batch, number = batch_] {
              on_done(*batch);
              on_written_(number);
            });
  ++batch_;
}

void FilterSets::on_done(const Batch& batch) {
  is_late_ = false;
  for (std::size_t i = 0; i < batch.puts.size(); ++i)
    if (batch.outcome.done[i]) recent_.note(batch.puts[i], loop_.now());
  if (!batch.outcome.failed.empty() || !failing_.empty()) tell(batch);
}

void FilterSets::tell(const Batch& batch) {
  for (const auto& [set, reason] : batch.outcome.failed) {
    failing_.insert(set);
    warn("set " + set, io::LogLine("addresses are not put into a set, answers go out without")
                           .with("set", set)
                           .with("reason", "it " + reason));
  }
  for (const AddressPut& put : batch.puts) {
    const std::string set = put.set->to_text();
    if (batch.outcome.failed.contains(set) || failing_.erase(set) == 0) continue;
    log_.write_limited(io::Level::Info, "again " + set,
                       io::LogLine("addresses are put into a set again").with("set", set),
                       loop_.now());
  }
}

void FilterSets::on_late() {
  is_late_ = true;
  warn("sets late", io::LogLine("the packet filter is busy: answers go out before their addresses "
                                "are in the sets"));
}

void FilterSets::warn(const std::string& topic, io::LogLine line) {
  log_.write_limited(io::Level::Warning, topic, std::move(line), loop_.now());
}

}  // namespace dnslet::serve

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of a Worker that has answers in common with others: --shared-cache.

#include <utility>

#include "policy/storing.h"
#include "serve/worker.h"

namespace dnslet::serve {

std::unique_ptr<SharedAnswers> Worker::make_shared_answers() {
  if (!io::has_redis() || !shared_.options.shared_cache || shared_.options.no_recursion)
    return nullptr;
  return std::make_unique<SharedAnswers>(
      SharedAnswers::Place{loop_, shared_.log, ways_}, *shared_.options.shared_cache,
      SharedAnswers::Callbacks{
          [this](uint64_t number, dns::BytesView value) { return asker_.on_shared(number, value); },
          [this](bool is_up) { asker_.use_shared(is_up); }, shared_.ask_again});
}

void Worker::use_addresses(const std::string& host, const std::vector<IpAddress>& addresses) {
  ways_.use_addresses(host, addresses);
  if (shared_answers()) shared_answers()->use_addresses(host, addresses);
}

void Worker::when_settled(std::function<void()> then) {
  if (shared_answers())
    shared_answers()->when_settled(std::move(then));
  else
    post(std::move(then));
}

uint64_t Worker::mark_of(const policy::UpstreamQuestion& question) const {
  const policy::ServerSetNumber set =
      policy::servers_of(zones(), question.route, question.question.name);
  return set < marks_.size() ? marks_[set] : 0;
}

void Worker::keep_for_others(const policy::UpstreamQuestion& question,
                             const policy::Answer& answer) {
  // The number of a set of servers means nothing to other rules than those that chose it.
  const uint32_t rules = question.route.rules;
  if (rules != 0 && (!rules_ || rules_->generation() != rules)) return;
  SharedAnswers* const shared = shared_answers();
  const auto lifetime = policy::time_to_share(tables(), question, answer);
  if (shared && lifetime.count() > 0) shared->keep(question, mark_of(question), answer, lifetime);
}

}  // namespace dnslet::serve

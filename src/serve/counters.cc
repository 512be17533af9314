// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "serve/counters.h"

#include <algorithm>

namespace dnslet::serve {

std::string type_label(std::size_t index) {
  if (index >= kCountedTypes.size()) return "other";
  return to_text(static_cast<dns::Type>(kCountedTypes[index]));
}

Counters& Counters::operator+=(const Counters& other) {
  for (std::size_t i = 0; i < questions.size(); ++i) detail::add(questions[i], other.questions[i]);
  ignored += other.ignored;
  for (std::size_t i = 0; i < answers.size(); ++i) detail::add(answers[i], other.answers[i]);
  over_limit += other.over_limit;
  refreshes += other.refreshes;
  unsent += other.unsent;
  tcp_closed_by_limit += other.tcp_closed_by_limit;
  detail::add(handshakes, other.handshakes);
  for (const auto& [name, counted] : other.servers) servers[name] += counted;
  shared += other.shared;
  waiting += other.waiting;
  upstream_open += other.upstream_open;
  tcp_clients += other.tcp_clients;
  heard = std::max(heard, other.heard);  // none is the least
  return *this;
}

}  // namespace dnslet::serve

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/servers.h"

#include <algorithm>
#include <utility>

namespace dnslet::policy {

bool is_refusal(dns::Rcode rcode) {
  switch (rcode) {
    case dns::Rcode::ServFail:
    case dns::Rcode::Refused:
    case dns::Rcode::NotImp:
    case dns::Rcode::FormErr:
      return true;
    default:
      // Codes above 15 need the OPT of this hop (RFC 6891 section 9): of no use to a client.
      return static_cast<unsigned>(rcode) > 15;
  }
}

void Servers::assign(ServerSetNumber set, const std::vector<ServerAddress>& servers) {
  std::vector<ServerNumber> numbers;
  numbers.reserve(servers.size());
  for (const ServerAddress& address : servers) {
    const ServerNumber number = number_of(address);
    if (std::ranges::find(numbers, number) == numbers.end()) numbers.push_back(number);
  }
  // Held before the list that it takes the place of is released: who stays keeps what is known.
  const ListNumber list = list_for(numbers);
  hold(list);
  if (set >= lists_of_sets_.size()) lists_of_sets_.resize(set + 1, kNoList);
  const ListNumber before = lists_of_sets_[set];
  lists_of_sets_[set] = list;
  if (before != kNoList) release(before);
}

ServerNumber Servers::number_of(const ServerAddress& address) {
  const auto [known, is_new] = by_address_.try_emplace(address, kNoServer);
  if (!is_new) return known->second;
  if (free_servers_.empty()) {
    known->second = static_cast<ServerNumber>(table_.size());
    table_.emplace_back();
  } else {
    known->second = free_servers_.back();
    free_servers_.pop_back();
  }
  table_[known->second].address = address;
  return known->second;
}

Servers::ListNumber Servers::list_for(const std::vector<ServerNumber>& servers) {
  const auto [known, is_new] = by_servers_.try_emplace(servers, kNoList);
  if (!is_new) return known->second;
  if (free_lists_.empty()) {
    known->second = static_cast<ListNumber>(lists_.size());
    lists_.emplace_back();
  } else {
    known->second = free_lists_.back();
    free_lists_.pop_back();
  }
  lists_[known->second].servers = servers;
  for (const ServerNumber server : servers) ++table_[server].lists;
  return known->second;
}

void Servers::release(ListNumber list) {
  if (--lists_[list].users > 0) return;
  const std::vector<ServerNumber> servers = std::exchange(lists_[list].servers, {});
  by_servers_.erase(servers);
  free_lists_.push_back(list);
  for (const ServerNumber server : servers)
    if (--table_[server].lists == 0) drop(server);
}

// Its number is free when that has been told.
void Servers::drop(ServerNumber server) {
  by_address_.erase(table_[server].address);
  table_[server] = Server();
  dropped_.push_back(server);
}

std::optional<ServerNumber> Servers::take_dropped() {
  if (dropped_.empty()) return std::nullopt;
  const ServerNumber server = dropped_.back();
  dropped_.pop_back();
  free_servers_.push_back(server);
  return server;
}

const Servers::Plan& Servers::make_plan(ListNumber list, Milliseconds now, uint32_t race) {
  order(list, now);
  plan_.at_once = std::min(plan_.at_once + race - 1, std::max<std::size_t>(plan_.order.size(), 1));
  return plan_;
}

bool Servers::is_left_out(ServerNumber server, Milliseconds now) const {
  return table_[server].loop.is_left_out(now) || table_[server].health.is_left_alone(now);
}

void Servers::order(ListNumber list, Milliseconds now) {
  Plan& plan = plan_;
  plan.order.clear();
  plan.at_once = 1;
  const auto is_healthy = [&](ServerNumber server) {
    return !table_[server].health.has_failed() && !is_left_out(server, now);
  };
  for (const ServerNumber server : lists_[list].servers)
    if (is_healthy(server)) plan.order.push_back(server);
  if (plan.order.size() == lists_[list].servers.size()) return;

  const bool some_healthy = !plan.order.empty();
  waiting_.clear();
  for (const ServerNumber server : lists_[list].servers) {
    if (is_healthy(server) || is_left_out(server, now)) continue;
    Health& health = table_[server].health;
    if (!some_healthy || !health.may_be_tried(now)) {
      waiting_.push_back(server);
      continue;
    }
    health.on_trial(now);
    plan.order.insert(plan.order.begin() + static_cast<std::ptrdiff_t>(plan.at_once), server);
    ++plan.at_once;
  }
  plan.order.insert(plan.order.end(), waiting_.begin(), waiting_.end());
  if (plan.order.empty()) disturb(list, now);
}

// All of them ask to be left alone, or lead back.
void Servers::disturb(ListNumber list, Milliseconds now) {
  ServerNumber longest = kNoServer;
  for (const ServerNumber server : lists_[list].servers) {
    const Health& health = table_[server].health;
    if (table_[server].loop.is_left_out(now) || !health.may_be_disturbed(now)) continue;
    if (longest == kNoServer ||
        health.left_alone_since() < table_[longest].health.left_alone_since())
      longest = server;
  }
  if (longest != kNoServer) plan_.order.push_back(longest);
}

bool Servers::is_unreachable(ServerSetNumber set, Milliseconds now) const {
  return std::ranges::all_of(lists_[list_of(set)].servers, [&](ServerNumber server) {
    return table_[server].health.has_failed() || is_left_out(server, now);
  });
}

}  // namespace dnslet::policy

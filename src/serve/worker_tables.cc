// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of a Worker that knows what questions are answered from, and whom to ask.

#include <utility>

#include "policy/family.h"
#include "policy/own_names.h"
#include "policy/shared_key.h"
#include "serve/worker.h"

namespace dnslet::serve {

bool Worker::may_restore(const policy::StoredEntry& entry) {
  const policy::Tables tables = this->tables();
  if (policy::is_own(tables, entry.question.name)) return false;
  return entry.answer.kind() != dns::AnswerKind::NxDomain ||
         !policy::other_family_exists(tables, entry.key(), policy::Existence::Unknown, loop_.now());
}

void Worker::use_hosts(Hosts hosts) {
  hosts_ = std::move(hosts);
  turns_.hosts.assign(hosts_->owners(), 0);
  forget_decisions();
}

void Worker::use_lists(Lists lists) {
  lists_ = std::move(lists);
  forget_decisions();
}

void Worker::use_rules(Rules rules) {
  rules_ = std::move(rules);
  if (forwarding_) name_servers();
  forget_decisions();
}

void Worker::use_records(Records records) {
  records_ = std::move(records);
  turns_.records.assign(records_ ? records_->owners() : 0, 0);
  forget_decisions();
}

void Worker::forget_decisions() {
  ++generation_;
  shared_.cache.clear();
  failures_.clear();
}

void Worker::forward_to(const config::Forwarding& forwarding) {
  if (forwarding.search != settings_.search) {
    settings_.search = forwarding.search;
    shared_.cache.clear();  // it may hold what other rules found
  }
  const bool is_new = !forwarding_ || !forwarding.asks_like(*forwarding_);
  forwarding_ = forwarding;
  if (is_new) name_servers();
}

// Questions that wait for the source itself go to an address, as those for a server by name do.
void Worker::use_known(const std::string& source, const upstream::KnownServers& known) {
  known_[source] = known;
  std::vector<IpAddress> addresses;
  for (const ServerAddress& server : known.servers)
    if (server.endpoint && server == ServerAddress::at({server.endpoint->address, kDnsPort, ""}))
      addresses.push_back(server.endpoint->address);
  if (forwarding_) name_servers();
  ways_.use_addresses(source, addresses);
}

// With those that are known in the places of their sources. A source that knows none stays.
std::vector<ServerAddress> Worker::members(const std::vector<ServerAddress>& servers) const {
  std::vector<ServerAddress> all;
  for (const ServerAddress& server : servers) {
    const auto known = known_.find(server.source);
    if (known == known_.end() || known->second.servers.empty())
      all.push_back(server);
    else
      all.insert(all.end(), known->second.servers.begin(), known->second.servers.end());
  }
  return all;
}

// REQUIRES: forward_to() was called.
void Worker::name_servers() {
  const auto reached = [&](const std::vector<ServerAddress>& servers) {
    std::vector<policy::ServerAddress> list;
    for (const ServerAddress& server : members(servers)) {
      const bool is_stream = forwarding_->tcp_only || server.protocol != Protocol::Udp;
      list.push_back({server, is_stream ? policy::Way::Stream : policy::Way::Datagram});
    }
    return list;
  };
  const config::StubZones& zones = shared_.options.stub_zones;
  const bool has_sets = !zones.empty() || (rules_ && !rules_->sets().empty());
  ways_.set_only_server(members(forwarding_->servers).size() == 1 && !has_sets);
  const auto* const for_all = rules_ ? rules_->servers_for_all() : nullptr;
  if (!forwarding_->servers.empty())
    asker_.set_servers(policy::kDefaultServers, reached(forwarding_->servers));
  else if (for_all)
    asker_.set_servers(policy::kDefaultServers, reached(*for_all));
  marks_.assign(1, 0);
  const auto add = [&](const std::vector<ServerAddress>& servers) {
    asker_.set_servers(marks_.size(), reached(servers));
    marks_.push_back(shared_answers() ? policy::mark_of(members(servers)) : 0);
  };
  for (const auto& [servers, domains] : zones) add(servers);
  if (!rules_) return;
  for (const auto& servers : rules_->sets()) add(servers);
}

policy::Tables Worker::tables() {
  return {settings_,
          shared_.addresses,
          *hosts_,
          shared_.blocked,
          shared_.zones,
          shared_.cache,
          failures_,
          turns_,
          scratch_.view(),
          scratch_error_,
          on_tried_ ? &on_tried_ : nullptr,
          lists_.get(),
          generation_,
          rules_.get(),
          on_rule_ ? &on_rule_ : nullptr,
          &on_guarded_,
          records_.get(),
          shared_.fake_addresses,
          shared_.reverse_names};
}

}  // namespace dnslet::serve

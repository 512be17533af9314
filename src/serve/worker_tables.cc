// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of a Worker that knows what questions are answered from, and whom to ask.

#include <algorithm>
#include <span>
#include <utility>

#include "io/resolved.h"
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
  const bool is_new = !forwarding_ || !forwarding.asks_like(*forwarding_);
  forwarding_ = forwarding;
  use_search();
  if (is_new) name_servers();
}

// The list that a source of nameservers has is newer than that of resolv.conf.
void Worker::take_known_search(policy::SearchRules& rules) const {
  for (const ServerAddress& server : forwarding_->servers) {
    const auto* const known = known_of(server);
    if (!known || known->search.empty()) continue;
    rules.domains.clear();
    for (const dns::Name& domain : known->search) rules.add_domain(domain);
  }
}

void Worker::use_search() {
  policy::SearchRules rules = forwarding_->search;
  const config::Options& options = shared_.options;
  const bool may_be_others = options.enable_search && !options.search_domains;
  if (io::has_resolved() && may_be_others) take_known_search(rules);
  if (rules == settings_.search) return;
  settings_.search = std::move(rules);
  shared_.cache.clear();  // it may hold what other rules found
}

// Questions that wait for the source itself go to an address, as those for a server by name do.
void Worker::use_known(const std::string& source, const Known& known) {
  const auto former = std::exchange(known_[source], known);
  if (io::has_resolved() &&
      (former ? former->of_domains != known->of_domains : !known->of_domains.empty()))
    forget_decisions();
  std::vector<IpAddress> addresses;
  for (const ServerAddress& server : known->servers)
    if (server.endpoint && server == ServerAddress::at({server.endpoint->address, kDnsPort, ""}))
      addresses.push_back(server.endpoint->address);
  if (forwarding_) {
    use_search();
    name_servers();
  }
  ways_.use_addresses(ServerAddress{.source = source}.name_to_resolve(), addresses);
}

// Null: it is no source, or that has told nothing yet.
const upstream::KnownServers* Worker::known_of(const ServerAddress& server) const {
  const auto known = known_.find(server.source);
  return known == known_.end() ? nullptr : known->second.get();
}

// With those that are known in the places of their sources. One that has told that it knows none
// leaves its place to others.
std::vector<ServerAddress> Worker::members(const std::vector<ServerAddress>& servers) const {
  std::vector<ServerAddress> all;
  for (const ServerAddress& server : servers) {
    const auto* const known = known_of(server);
    if (known)
      all.insert(all.end(), known->servers.begin(), known->servers.end());
    else
      all.push_back(server);
  }
  return all.empty() ? servers : all;
}

void Worker::set_servers(policy::ServerSetNumber set, const std::vector<ServerAddress>& servers) {
  std::vector<policy::ServerAddress> list;
  for (const ServerAddress& server : members(servers)) {
    const bool is_stream = forwarding_->tcp_only || server.protocol != Protocol::Udp;
    list.push_back({server, is_stream ? policy::Way::Stream : policy::Way::Datagram});
  }
  asker_.set_servers(set, list);
}

void Worker::add_set(const std::vector<ServerAddress>& servers) {
  set_servers(marks_.size(), servers);
  marks_.push_back(shared_answers() ? policy::mark_of(members(servers)) : 0);
}

// REQUIRES: forward_to() was called.
void Worker::name_servers() {
  const config::StubZones& zones = shared_.options.stub_zones;
  const bool has_sets = !zones.empty() || (rules_ && !rules_->sets().empty());
  ways_.set_only_server(members(forwarding_->servers).size() == 1 && !has_sets);
  const auto* const for_all = rules_ ? rules_->servers_for_all() : nullptr;
  const bool is_for_all = forwarding_->servers.empty() && for_all != nullptr;
  ListsOfServers sets = {is_for_all ? for_all : &forwarding_->servers};
  if (!sets.front()->empty()) set_servers(policy::kDefaultServers, *sets.front());
  for (const auto& [servers, domains] : zones) sets.push_back(&servers);
  if (rules_)
    for (const auto& servers : rules_->sets()) sets.push_back(&servers);
  marks_.assign(1, 0);
  for (const auto* const servers : std::span(sets).subspan(1)) add_set(*servers);
  if (io::has_resolved()) divide(sets);
}

// Sets of their own, for the domains whose servers a source in one of these sets knows.
void Worker::divide(const ListsOfServers& sets) {
  zones_.reset();
  whose_.clear();
  std::map<std::string_view, policy::ServerSetNumber> first_sets;  // by source
  for (policy::ServerSetNumber set = 0; set < sets.size(); ++set) {
    for (const ServerAddress& server : *sets[set]) {
      const auto* const known = known_of(server);
      if (!known) continue;
      const auto [first, is_new] = first_sets.try_emplace(server.source, marks_.size());
      if (is_new)
        for (const auto& some : known->of_domains) add_set(some.servers);
      divide(set, *known, first->second);
    }
  }
  // Numbers that are not used any more keep no servers in use.
  most_sets_ = std::max(most_sets_, marks_.size());
  for (policy::ServerSetNumber set = marks_.size(); set < most_sets_; ++set)
    set_servers(set, *sets.back());
}

// `number`: the set of the first of its domains.
void Worker::divide(policy::ServerSetNumber set, const upstream::KnownServers& known,
                    policy::ServerSetNumber number) {
  whose_.resize(marks_.size());
  whose_[set] = known.whose;
  for (const auto& some : known.of_domains) {
    whose_[number] = some.whose;
    some.domains.for_each([&](dns::NameView domain) {
      if (domain.is_root()) return;
      if (!zones_) zones_ = shared_.zones;
      zones_->add_within(set, domain, number);
    });
    ++number;
  }
}

std::string Worker::whose(policy::ServerSetNumber set) const {
  return set < whose_.size() ? whose_[set] : "";
}

policy::Tables Worker::tables() {
  return {settings_,
          shared_.addresses,
          *hosts_,
          shared_.blocked,
          zones(),
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

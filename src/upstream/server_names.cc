// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/server_names.h"

#include <algorithm>

#include "base/sort.h"
#include "base/text.h"

namespace dnslet::upstream {
namespace {

using io::Milliseconds;
using Addresses = ServerNames::Addresses;
using Outcome = AddressQueries::Outcome;

// As names are compared, without the dot at the end.
std::string folded(const std::string& host) {
  std::string name = lower_case(host);
  if (name.ends_with('.')) name.pop_back();
  return name;
}

bool is_local(std::string_view host) { return host == "localhost" || host.ends_with(".localhost"); }

// RFC 8305 section 4: the families take turns, IPv6 begins.
Addresses in_turn(const Addresses& v4, const Addresses& v6) {
  Addresses all;
  for (std::size_t i = 0; i < std::max(v4.size(), v6.size()); ++i) {
    if (i < v6.size()) all.push_back(v6[i]);
    if (i < v4.size()) all.push_back(v4[i]);
  }
  return all;
}

// Servers rotate addresses from answer to answer: that is no change.
bool are_the_same(Addresses some, Addresses others) {
  sort_now_and_then(some);
  sort_now_and_then(others);
  return some == others;
}

std::string list(const Addresses& addresses) {
  std::string text;
  for (const IpAddress& address : addresses) text += (text.empty() ? "" : ",") + address.to_text();
  return text;
}

}  // namespace

ServerNames::ServerNames(io::Loop& loop, io::Log& log, Times times)
    : loop_(loop), log_(log), times_(times) {
  AddressQueries::clear_environment();
}

ServerNames::~ServerNames() = default;

void ServerNames::use_bootstrap(std::vector<Endpoint> servers) {
  if (servers == bootstrap_) return;
  bootstrap_ = std::move(servers);
  queries_.reset();
  for (const auto& [host, number] : by_host_) {
    Name& name = *names_.find(number);
    if (name.open == 0 && !name.told.empty()) continue;
    name.pause = times_.first_pause;
    ask(number);
  }
}

ServerNames::Following ServerNames::follow(const std::string& host,
                                           const OnAddresses& on_addresses) {
  const uint64_t number = number_of(folded(host));
  const uint64_t follower = followers_.add({number, on_addresses});
  names_.find(number)->followers.push_back(follower);
  Following following(this, follower);
  const Addresses known = names_.find(number)->told;
  if (!known.empty()) on_addresses(known);
  return following;
}

// Of a name that is in the table from now on, and asked for.
uint64_t ServerNames::number_of(const std::string& host) {
  uint64_t& number = by_host_[host];
  if (number != 0) return number;
  number = names_.add({.host = host, .pause = times_.first_pause});
  Name& name = *names_.find(number);
  if (is_local(host)) {
    name.told = {IpAddress::loopback(Family::V6), IpAddress::loopback(Family::V4)};
    return number;
  }
  name.timer = std::make_unique<io::Timer>(loop_, [this, number = number] { ask(number); });
  ask(number);
  return number;
}

void ServerNames::leave(uint64_t follower) {
  const uint64_t number = followers_.find(follower)->name;
  followers_.remove(follower);
  Name& name = *names_.find(number);
  std::erase(name.followers, follower);
  if (!name.followers.empty()) return;
  by_host_.erase(name.host);
  names_.remove(number);
}

void ServerNames::ask_again(const std::string& host) {
  const auto found = by_host_.find(folded(host));
  if (found == by_host_.end()) return;
  Name& name = *names_.find(found->second);
  if (!name.timer || name.open > 0) return;
  const Milliseconds when = std::max(name.asked + times_.between, loop_.now());
  if (when >= name.due) return;  // it is to be asked for earlier
  if (when == loop_.now()) return ask(found->second);
  ask_after(name, when - loop_.now());
}

void ServerNames::ask(uint64_t number) {
  Name& name = *names_.find(number);
  if (!name.timer) return;
  name.timer->stop();
  name.asked = loop_.now();
  name.open = 0;
  // use_bootstrap() will ask.
  if (bootstrap_.empty()) return warn(name, "there is no server to ask; set --bootstrap");

  if (!queries_)
    queries_ = std::make_unique<AddressQueries>(
        loop_, bootstrap_, [this](const AddressQueries::Report& report) { on_report(report); });
  name.open = 2;
  queries_->ask(name.host, Family::V4, number);
  queries_->ask(name.host, Family::V6, number);
}

void ServerNames::ask_after(Name& name, Milliseconds pause) {
  name.due = loop_.now() + pause;
  name.timer->start_once(pause);
}

void ServerNames::on_report(const AddressQueries::Report& report) {
  Name* const name = names_.find(report.token);
  if (!name) return;  // nobody follows it any more
  Known& known = name->families[static_cast<std::size_t>(report.family)];
  known.outcome = report.outcome;
  known.reason = report.reason;
  if (report.outcome == Outcome::Addresses) {
    known.addresses = report.addresses;
    known.lifetime = std::clamp<Milliseconds>(report.ttl, times_.shortest, times_.longest);
  }
  if (--name->open == 0) conclude(*name);
  tell(report.token);
}

// Both answers are there.
void ServerNames::conclude(Name& name) {
  auto& [v4, v6] = name.families;
  // A family that is gone goes, but never the last address.
  if (v4.outcome == Outcome::None && v6.outcome != Outcome::None && !v6.addresses.empty())
    v4.addresses.clear();
  if (v6.outcome == Outcome::None && v4.outcome != Outcome::None && !v4.addresses.empty())
    v6.addresses.clear();

  Milliseconds lifetime = Milliseconds::max();
  for (const Known& known : name.families)
    if (known.outcome == Outcome::Addresses) lifetime = std::min(lifetime, known.lifetime);
  if (lifetime != Milliseconds::max()) {
    name.pause = times_.first_pause;
    return ask_after(name, lifetime - lifetime / 10);
  }
  warn(name, v4.outcome == Outcome::Failed ? v4.reason : v6.reason);
  ask_after(name, name.pause);
  name.pause = std::min(2 * name.pause, times_.longest_pause);
}

void ServerNames::warn(const Name& name, const std::string& reason) {
  io::LogLine line(name.told.empty()
                       ? "a server's name can't be resolved"
                       : "a server's name can't be resolved, the addresses known before stay");
  line.with("name", name.host).with("reason", reason);
  log_.write_limited(io::Level::Warning, "server-name " + name.host, line, loop_.now());
}

// A follower that is called may leave, and so may others.
void ServerNames::tell(uint64_t number) {
  Name& name = *names_.find(number);
  const Addresses now = in_turn(name.families[0].addresses, name.families[1].addresses);
  if (now.empty() || are_the_same(now, name.told)) return;
  name.told = now;
  log_.write(
      io::Level::Info,
      io::LogLine("addresses of a server").with("name", name.host).with("addresses", list(now)));
  const std::vector<uint64_t> followers = name.followers;
  for (const uint64_t number_of_follower : followers) {
    const Follower* const follower = followers_.find(number_of_follower);
    if (!follower) continue;
    const OnAddresses on_addresses = follower->on_addresses;
    on_addresses(now);
  }
}

}  // namespace dnslet::upstream

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/server_sources.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "config/resolv_conf.h"
#include "io/resolved.h"
#include "io/socket.h"

namespace dnslet::app {
namespace {

constexpr io::Milliseconds kAgain{10000};  // until what could not be opened is tried again

}  // namespace

ServerSources::ServerSources(const Place& place, Tell tell)
    : place_(place), tell_(std::move(tell)), again_(place.loop, [this] {
        for (const std::string& name : std::vector(missing_)) (void)add(name);
      }) {}

Status ServerSources::follow(const std::vector<ServerAddress>& servers) {
  const auto is_gone = [&](const std::string& name) {
    return std::ranges::find(servers, name, &ServerAddress::source) == servers.end();
  };
  std::erase_if(sources_, [&](const Source& known) { return is_gone(known.name); });
  std::erase_if(missing_, is_gone);
  for (const ServerAddress& server : servers) {
    if (!server.is_source() || is_followed(server.source)) continue;
    if (Status status = add(server.source); !status) return status;
  }
  return Done();
}

Status ServerSources::add(const std::string& name) {
  if (name == kSystem) {
    sources_.push_back({name, nullptr});
    on_known(name, {system_});
    return Done();
  }
  auto source = upstream::make_source(name, place_.loop, place_.log);
  if (const Status status = is_started_ ? source->open_beside() : source->open(); !status) {
    const std::string sentence = name + ' ' + status.error().text;
    if (!is_started_) return Error{sentence};
    tell_missing(name, sentence);
    again_.start_once(kAgain);
    return Done();
  }
  std::erase(missing_, name);
  sources_.push_back({name, std::move(source)});
  if (auto known = sources_.back().source->known()) on_known(name, std::move(*known));
  if (is_started_) start(sources_.back());
  return Done();
}

void ServerSources::tell_missing(const std::string& name, const std::string& why) {
  if (std::ranges::find(missing_, name) != missing_.end()) return;
  missing_.push_back(name);
  place_.log.write(io::Level::Warning, why);
}

bool ServerSources::is_followed(std::string_view name) const {
  return std::ranges::find(sources_, name, &Source::name) != sources_.end();
}

bool ServerSources::use_system(const std::vector<ServerAddress>& servers) {
  const bool is_in_use = is_followed(kSystem);
  if (servers.empty()) return !is_in_use || system_.empty();
  if (std::exchange(system_, servers) != servers && is_in_use)
    on_known(std::string(kSystem), {servers});
  return true;
}

void ServerSources::start() {
  is_started_ = true;
  for (const Source& source : sources_) start(source);
}

void ServerSources::start(const Source& source) {
  if (!source.source) return;
  source.source->start([this, name = source.name](upstream::KnownServers known) {
    on_known(name, std::move(known));
  });
}

// What is said again is told again: another set may have the source by now.
void ServerSources::on_known(const std::string& name, upstream::KnownServers known) {
  std::string text = take_own_out(known.servers);
  for (auto& some : known.of_domains) {
    text += ';';
    some.domains.for_each([&text](dns::NameView domain) { text += ' ' + domain.to_text(); });
    text += ": " + take_own_out(some.servers);
  }
  const auto source = std::ranges::find(sources_, name, &Source::name);
  if (std::exchange(source->told, text) != text)
    place_.log.write(io::Level::Info, "nameservers of " + name + ": " + text);
  if (io::has_resolved()) settle(known);  // asked so that the linker leaves it out elsewhere
  tell_(name, std::make_shared<const upstream::KnownServers>(std::move(known)));
}

// Returns what is to be said of them.
std::string ServerSources::take_own_out(std::vector<ServerAddress>& servers) const {
  const std::vector<Endpoint> listeners = config::all_listeners(place_.options);
  const std::vector<IpAddress> local = io::local_addresses();
  std::string left_out;
  std::erase_if(servers, [&](const ServerAddress& server) {
    const bool is_own = server.dialled() && config::is_own(*server.dialled(), listeners, local);
    if (is_own) left_out += " (left out: " + server.to_text() + ", which is this dnslet itself)";
    return is_own;
  });
  std::string text;
  for (const ServerAddress& server : servers) add_item(text, server.to_text());
  return (text.empty() ? "none" : text) + left_out;
}

}  // namespace dnslet::app

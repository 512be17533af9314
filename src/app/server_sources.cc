// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/server_sources.h"

#include <utility>

#include "config/resolv_conf.h"
#include "io/socket.h"

namespace dnslet::app {
Status ServerSources::follow(const std::vector<ServerAddress>& servers) {
  std::map<std::string, std::unique_ptr<upstream::ServerSource>> followed;
  for (const ServerAddress& server : servers) {
    if (!server.is_source() || followed.contains(server.source)) continue;
    if (auto known = sources_.extract(server.source)) {
      followed.insert(std::move(known));
      continue;
    }
    auto source = upstream::make_source(server.source, place_.loop, place_.log);
    if (const Status status = is_started_ ? source->open_beside() : source->open(); !status) {
      const std::string sentence = server.source + ' ' + status.error().text;
      if (!is_started_) return Error{sentence};
      place_.log.write(io::Level::Warning, sentence);
      continue;
    }
    if (auto known = source->known()) on_known(server.source, std::move(*known));
    if (is_started_) start(server.source, *source);
    followed.emplace(server.source, std::move(source));
  }
  sources_ = std::move(followed);
  return Done();
}

void ServerSources::start() {
  is_started_ = true;
  for (const auto& [name, source] : sources_) start(name, *source);
}

void ServerSources::start(const std::string& name, upstream::ServerSource& source) {
  source.start([this, name](const upstream::KnownServers& known) { on_known(name, known); });
}

// What is said again is told again: another set may have the source by now.
void ServerSources::on_known(const std::string& name, upstream::KnownServers known) {
  std::string text = take_own_out(known.servers);
  for (auto& some : known.of_domains) {
    text += ';';
    some.domains.for_each([&text](dns::NameView domain) { text += ' ' + domain.to_text(); });
    text += ": " + take_own_out(some.servers);
  }
  if (std::exchange(told_[name], text) != text)
    place_.log.write(io::Level::Info, "nameservers of " + name + ": " + text);
  settle(known);
  tell_(name, known);
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
  for (const ServerAddress& server : servers) text += (text.empty() ? "" : ", ") + server.to_text();
  return (text.empty() ? "none" : text) + left_out;
}

}  // namespace dnslet::app

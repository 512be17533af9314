// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The seam between sets of servers and those who know servers that are not written down: a DHCP
// server, systemd-resolved. In a set a server of that kind (ServerAddress::source) stands for all
// that its source knows; while that is nothing, questions wait for it as for a slow server.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/server_address.h"
#include "dns/name.h"
#include "dns/name_list.h"
#include "io/log.h"
#include "io/loop.h"

namespace dnslet::upstream {

// What a source knows, the most preferred servers first.
struct KnownServers {
  struct OfDomains {
    dns::NameList domains;  // and all names below them
    std::vector<ServerAddress> servers;
    std::string whose{};  // for people: "eth0"

    bool operator==(const OfDomains&) const = default;
  };

  std::vector<ServerAddress> servers;  // of all other names
  std::vector<OfDomains> of_domains{};
  std::vector<dns::Name> search{};  // each domain once
  std::string whose{};              // for people: whose are the servers of all other names

  bool operator==(const KnownServers&) const = default;
};

// Whether some server is asked over TLS.
bool has_tls(const KnownServers& known);

// Leaves domains out that have no servers. The root as a domain is all names that no other has.
void settle(KnownServers& known);

// Lives in one loop.
class ServerSource {
 public:
  // Tells all that is known from now on. Called in the loop, never from inside start(); must not
  // destroy the source.
  using OnKnown = std::function<void(KnownServers known)>;

  ServerSource() = default;
  virtual ~ServerSource() = default;
  ServerSource(const ServerSource&) = delete;
  ServerSource& operator=(const ServerSource&) = delete;

  // Takes what needs rights that --user gives up. Fails with the end of a sentence that begins with
  // the source, and the remedy.
  virtual Status open() = 0;
  // The same while the loop runs: waits for nothing.
  virtual Status open_beside() { return open(); }
  // What is known since open(); start() tells what comes later. nullopt: nothing is known yet.
  virtual std::optional<KnownServers> known() const { return std::nullopt; }
  // REQUIRES: open() has succeeded.
  virtual void start(OnKnown on_known) = 0;
};

// The source that is written so. REQUIRES: parse_server() has taken it for one. `loop` and `log`
// must outlive it.
std::unique_ptr<ServerSource> make_source(const std::string& text, io::Loop& loop, io::Log& log);

}  // namespace dnslet::upstream

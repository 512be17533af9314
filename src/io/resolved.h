// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What systemd-resolved knows of nameservers: those of each link, with their domains, read over
// D-Bus (org.freedesktop.resolve1(5)) and followed as they change. Behind it is io/resolved_sdbus;
// where libsystemd is not to be had, or not in a static program, io/resolved_missing.
//
// It signals new servers, and no more: changes of domains, default routes and TLS show in its files
// below /run/systemd/resolve, where these can be seen; else in a look every 10 s. When the bus or
// systemd-resolved goes away, what was known stays.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "io/log.h"
#include "io/loop.h"

namespace dnslet::io {

struct ResolvedServer {
  IpAddress address;
  uint16_t port = 0;  // 0: the usual one
  std::string name;   // of its certificate; empty: none is given

  bool operator==(const ResolvedServer&) const = default;
};

struct ResolvedDomain {
  std::string name;            // as text; "." is every name
  bool is_route_only = false;  // else it is searched, too

  bool operator==(const ResolvedDomain&) const = default;
};

struct ResolvedLink {
  int index = 0;     // of the interface; 0: what holds for all of the system
  std::string name;  // of the interface; "global"
  std::vector<ResolvedServer> servers;
  std::vector<ResolvedDomain> domains;
  bool is_default = true;  // whether it takes names that no link has a domain for
  bool is_tls = false;     // whether servers are asked over TLS only

  bool operator==(const ResolvedLink&) const = default;
};

// Those with servers and in use, by index.
using ResolvedLinks = std::vector<ResolvedLink>;

// Whether this program can ask systemd-resolved.
bool has_resolved();

class Resolved {
 public:
  using OnLinks = std::function<void(const ResolvedLinks& links)>;

  // `on_links` is called in the loop, whenever they have changed. `log` must outlive this.
  Resolved(Loop& loop, Log& log, OnLinks on_links);
  ~Resolved();
  Resolved(const Resolved&) = delete;
  Resolved& operator=(const Resolved&) = delete;

  // Follows it from now on. Fails where the bus is not there. REQUIRES: it was not called before.
  Status start();
  // Waits, 2 s at most, for what systemd-resolved knows now; on_links is not called for that. Fails
  // with a sentence that says what is in the way. REQUIRES: start() has just succeeded.
  Result<ResolvedLinks> wait();

 private:
  class Client;

  std::unique_ptr<Client> client_;
};

}  // namespace dnslet::io

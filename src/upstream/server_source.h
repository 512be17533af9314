// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The seam between sets of servers and those who know servers that are not written down: a DHCP
// server, systemd-resolved. In a set a server of that kind (ServerAddress::source) stands for all
// that its source knows; while that is nothing, questions wait for it as for a slow server.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/server_address.h"
#include "dns/name_list.h"
#include "io/log.h"
#include "io/loop.h"

namespace dnslet::upstream {

// What a source knows, the most preferred servers first.
struct KnownServers {
  struct OfDomains {
    dns::NameList domains;  // and all names below them
    std::vector<ServerAddress> servers;
  };

  std::vector<ServerAddress> servers;  // of all other names
  std::vector<OfDomains> of_domains{};
};

// Lives in one loop.
class ServerSource {
 public:
  // Tells all that is known from now on. Called in the loop, never from inside start(); must not
  // destroy the source.
  using OnKnown = std::function<void(const KnownServers& known)>;

  ServerSource() = default;
  virtual ~ServerSource() = default;
  ServerSource(const ServerSource&) = delete;
  ServerSource& operator=(const ServerSource&) = delete;

  // Takes what needs rights that --user gives up. Fails with the end of a sentence that begins with
  // the source, and the remedy.
  virtual Status open() = 0;
  // REQUIRES: open() has succeeded.
  virtual void start(OnKnown on_known) = 0;
};

// The source that is written so. REQUIRES: parse_server() has taken it for one. `loop` and `log`
// must outlive it.
std::unique_ptr<ServerSource> make_source(const std::string& text, io::Loop& loop, io::Log& log);

}  // namespace dnslet::upstream

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The sources of servers in use (dhcp:eth0): has what each of them knows told, and what changes.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/server_address.h"
#include "config/options.h"
#include "io/log.h"
#include "io/loop.h"
#include "upstream/server_source.h"

namespace dnslet::app {

class ServerSources {
 public:
  using Tell = std::function<void(const std::string& source,
                                  const std::shared_ptr<const upstream::KnownServers>& known)>;
  struct Place {
    io::Loop& loop;
    io::Log& log;
    const config::Options& options;
  };

  // What `place` names must outlive this.
  ServerSources(const Place& place, Tell tell);

  // From now on those among `servers`, and no others. A new one that can't be opened is a failure
  // until start(); later it is a line in the log, and tried again every ten seconds.
  Status follow(const std::vector<ServerAddress>& servers);
  // What `system` stands for: the servers of resolv.conf. False: there are none, and those before
  // stay.
  bool use_system(const std::vector<ServerAddress>& servers);
  // They begin to look. What this dnslet is itself is left out of what they say.
  void start();

 private:
  struct Source {
    std::string name;
    std::unique_ptr<upstream::ServerSource> source;  // null: `system`, which is told
    std::string told{};                              // in the log
  };

  // Fails before start() only, as follow() does.
  Status add(const std::string& name);
  // A name is told of once.
  void tell_missing(const std::string& name, const std::string& why);
  bool is_followed(std::string_view name) const;
  void start(const Source& source);
  void on_known(const std::string& name, upstream::KnownServers known);
  std::string take_own_out(std::vector<ServerAddress>& servers) const;

  Place place_;
  Tell tell_;
  bool is_started_ = false;
  std::vector<Source> sources_;
  std::vector<ServerAddress> system_;
  std::vector<std::string> missing_;  // that could not be opened
  io::Timer again_;
};

}  // namespace dnslet::app

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The servers in use that are written by name: has their addresses told, and nobody else's.

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/server_address.h"
#include "upstream/server_names.h"

namespace dnslet::app {

class FollowedNames {
 public:
  using Tell = std::function<void(const std::string& host,
                                  const upstream::ServerNames::Addresses& addresses)>;
  // `names` must outlive this.
  FollowedNames(upstream::ServerNames& names, Tell tell) : names_(names), tell_(std::move(tell)) {}

  // From now on those among `servers`, and no others. Addresses that are known are told at once.
  void follow(const std::vector<ServerAddress>& servers);

 private:
  upstream::ServerNames& names_;
  Tell tell_;
  std::map<std::string, upstream::ServerNames::Following> followed_;  // by host
};

}  // namespace dnslet::app

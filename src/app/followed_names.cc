// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/followed_names.h"

namespace dnslet::app {

void FollowedNames::follow(const std::vector<ServerAddress>& servers) {
  std::map<std::string, upstream::ServerNames::Following> followed;
  for (const ServerAddress& server : servers) {
    if (!server.is_name()) continue;
    const std::string host = server.name_to_resolve();
    if (followed.contains(host)) continue;
    if (auto known = followed_.extract(host))
      followed.insert(std::move(known));
    else
      followed.emplace(host, names_.follow(host, [this, host](const auto& addresses) {
        tell_(host, addresses);
      }));
  }
  followed_ = std::move(followed);
}

}  // namespace dnslet::app

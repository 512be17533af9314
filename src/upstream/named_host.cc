// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/named_host.h"

#include <algorithm>
#include <utility>

namespace dnslet::upstream {

NamedHost::NamedHost(ServerNames& names, const ServerAddress& host, std::function<void()> on_known)
    : names_(names), host_(host.host), on_known_(std::move(on_known)), port_(host.port) {
  if (host.endpoint) {
    endpoints_ = {*host.endpoint};
    return;
  }
  following_ = names_.follow(
      host_, [this](const ServerNames::Addresses& addresses) { on_addresses(addresses); });
  is_made_ = true;
}

std::optional<Endpoint> NamedHost::endpoint() const {
  if (endpoints_.empty()) return std::nullopt;
  return endpoints_[turn_];
}

bool NamedHost::use_next() {
  if (endpoints_.empty()) return false;
  turn_ = (turn_ + 1) % endpoints_.size();
  if (++failed_ < endpoints_.size()) return true;
  failed_ = 0;
  if (!host_.empty()) names_.ask_again(host_);
  return false;
}

// The endpoint in use stays, where the name still has it.
void NamedHost::on_addresses(const ServerNames::Addresses& addresses) {
  const std::optional<Endpoint> used = endpoint();
  endpoints_.clear();
  for (const IpAddress& address : addresses) endpoints_.push_back({address, port_, ""});
  const auto found = used ? std::ranges::find(endpoints_, *used) : endpoints_.end();
  turn_ = found == endpoints_.end() ? 0 : static_cast<std::size_t>(found - endpoints_.begin());
  failed_ = 0;
  if (!used && is_made_) on_known_();
}

}  // namespace dnslet::upstream

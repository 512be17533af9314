// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A host to connect to that is written as an address or as a name: its addresses, one after the
// other while they refuse. Connects to nothing itself.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/server_address.h"
#include "upstream/server_names.h"

namespace dnslet::upstream {

class NamedHost {
 public:
  // `on_known` is called when there are addresses and none was known before, never from inside.
  // `names` must outlive this.
  NamedHost(ServerNames& names, const ServerAddress& host, std::function<void()> on_known);
  ~NamedHost() = default;
  NamedHost(const NamedHost&) = delete;
  NamedHost& operator=(const NamedHost&) = delete;

  // To which to connect now; nullopt: no address is known yet.
  std::optional<Endpoint> endpoint() const;
  // The endpoint could not be connected to. True: there is another one, not tried since the last
  // success. False: all have failed; a name is asked for again, and the first one has its turn.
  bool use_next();
  void on_success() { failed_ = 0; }

 private:
  void on_addresses(const ServerNames::Addresses& addresses);

  ServerNames& names_;
  std::string host_;  // empty: no name
  std::function<void()> on_known_;
  std::vector<Endpoint> endpoints_;
  uint16_t port_;
  std::size_t turn_ = 0;    // index of the endpoint in use
  std::size_t failed_ = 0;  // endpoints in a row
  bool is_made_ = false;
  ServerNames::Following following_;
};

}  // namespace dnslet::upstream

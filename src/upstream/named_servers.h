// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The transports of one thread to servers that are written by name: each gets the addresses of its
// server when they are known, and whenever they change. Resolves nothing itself.
//
// Questions to a server wait while it has no address.

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/server_address.h"
#include "io/loop.h"
#include "io/socket.h"
#include "upstream/transport.h"

namespace dnslet::upstream {

class NamedServers {
 public:
  static constexpr io::Milliseconds kBetween{1000};  // calls of OnRefused for one host, at least

  // A transport that can do without addresses at first.
  struct Way {
    std::unique_ptr<Transport> transport;
    std::function<void(std::vector<io::SocketAddress> addresses)> use_addresses;
    // To another address, for silence; empty: it finds one that connects by itself.
    std::function<void()> use_next_address;
  };
  using MakeWay = std::function<Way(Transport::OnReport on_report)>;
  // All known addresses of the host have refused.
  using OnRefused = std::function<void(const std::string& host)>;

  // `loop` must outlive it, and it the transports that it makes.
  NamedServers(io::Loop& loop, OnRefused on_refused)
      : loop_(loop), on_refused_(std::move(on_refused)) {}

  // REQUIRES: the server is written by name, or a source of servers.
  std::unique_ptr<Transport> open(const ServerAddress& server, const MakeWay& make,
                                  Transport::OnReport on_report);
  // The addresses of the host from now on, in the order in which they are tried.
  void use_addresses(const std::string& host, const std::vector<IpAddress>& addresses);

 private:
  class Named;
  struct Host {
    std::vector<IpAddress> addresses{};
    std::set<Named*> transports{};
    io::Milliseconds next_refusal{0};  // before that nobody is told
  };

  void on_refused(const std::string& name);

  io::Loop& loop_;
  OnRefused on_refused_;
  std::unordered_map<std::string, Host> hosts_;
};

}  // namespace dnslet::upstream

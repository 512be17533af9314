// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Makes the transports of one thread, by how a server is reached. They share one hook per turn of
// the loop.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/server_address.h"
#include "io/loop.h"
#include "upstream/message_stream.h"
#include "upstream/named_servers.h"
#include "upstream/outbox.h"
#include "upstream/transport.h"

namespace dnslet::upstream {

class Ways {
 public:
  // `loop` must outlive it, and it the transports that it makes.
  Ways(io::Loop& loop, const StreamSettings& settings, NamedServers::OnRefused on_refused)
      : loop_(loop), settings_(settings), outbox_(loop), named_(loop, std::move(on_refused)) {}

  // Whether the transports that are made from now on are to the only server there is.
  void set_only_server(bool is_only) { settings_.is_only_server = is_only; }

  // This way to the server, whichever its address names.
  std::unique_ptr<Transport> open(Way way, const ServerAddress& server,
                                  Transport::OnReport on_report);
  // The addresses of a server that is written by name.
  void use_addresses(const std::string& host, const std::vector<IpAddress>& addresses) {
    named_.use_addresses(host, addresses);
  }

 private:
  NamedServers::Way make_udp(std::vector<io::SocketAddress> addresses,
                             Transport::OnReport on_report);
  NamedServers::Way make_tcp(std::vector<io::SocketAddress> addresses,
                             Transport::OnReport on_report);

  io::Loop& loop_;
  StreamSettings settings_;
  Outbox outbox_;
  NamedServers named_;
};

}  // namespace dnslet::upstream

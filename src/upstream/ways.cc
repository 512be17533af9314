// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/ways.h"

#include <utility>

#include "io/socket.h"
#include "io/tcp_stream.h"
#include "upstream/udp.h"

namespace dnslet::upstream {

std::unique_ptr<Transport> Ways::open(Way way, const ServerAddress& server,
                                      Transport::OnReport on_report) {
  const auto make = [this, way](std::vector<io::SocketAddress> addresses,
                                Transport::OnReport report) {
    return way == Way::Udp ? make_udp(std::move(addresses), std::move(report))
                           : make_tcp(std::move(addresses), std::move(report));
  };
  if (server.endpoint)
    return make({io::SocketAddress(*server.endpoint)}, std::move(on_report)).transport;
  return named_.open(
      server, [&](Transport::OnReport report) { return make({}, std::move(report)); },
      std::move(on_report));
}

NamedServers::Way Ways::make_udp(std::vector<io::SocketAddress> addresses,
                                 Transport::OnReport on_report) {
  auto udp = std::make_unique<Udp>(loop_, outbox_, std::move(addresses), std::move(on_report));
  Udp& made = *udp;
  return {std::move(udp),
          [&made](std::vector<io::SocketAddress> known) { made.use_addresses(std::move(known)); },
          [&made] { made.use_next_address(); }};
}

NamedServers::Way Ways::make_tcp(std::vector<io::SocketAddress> addresses,
                                 Transport::OnReport on_report) {
  const auto dial = [this](const std::vector<io::SocketAddress>& to, io::Stream::User& user) {
    return std::make_unique<io::TcpStream>(loop_, to, user);
  };
  auto stream =
      std::make_unique<MessageStream>(loop_, outbox_, settings_, dial, std::move(on_report));
  MessageStream& made = *stream;
  if (!addresses.empty()) made.use_addresses(std::move(addresses));
  return {std::move(stream),
          [&made](std::vector<io::SocketAddress> known) { made.use_addresses(std::move(known)); },
          {}};
}

}  // namespace dnslet::upstream

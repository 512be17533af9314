// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/ways.h"

#include <utility>

#include "io/socket.h"
#include "io/tcp_stream.h"
#include "upstream/udp.h"

namespace dnslet::upstream {

std::unique_ptr<Transport> Ways::open(Way way, const std::vector<Endpoint>& addresses,
                                      Transport::OnReport on_report) {
  std::vector<io::SocketAddress> known(addresses.begin(), addresses.end());
  if (way == Way::Udp)
    return std::make_unique<Udp>(loop_, outbox_, std::move(known), std::move(on_report));
  const auto dial = [this](const std::vector<io::SocketAddress>& to, io::Stream::User& user) {
    return std::make_unique<io::TcpStream>(loop_, to, user);
  };
  auto stream =
      std::make_unique<MessageStream>(loop_, outbox_, settings_, dial, std::move(on_report));
  stream->use_addresses(std::move(known));
  return stream;
}

}  // namespace dnslet::upstream

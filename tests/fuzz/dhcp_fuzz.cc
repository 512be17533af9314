// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// What a host of the link sends to DHCP's clients: a reply or nothing. Of a reply no address is
// there twice, none that can't be asked is among the servers, and it counts for the exchange that
// it names only.

#include <algorithm>
#include <cassert>

#include "input.h"
#include "upstream/dhcp_exchange.h"

namespace {

using namespace dnslet;

// Mends what hardly a mutation gets right, so that options are reached: the headers.
void frame(dns::Bytes& packet) {
  constexpr std::size_t kHeaders = 20 + 8 + 240;
  if (packet.size() < kHeaders || packet.size() > UINT16_MAX) return;
  dns::Writer ip(packet);
  ip.u16(0x4500);
  ip.u16(static_cast<uint16_t>(packet.size()));
  ip.u32(0);
  ip.u16(64 << 8 | 17);
  dns::Writer udp(dns::MutableBytesView(packet).subspan(22));
  udp.u16(68);
  udp.u16(static_cast<uint16_t>(packet.size() - 20));
  udp.u16(0);
  udp.u32(0x02010600);
  dns::Writer cookie(dns::MutableBytesView(packet).subspan(kHeaders - 4));
  cookie.u32(0x63825363);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dnslet::upstream;
  fuzz::Input input(data, size);
  const bool is_framed = (input.byte() & 1) != 0;
  dns::Bytes packet = input.rest();
  if (is_framed) frame(packet);
  const auto reply = parse_dhcp_reply(packet);
  if (!reply) return 0;
  assert(reply->servers.size() <= DhcpReply::kMostServers);
  assert(reply->unusable.size() <= DhcpReply::kMostServers);
  for (const IpAddress& server : reply->servers) {
    assert(!server.is_wildcard() && !server.is_loopback() && server.bytes[0] < 224);
    assert(std::ranges::count(reply->servers, server) == 1);
    assert(std::ranges::count(reply->unusable, server) == 0);
  }
  DhcpExchange exchange;
  exchange.on_link(DhcpLink{2, reply->hardware, std::nullopt}, DhcpExchange::Milliseconds(0));
  const auto request = exchange.on_time(DhcpExchange::Milliseconds(0), reply->id);
  assert(request);
  const auto verdict = exchange.on_reply(*reply, DhcpExchange::Milliseconds(1));
  assert(verdict != DhcpExchange::Verdict::Strange);
  assert((verdict == DhcpExchange::Verdict::Counts) == !reply->servers.empty());
  assert(!parse_dhcp_reply(build_dhcp_request(*request)));
  return 0;
}

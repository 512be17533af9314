// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The nameservers that DHCP offers on an interface: one socket for its packets, and the times of
// upstream/dhcp_exchange. Never takes a lease, and does not need the port of DHCP's clients, so
// that it can run beside one.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/interfaces.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/packet_socket.h"
#include "upstream/dhcp_exchange.h"
#include "upstream/server_source.h"

namespace dnslet::upstream {

class DhcpSource final : public ServerSource {
 public:
  // `loop` and `log` must outlive this.
  DhcpSource(std::string interface, io::Loop& loop, io::Log& log);

  Status open() override;
  void start(OnKnown on_known) override;

 private:
  void look(io::InterfaceWatch::Changes changes);
  void on_time();
  void on_packets();
  void on_reply(const DhcpReply& reply);
  void arm();
  void tell_state(std::string_view state);
  // `detail` is what strangers may choose: whatever it is, the log is not filled.
  void warn(const std::string& text, const std::string& detail = "");
  void tell(io::Level level, const std::string& text, const std::string& detail = "");

  std::string interface_;
  io::Loop& loop_;
  io::Log& log_;
  OnKnown on_known_;
  DhcpExchange exchange_;
  std::vector<IpAddress> unusable_;  // that were warned of
  std::string_view state_;           // of the interface, as it was told last; a constant
  io::PacketSocket socket_;
  io::InterfaceWatch interfaces_;
  std::unique_ptr<io::Watch> packets_;
  io::Timer timer_;
};

}  // namespace dnslet::upstream

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// When a link's DHCP servers are asked for its nameservers, and which answer counts. Decides; no
// I/O, no clock, no dice: time and randomness are arguments.
//
// Waiting:  the link can't be used: it is not there, down, or no Ethernet. Nothing is due.
// Asking:   one exchange is open; a request is repeated after 4, 8, 16, 32, 64, 64, ... seconds,
//           give or take one (RFC 2131 section 4.1), until an answer has nameservers.
// Knowing:  the next exchange is due when the lease would be renewed, or earlier, where the link
//           changes or its address is renewed.

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/address.h"
#include "upstream/dhcp_message.h"

namespace dnslet::upstream {

// What of an interface matters here.
struct DhcpLink {
  int index = 0;
  HardwareAddress hardware{};
  std::optional<IpAddress> address{};  // V4

  bool operator==(const DhcpLink&) const = default;
};

class DhcpExchange {
 public:
  using Milliseconds = std::chrono::milliseconds;
  static constexpr Milliseconds kFirstPause{4000};
  static constexpr Milliseconds kLongestPause{64'000};
  static constexpr Milliseconds kJitter{1000};
  static constexpr Milliseconds kBetween{1000};  // requests, at least, however a link changes
  static constexpr Milliseconds kUnlimited{
      3'600'000};                                     // until the next exchange: no lease was told
  static constexpr Milliseconds kSoonest{60'000};     // likewise, where one was
  static constexpr Milliseconds kLatest{86'400'000};  // likewise
  static constexpr unsigned kInforms = 2;  // with no answer; then some servers want a DHCPDISCOVER

  // How the link is from now on; nullopt: it can't be used.
  void on_link(const std::optional<DhcpLink>& link, Milliseconds now);
  // Somebody has renewed its address: what DHCP says may have changed with it.
  void on_renewal(Milliseconds now);
  // When on_time() has something to send; nullopt: not before the link changes.
  std::optional<Milliseconds> due() const { return due_; }
  // What is to be sent now; nullopt: nothing. `dice`: any number, the exchange's secret.
  std::optional<DhcpRequest> on_time(Milliseconds now, uint64_t dice);
  // Whether the reply is the exchange's. One without nameservers ends nothing: there may be another
  // one.
  enum class Verdict { Strange, NoServers, Counts };
  Verdict on_reply(const DhcpReply& reply, Milliseconds now);

  bool is_asking() const { return tries_ > 0; }
  unsigned tries() const { return tries_; }  // of the open exchange
  uint32_t id() const { return id_; }        // likewise
  const std::optional<DhcpLink>& link() const { return link_; }

 private:
  void begin(Milliseconds now);

  std::optional<DhcpLink> link_;
  std::optional<Milliseconds> due_;
  std::optional<Milliseconds> sent_;  // last
  Milliseconds begun_{0};
  uint32_t id_ = 0;
  unsigned tries_ = 0;  // 0: no exchange is open
};

}  // namespace dnslet::upstream

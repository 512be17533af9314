// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A server reached over UDP: each question leaves from a fresh random port with a fresh random ID,
// connected, all of one turn one right behind the other. An answer has to match address, port, ID
// and question (RFC 5452); anything else is dropped and the question stays open.
//
// A question that was answered or forgotten holds nothing. While nobody asks, no socket is open.

#include <memory>
#include <span>
#include <vector>

#include "base/number_map.h"
#include "base/slots.h"
#include "io/loop.h"
#include "io/socket.h"
#include "upstream/outbox.h"
#include "upstream/random_ids.h"
#include "upstream/transport.h"
#include "upstream/udp_ports.h"

namespace dnslet::upstream {

class Udp : public Transport {
 public:
  static constexpr int kMaxRefused = 64;  // packets that one turn drops
  // Sockets that have not been needed for so long are closed.
  static constexpr io::Milliseconds kUnneeded{1000};

  // `loop` and `outbox` must outlive it. Without addresses questions wait for use_addresses().
  Udp(io::Loop& loop, Outbox& outbox, std::vector<io::SocketAddress> addresses, OnReport on_report);
  ~Udp() override;
  Udp(const Udp&) = delete;
  Udp& operator=(const Udp&) = delete;

  // The addresses of the server from now on; the one in use stays where it is among them. Questions
  // that are under way stay with the address to which they were sent.
  void use_addresses(std::vector<io::SocketAddress> addresses);
  // The server does not answer: the next question goes to its next address, if it has more. (Of one
  // that refuses this is found out here, and the question goes to all of them before it is
  // Unreachable.)
  void use_next_address() { ++turn_; }

  void send(uint64_t token, const dns::QueryBytes& query) override;
  void flush() override;
  void forget(uint64_t token) override;
  std::size_t open() const override { return asked_.size(); }

 private:
  static constexpr UdpPorts::Place kNoPort = UINT32_MAX;

  struct Asked {
    uint64_t token = 0;
    uint64_t sent_ns = 0;
    uint64_t turn = 0;  // stands for the address
    UdpPorts::Place port = kNoPort;
    std::size_t refused = 0;  // addresses that could not be reached
    dns::KeptBytes query;
  };
  // What is told in the next turn of the loop.
  struct Failure {
    uint64_t question = 0;
    Outcome outcome = Outcome::Unreachable;
  };

  const io::SocketAddress& address() const { return addresses_[turn_ % addresses_.size()]; }
  void wait_for_flush();
  void open_ports();
  void fail_later(uint64_t question, int error);
  void on_ready();
  bool on_packet(const UdpPorts::Arrival& arrival, dns::BytesView packet);
  bool use_other_address(uint64_t question);
  void report(uint64_t question, Report report);
  void tell_failures();
  void close_unneeded();

  io::Loop& loop_;
  Outbox& outbox_;
  std::vector<io::SocketAddress> addresses_;
  OnReport on_report_;
  RandomIds ids_;
  UdpPorts ports_;
  Slots<Asked> asked_;
  NumberMap by_token_;            // numbers in asked_
  std::vector<uint64_t> unsent_;  // numbers in asked_; some may be gone
  std::vector<Failure> failures_;
  uint64_t turn_ = 0;  // counts the changes of the address
  bool is_in_outbox_ = false;
  std::unique_ptr<io::Watch> watch_;
  io::Timer failures_timer_;
  io::Timer unneeded_timer_;
};

}  // namespace dnslet::upstream

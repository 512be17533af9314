// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A server by way of c-ares, as a transport. What is forgotten stays with c-ares until its time is
// up, but is not reported.

#include <unordered_set>

#include "io/upstream.h"
#include "upstream/transport.h"

namespace dnslet::upstream {

class AresTransport : public Transport {
 public:
  AresTransport(io::Loop& loop, const Endpoint& server, const io::UpstreamSettings& settings,
                OnReport on_report);

  void send(uint64_t token, const dns::QueryBytes& query) override;
  void flush() override {}
  void forget(uint64_t token) override { open_.erase(token); }
  std::size_t open() const override { return open_.size(); }

 private:
  void on_reply(uint64_t token, const io::UpstreamReply& reply);

  OnReport on_report_;
  std::unordered_set<uint64_t> open_;
  io::Upstream upstream_;
};

}  // namespace dnslet::upstream

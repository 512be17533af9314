// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/ares_transport.h"

#include <utility>

namespace dnslet::upstream {

AresTransport::AresTransport(io::Loop& loop, const Endpoint& server,
                             const io::UpstreamSettings& settings, OnReport on_report)
    : on_report_(std::move(on_report)),
      upstream_(loop, server, settings, [this](uint64_t token, const io::UpstreamReply& reply) {
        on_reply(token, reply);
      }) {}

void AresTransport::send(uint64_t token, const dns::QueryBytes& query) {
  open_.insert(token);
  upstream_.ask(token, query);
}

void AresTransport::on_reply(uint64_t token, const io::UpstreamReply& reply) {
  if (reply.result == io::UpstreamResult::Silent || open_.erase(token) == 0) return;
  Report report{.token = token, .packet = reply.packet, .taken = reply.taken};
  if (reply.result == io::UpstreamResult::Answer) report.outcome = Outcome::Answer;
  if (reply.result == io::UpstreamResult::Truncated) report.outcome = Outcome::Truncated;
  if (reply.result == io::UpstreamResult::NoResources) report.outcome = Outcome::NoResources;
  on_report_(report);
}

}  // namespace dnslet::upstream

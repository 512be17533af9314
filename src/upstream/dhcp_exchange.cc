// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/dhcp_exchange.h"

#include <algorithm>

namespace dnslet::upstream {

void DhcpExchange::on_link(const std::optional<DhcpLink>& link, Milliseconds now) {
  if (link == link_) return;
  link_ = link;
  begin(now);
}

void DhcpExchange::on_renewal(Milliseconds now) {
  if (is_asking() || !due_ || !sent_) return;
  due_ = std::min(*due_, std::max(now, *sent_ + kSoonest));
}

void DhcpExchange::begin(Milliseconds now) {
  tries_ = 0;
  due_.reset();
  if (link_) due_ = sent_ ? std::max(now, *sent_ + kBetween) : now;
}

std::optional<DhcpRequest> DhcpExchange::on_time(Milliseconds now, uint64_t dice) {
  if (!due_ || now < *due_) return std::nullopt;
  if (tries_ == 0) {
    begun_ = now;
    id_ = static_cast<uint32_t>(dice);
  }
  const bool informs = tries_ < kInforms || tries_ % 2 != 0;
  const Milliseconds pause = std::min(kFirstPause * (1U << std::min(tries_, 4U)), kLongestPause);
  const auto jitter = static_cast<int64_t>((dice >> 32) % (2 * kJitter.count() + 1));
  due_ = now + pause - kJitter + Milliseconds(jitter);
  sent_ = now;
  ++tries_;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - begun_).count();
  return DhcpRequest{id_, static_cast<uint16_t>(std::min<int64_t>(seconds, UINT16_MAX)),
                     link_->hardware, informs ? link_->address : std::nullopt};
}

DhcpExchange::Verdict DhcpExchange::on_reply(const DhcpReply& reply, Milliseconds now) {
  if (!is_asking() || reply.id != id_ || reply.hardware != link_->hardware) return Verdict::Strange;
  if (reply.servers.empty()) return Verdict::NoServers;
  tries_ = 0;
  const bool is_told = reply.renewal.count() > 0;
  due_ = now + (is_told ? std::clamp<Milliseconds>(reply.renewal, kSoonest, kLatest) : kUnlimited);
  return Verdict::Counts;
}

}  // namespace dnslet::upstream

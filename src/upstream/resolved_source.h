// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// `resolved`: the servers of the links that systemd-resolved has.

#include "io/resolved.h"
#include "upstream/server_source.h"

namespace dnslet::upstream {

class ResolvedSource final : public ServerSource {
 public:
  // Both must outlive it.
  ResolvedSource(io::Loop& loop, io::Log& log);

  // Waits, 2 s at most, for what systemd-resolved has to say.
  Status open() override;
  Status open_beside() override;
  std::optional<KnownServers> known() const override;
  void start(OnKnown on_known) override { on_known_ = std::move(on_known); }

 private:
  void use(const io::ResolvedLinks& links);

  io::Log& log_;
  OnKnown on_known_;
  std::optional<io::ResolvedLinks> links_;  // nullopt: it has not said anything yet
  io::Resolved resolved_;
};

}  // namespace dnslet::upstream

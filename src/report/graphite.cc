// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "report/graphite.h"

#include <algorithm>
#include <utility>

namespace dnslet::report {

Graphite::Graphite(const Environment& environment, const ServerAddress& server,
                   MakeBatch make_batch)
    : loop_(environment.loop),
      log_(environment.log),
      server_(server.to_text()),
      host_(environment.names, server,
            [this] {
              if (state_ == State::Nameless) connect();
            }),
      make_batch_(std::move(make_batch)),
      timer_(loop_, [this] { on_time(); }) {}

void Graphite::connect() {
  const auto endpoint = host_.endpoint();
  state_ = endpoint ? State::Connecting : State::Nameless;
  if (!endpoint) return;
  timer_.start_once(kInterval);
  connection_ = std::make_unique<io::TcpConnection>(
      loop_, *endpoint,
      io::TcpConnection::Events{[this] { on_open(); },
                                [](std::string_view) { /* it has nothing to say */ },
                                [this](const std::string& reason) { on_gone(reason); }});
}

void Graphite::on_time() {
  switch (state_) {
    case State::Nameless:
      return;
    case State::Pausing:
      connect();
      return;
    case State::Connecting:
      on_gone("no answer");
      return;
    case State::Open:
      push();
      return;
  }
}

void Graphite::on_open() {
  state_ = State::Open;
  opened_ = loop_.now();
  host_.on_success();
  stalled_ = 0;
  timer_.start_every(kInterval);
  push();
}

void Graphite::push() {
  if (connection_->unsent() > 0) {
    if (++stalled_ == kMaxStalled) on_gone("it does not read");
    return;
  }
  stalled_ = 0;
  make_batch_([this](const std::string& batch) {
    if (state_ == State::Open && connection_->unsent() == 0) connection_->send(batch);
  });
}

// A server that takes a connection and ends it at once is no better than one that takes none.
void Graphite::on_gone(const std::string& reason) {
  if (state_ == State::Connecting && host_.use_next()) return connect();
  if (state_ == State::Open && loop_.now() - opened_ >= kInterval) pause_ = kFirstPause;
  log_.write_limited(io::Level::Warning, "graphite",
                     io::LogLine("counters can't be pushed to Graphite")
                         .with("server", server_)
                         .with("reason", reason),
                     loop_.now());
  connection_.reset();
  state_ = State::Pausing;
  timer_.start_once(pause_);
  pause_ = std::min(2 * pause_, kLongestPause);
}

}  // namespace dnslet::report

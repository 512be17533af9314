// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/outbox.h"

namespace dnslet::upstream {

Outbox::Outbox(io::Loop& loop) : before_waiting_(loop, [this] { flush(); }) {}

void Outbox::remove(const Transport& transport) { std::erase(waiting_, &transport); }

// A transport that is added meanwhile waits for the next turn.
void Outbox::flush() {
  if (waiting_.empty()) return;
  flushing_.swap(waiting_);
  for (Transport* const transport : flushing_) transport->flush();
  flushing_.clear();
}

}  // namespace dnslet::upstream

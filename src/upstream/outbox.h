// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The one hook per turn of the loop for all transports: when the events and timers of a turn have
// been handled it flushes those that have something unsent, and touches no other. So what gathers
// in a turn leaves together, and a transport that nobody asks costs nothing.

#include <vector>

#include "io/loop.h"
#include "upstream/transport.h"

namespace dnslet::upstream {

class Outbox {
 public:
  explicit Outbox(io::Loop& loop);

  // flush() is called once before the loop waits. REQUIRES: it has not been added since.
  void add(Transport& transport) { waiting_.push_back(&transport); }
  // The transport goes away.
  void remove(const Transport& transport);

 private:
  void flush();

  std::vector<Transport*> waiting_;
  std::vector<Transport*> flushing_;
  io::BeforeWaiting before_waiting_;
};

}  // namespace dnslet::upstream

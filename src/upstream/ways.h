// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Makes the transports of one thread, by how a server is reached. They share one hook per turn of
// the loop.

#include <memory>
#include <vector>

#include "base/address.h"
#include "io/loop.h"
#include "upstream/message_stream.h"
#include "upstream/outbox.h"
#include "upstream/transport.h"

namespace dnslet::upstream {

enum class Way { Udp, Tcp };

class Ways {
 public:
  // `loop` must outlive it, and it the transports that it makes.
  Ways(io::Loop& loop, const StreamSettings& settings)
      : loop_(loop), settings_(settings), outbox_(loop) {}

  // Whether the transports that are made from now on are to the only server there is.
  void set_only_server(bool is_only) { settings_.is_only_server = is_only; }

  // A way to the server with these addresses, in the order in which they are tried.
  std::unique_ptr<Transport> open(Way way, const std::vector<Endpoint>& addresses,
                                  Transport::OnReport on_report);

 private:
  io::Loop& loop_;
  StreamSettings settings_;
  Outbox outbox_;
};

}  // namespace dnslet::upstream

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A connection that carries messages behind two bytes of length (RFC 1035 section 4.2.2), over
// plain TCP or TLS, each with an ID that no other one on it has.

#include <memory>

#include "base/number_map.h"
#include "io/stream.h"
#include "upstream/connection.h"
#include "upstream/keepalive.h"
#include "upstream/random_ids.h"

namespace dnslet::upstream {

class FramedConnection final : public Connection, private io::Stream::User {
 public:
  // What queries get on their way.
  struct Craft {
    RandomIds& ids;  // must outlive it
    Padding padding = Padding::None;
  };

  FramedConnection(const Place& place, const io::OpenStream& open, const Craft& craft);

  // The query gets edns-tcp-keepalive in its OPT (RFC 7828), and padding.
  uint64_t add(uint64_t question, dns::MutableBytesView query) override;
  void flush() override;
  bool is_path_dead(io::Milliseconds ago) const override { return stream_->is_path_dead(ago); }

 private:
  void on_open() override;
  void on_bytes(dns::BytesView bytes) override;
  void on_end(int status) override;

  std::optional<std::size_t> take_messages(dns::BytesView bytes);
  void on_message(dns::BytesView message);

  Craft craft_;
  NumberMap by_id_;  // numbers of what has been sent
  dns::Bytes outgoing_;
  dns::Bytes incoming_;  // the beginning of a message
  std::unique_ptr<io::Stream> stream_;
};

}  // namespace dnslet::upstream

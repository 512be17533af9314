// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// How questions and answers lie in the bytes of a client's connection: what io/tcp_client leaves to
// others, so that it serves DNS over TCP, TLS and HTTPS alike.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "dns/wire.h"

namespace dnslet::io {

class Framing {
 public:
  // Who takes the questions.
  class User {
   public:
    // Whether it takes no more for now.
    virtual bool is_full() const = 0;
    // A whole one; valid during the call. `request`: what its answer is to be given with. The
    // answer may be given from inside.
    virtual void on_question(uint64_t request, dns::BytesView packet) = 0;
    // The client says no more, or shall not: the connection ends when what it has asked is
    // answered.
    virtual void on_last() = 0;

   protected:
    ~User() = default;
  };

  virtual ~Framing() = default;

  // The connection is open, and this protocol agreed on (RFC 7301); empty: none.
  virtual void on_open(std::string_view /*protocol*/) {}
  // Takes questions off the front of the bytes, in as far as they are whole and the user is not
  // full. Returns how many bytes need not be seen again; nullopt: the client breaks the rules, and
  // the connection ends at once.
  virtual std::optional<std::size_t> take(dns::BytesView bytes, User& user) = 0;
  // Queues an answer.
  virtual void add_answer(uint64_t request, dns::BytesView answer, dns::Bytes& out) = 0;
  // It was no question: what that calls for, if anything.
  virtual void refuse(uint64_t /*request*/) {}
  // There will be no answer. True: the connection has to end for it.
  virtual bool drop(uint64_t /*request*/) { return true; }
  // Appends what else there is to send.
  virtual void collect(dns::Bytes& /*out*/) {}
  // Appends what is said last, where the connection ends without need.
  virtual void say_goodbye(dns::Bytes& /*out*/) {}
  // Questions that may wait for their answers at once.
  virtual std::size_t most_unanswered() const = 0;
};

// Two bytes of length in front of each message (RFC 1035 section 4.2.2), answered in any order (RFC
// 7766 section 6.2.1.1): over TCP and TLS.
class LengthFraming final : public Framing {
 public:
  std::optional<std::size_t> take(dns::BytesView bytes, User& user) override;
  void add_answer(uint64_t request, dns::BytesView answer, dns::Bytes& out) override;
  std::size_t most_unanswered() const override { return 128; }
};

}  // namespace dnslet::io

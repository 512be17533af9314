// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A listener of OpenSSL's with the datagrams that wait for it. It reads from and writes to memory;
// whose datagrams they are is told by a number, a path, which it gives back with those that it
// sends. Does nothing by itself: run() is all of its work. For io/quic_server_*.cc only.

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "base/address.h"
#include "dns/wire.h"
#include "io/loop.h"
#include "io/tls_certificates.h"

namespace dnslet::io {

class QuicEngine {
 public:
  static constexpr std::size_t kBatch = 32;  // what the library takes at once
  static constexpr std::size_t kMostInDatagram =
      1500;  // what it reads of one; 1200 is what it asks for

  using Send = std::function<void(uint16_t path, dns::BytesView datagram)>;
  // `flags`: of SSL_new_listener(). Borrows the context.
  QuicEngine(SSL_CTX* context, uint64_t flags, Send send);
  ~QuicEngine() = default;
  QuicEngine(const QuicEngine&) = delete;
  QuicEngine& operator=(const QuicEngine&) = delete;

  // Queues a datagram; a longer one is no QUIC of ours. REQUIRES: is not full.
  void push(uint16_t path, const IpAddress& address, dns::BytesView datagram);
  bool is_full() const { return waiting_ == kBatch; }
  // There is something to do that no datagram tells: something was written, or time has passed.
  void wake() { is_awake_ = true; }
  // Takes what is waiting, and sends what there is to send. Calls nobody else.
  void run();
  bool has_work() const { return waiting_ > 0 || is_awake_; }
  // A connection that has come; null: none.
  Owned<SSL> accept();
  // Until it has to be woken; nullopt: never.
  std::optional<Milliseconds> time_left() const;

 private:
  struct Incoming {
    uint16_t path = 0;
    IpAddress address;
    std::size_t size = 0;
    std::array<uint8_t, kMostInDatagram> bytes;
  };
  // As the library calls them.
  static int receive(BIO* bio, BIO_MSG* messages, size_t stride, size_t count, uint64_t flags,
                     size_t* done);
  static int send(BIO* bio, BIO_MSG* messages, size_t stride, size_t count, uint64_t flags,
                  size_t* done);
  static const BIO_METHOD* method();

  Send send_;
  std::unique_ptr<std::array<Incoming, kBatch>> incoming_;
  std::size_t waiting_ = 0;
  bool is_awake_ = false;
  Owned<SSL> listener_;
};

}  // namespace dnslet::io

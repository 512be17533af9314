// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/quic_server_engine.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "io/tls_openssl.h"

namespace dnslet::io {
namespace {

constexpr long kAddressed = BIO_DGRAM_CAP_HANDLES_DST_ADDR | BIO_DGRAM_CAP_PROVIDES_SRC_ADDR;

// The library sees the path where the port would be: it compares addresses only, in tokens.
bool write_peer(BIO_ADDR* peer, const IpAddress& address, uint16_t path) {
  const bool is_v4 = address.family == Family::V4;
  return BIO_ADDR_rawmake(peer, is_v4 ? AF_INET : AF_INET6, address.bytes.data(), is_v4 ? 4 : 16,
                          path) == 1;
}

// Elements of an array whose size the library tells.
BIO_MSG& element(BIO_MSG* messages, std::size_t stride, std::size_t i) {
  return *reinterpret_cast<BIO_MSG*>(reinterpret_cast<char*>(messages) + i * stride);
}

}  // namespace

QuicEngine::QuicEngine(SSL_CTX* context, uint64_t flags, Send send)
    : send_(std::move(send)),
      incoming_(new std::array<Incoming, kBatch>),
      listener_(SSL_new_listener(context, flags)) {
  require(listener_ != nullptr);
  BIO* const bio = BIO_new(method());
  require(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(listener_.get(), bio, bio);
  require(SSL_set_blocking_mode(listener_.get(), 0) == 1);
  require(SSL_listen(listener_.get()) == 1);
}

void QuicEngine::push(uint16_t path, const IpAddress& address, dns::BytesView datagram) {
  if (datagram.size() > kMostInDatagram) return;
  Incoming& incoming = (*incoming_)[waiting_++];
  incoming.path = path;
  incoming.address = address;
  incoming.size = datagram.size();
  dns::copy_bytes(datagram, incoming.bytes);
}

// Once is enough: the library takes a whole batch, and sends all that it may.
void QuicEngine::run() {
  is_awake_ = false;
  ERR_clear_error();
  SSL_handle_events(listener_.get());
  ERR_clear_error();
  waiting_ = 0;
}

Owned<SSL> QuicEngine::accept() {
  // Where none waits this would look for more.
  if (SSL_get_accept_connection_queue_len(listener_.get()) == 0) return nullptr;
  return Owned<SSL>(SSL_accept_connection(listener_.get(), SSL_ACCEPT_CONNECTION_NO_BLOCK));
}

std::optional<Milliseconds> QuicEngine::time_left() const {
  timeval left{};
  int is_infinite = 0;
  if (SSL_get_event_timeout(listener_.get(), &left, &is_infinite) != 1 || is_infinite != 0)
    return std::nullopt;
  // Up, or the loop would turn until the time has come.
  return Milliseconds(left.tv_sec * 1000 + (left.tv_usec + 999) / 1000);
}

// NOLINTNEXTLINE(readability-function-size): as the library calls it
int QuicEngine::receive(BIO* bio, BIO_MSG* messages, size_t stride, size_t count, uint64_t,
                        size_t* done) {
  QuicEngine& self = *static_cast<QuicEngine*>(BIO_get_data(bio));
  *done = 0;
  // Ends: every turn takes one that waits.
  for (; *done < self.waiting_ && *done < count; ++*done) {
    const Incoming& incoming = (*self.incoming_)[*done];
    BIO_MSG& message = element(messages, stride, *done);
    const dns::BytesView bytes = dns::BytesView(incoming.bytes).first(incoming.size);
    dns::copy_bytes(bytes, {static_cast<uint8_t*>(message.data), bytes.size()});
    message.data_len = bytes.size();
    if (!write_peer(message.peer, incoming.address, incoming.path)) break;
  }
  self.waiting_ = 0;
  if (*done > 0) return 1;
  ERR_raise(ERR_LIB_BIO, BIO_R_NON_FATAL);
  return 0;
}

// NOLINTNEXTLINE(readability-function-size): likewise
int QuicEngine::send(BIO* bio, BIO_MSG* messages, size_t stride, size_t count, uint64_t,
                     size_t* done) {
  const QuicEngine& self = *static_cast<QuicEngine*>(BIO_get_data(bio));
  for (*done = 0; *done < count; ++*done) {
    const BIO_MSG& message = element(messages, stride, *done);
    if (message.peer)
      self.send_(BIO_ADDR_rawport(message.peer),
                 {static_cast<const uint8_t*>(message.data), message.data_len});
  }
  return 1;
}

const BIO_METHOD* QuicEngine::method() {
  static const Owned<BIO_METHOD> kMethod = [] {
    Owned<BIO_METHOD> made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams"));
    BIO_meth_set_recvmmsg(made.get(), receive);
    BIO_meth_set_sendmmsg(made.get(), send);
    BIO_meth_set_ctrl(made.get(), [](BIO*, int command, long, void*) {
      const bool asks =
          command == BIO_CTRL_DGRAM_GET_CAPS || command == BIO_CTRL_DGRAM_GET_EFFECTIVE_CAPS;
      return asks ? kAddressed : 0L;
    });
    return made;
  }();
  return kMethod.get();
}

}  // namespace dnslet::io

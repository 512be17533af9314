// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The streams of io/tls_openssl and io/tls_server.

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "io/tls_openssl.h"

namespace dnslet::io {
namespace {

// A certificate may have a long chain; what is not data afterwards are tickets and keys. More is
// work that has no end.
constexpr std::size_t kMostInHandshake = 256U << 10;
constexpr std::size_t kMostBarren = 64U << 10;

std::string last_error() {
  const unsigned long error = ERR_peek_last_error();
  const char* const reason = error ? ERR_reason_error_string(error) : nullptr;
  return reason ? reason : "the connection ended";
}

}  // namespace

TlsStream::TlsStream(TlsSide& side, Start start, const OpenStream& below, Stream::User& user)
    : side_(side),
      user_(user),
      handshake_(std::move(start.handshake)),
      ssl_(std::move(start.ssl)),
      below_(below(*this)) {
  BIO* const bio = BIO_new(method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  TlsHandshakes::begin(ssl_.get(), handshake_);
}

TlsStream::~TlsStream() {
  if (is_gone_) *is_gone_ = true;
  if (is_connected_ && !is_open_ && !has_failed_)
    side_.on_failure("the handshake has come to no end");
  if (!is_open_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  send();
}

int TlsStream::read_memory(BIO* bio, char* out, int size) {
  dns::BytesView& incoming = static_cast<TlsStream*>(BIO_get_data(bio))->incoming_;
  BIO_clear_retry_flags(bio);
  if (incoming.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t taken = std::min(incoming.size(), static_cast<std::size_t>(size));
  dns::copy_bytes(incoming.first(taken), {reinterpret_cast<uint8_t*>(out), taken});
  incoming = incoming.subspan(taken);
  return static_cast<int>(taken);
}

int TlsStream::write_memory(BIO* bio, const char* bytes, int size) {
  dns::Bytes& outgoing = static_cast<TlsStream*>(BIO_get_data(bio))->outgoing_;
  // Of the type that the vector has: others would be copied byte by byte.
  const auto* const first = reinterpret_cast<const uint8_t*>(bytes);
  outgoing.insert(outgoing.end(), first, first + size);
  return size;
}

const BIO_METHOD* TlsStream::method() {
  static const Owned<BIO_METHOD> kMethod = [] {
    Owned<BIO_METHOD> made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream"));
    BIO_meth_set_read(made.get(), read_memory);
    BIO_meth_set_write(made.get(), write_memory);
    BIO_meth_set_ctrl(made.get(), [](BIO*, int command, long, void*) {
      return command == BIO_CTRL_FLUSH ? 1L : 0L;
    });
    return made;
  }();
  return kMethod.get();
}

void TlsStream::send() {
  if (outgoing_.empty()) return;
  below_->write(outgoing_);
  empty_buffer(outgoing_);
}

void TlsStream::write(dns::BytesView bytes) {
  assert(is_open_);
  if (bytes.empty()) return;
  if (!waiting_.empty() || !encrypt(bytes))
    waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
}

// Memory takes all of it, but where the library has to read first: false. What can't be written at
// all is told by the other side's end.
bool TlsStream::encrypt(dns::BytesView bytes) {
  ERR_clear_error();
  const int status = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  if (status <= 0 && SSL_get_error(ssl_.get(), status) != SSL_ERROR_WANT_READ) below_->finish();
  send();
  return status > 0;
}

void TlsStream::write_waiting() {
  if (!waiting_.empty() && encrypt(waiting_)) waiting_ = {};
}

void TlsStream::on_written() {
  if (is_open_) user_.on_written();
}

void TlsStream::on_open() {
  is_connected_ = true;
  handshake_.connected = Clock::now();
  shake_hands();
}

// False: it is not done, or the stream is gone.
bool TlsStream::shake_hands() {
  ERR_clear_error();
  const int status = SSL_do_handshake(ssl_.get());
  send();
  if (status != 1) {
    if (SSL_get_error(ssl_.get(), status) != SSL_ERROR_WANT_READ)
      fail(handshake_.refusal.empty() ? last_error() : handshake_.refusal);
    else if (barren_ > kMostInHandshake)
      fail("it says too much before the handshake ends");
    return false;
  }
  const std::string_view needed = side_.needed_protocol();
  if (!needed.empty() && protocol() != needed) {
    fail("it does not speak " + std::string(needed) + " (ALPN)");
    return false;
  }
  is_open_ = true;
  barren_ = 0;
  side_.on_open(*this);
  bool is_gone = false;
  is_gone_ = &is_gone;
  user_.on_open();
  if (is_gone) return false;
  is_gone_ = nullptr;
  return true;
}

std::string_view TlsStream::protocol() const {
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &chosen, &size);
  return {reinterpret_cast<const char*>(chosen), size};
}

// An accepted connection is there from the beginning.
void TlsStream::start_reading() {
  if (!is_connected_) handshake_.connected = Clock::now();
  is_connected_ = true;
  below_->start_reading();
}

void TlsStream::on_bytes(dns::BytesView bytes) {
  incoming_ = bytes;
  barren_ += bytes.size();
  if (is_open_ || shake_hands()) read();
}

// Hands on what one read of the connection has brought, all at once where that fits.
void TlsStream::read() {
  static thread_local std::array<uint8_t, 65536> clear;
  std::size_t size = 0;
  bool is_gone = false;
  is_gone_ = &is_gone;
  const auto hand_on = [&] {
    if (size > 0) user_.on_bytes(dns::BytesView(clear).first(std::exchange(size, 0)));
    return !is_gone;
  };
  int error = SSL_ERROR_NONE;
  ERR_clear_error();  // what works leaves nothing there
  while (error == SSL_ERROR_NONE) {
    std::size_t taken = 0;
    const int status = SSL_read_ex(ssl_.get(), clear.data() + size, clear.size() - size, &taken);
    error = status == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), status);
    size += taken;
    if (taken > 0) barren_ = 0;
    if (size < clear.size()) continue;
    if (!hand_on()) return;
    ERR_clear_error();
  }
  write_waiting();
  send();  // an update of keys is answered
  if (!hand_on()) return;
  is_gone_ = nullptr;
  incoming_ = {};
  if (error == SSL_ERROR_WANT_READ && barren_ <= kMostBarren) return;
  user_.on_end(error == SSL_ERROR_ZERO_RETURN ? UV_EOF : UV_EPROTO);
}

// The handshake has failed.
void TlsStream::fail(const std::string& reason) {
  has_failed_ = true;
  side_.on_failure(reason);
  user_.on_end(UV_EPROTO);
}

void TlsStream::on_end(int status) {
  if (!is_open_ && is_connected_) return fail("the connection ended in the handshake");
  user_.on_end(status);
}

TlsStream& stream_of(const SSL* ssl) { return *static_cast<TlsStream*>(SSL_get_app_data(ssl)); }

}  // namespace dnslet::io

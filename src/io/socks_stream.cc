// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/socks_stream.h"

#include <uv.h>

#include <utility>
#include <variant>

namespace dnslet::io {

SocksStream::SocksStream(const Proxy& proxy, const OpenStream& open, Stream::User& user)
    : proxy_(proxy), user_(user), handshake_(proxy.request), stream_(open(*this)) {}

SocksStream::~SocksStream() {
  if (is_gone_) *is_gone_ = true;
  if (is_connected_ && !is_open_ && !has_failed_) proxy_.on_failure("it gives no answer");
}

void SocksStream::on_open() {
  is_connected_ = true;
  stream_->write(handshake_.greeting());
}

void SocksStream::on_bytes(dns::BytesView bytes) {
  if (is_open_) {
    has_passed_ = true;
    return user_.on_bytes(bytes);
  }
  incoming_.insert(incoming_.end(), bytes.begin(), bytes.end());
  const dns::Bytes arrived = std::exchange(incoming_, {});
  dns::BytesView left = arrived;
  if (!shake_hands(left)) return;
  if (!is_open_)
    incoming_.assign(left.begin(), left.end());
  else if (!left.empty())
    on_bytes(left);
}

// False: the stream is gone, or of no use.
bool SocksStream::shake_hands(dns::BytesView& bytes) {
  while (true) {  // ends: there are three replies
    const Socks5Handshake::Step step = handshake_.step(bytes);
    if (std::holds_alternative<Socks5Handshake::More>(step)) return true;
    if (const auto* const failed = std::get_if<Socks5Handshake::Failed>(&step)) {
      fail(failed->reason, failed->status);
      return false;
    }
    if (std::holds_alternative<Socks5Handshake::Open>(step)) break;
    stream_->write(std::get<Socks5Handshake::Send>(step).bytes);
  }
  is_open_ = true;
  bool is_gone = false;
  is_gone_ = &is_gone;
  user_.on_open();
  if (is_gone) return false;
  is_gone_ = nullptr;
  return true;
}

void SocksStream::on_written() {
  if (is_open_) user_.on_written();
}

void SocksStream::on_end(int status) {
  if (is_open_ && !has_passed_)
    proxy_.on_failure("it has ended the connection before the server said anything");
  if (is_open_) return user_.on_end(status);
  if (is_connected_) return fail("it has ended the connection", UV_ECONNABORTED);
  fail(std::string("it can't be reached: ") + uv_strerror(status), status);
}

void SocksStream::fail(const std::string& reason, int status) {
  has_failed_ = true;
  proxy_.on_failure(reason);
  user_.on_end(status);
}

}  // namespace dnslet::io

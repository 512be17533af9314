// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/tls_openssl.h"

namespace dnslet::io {
namespace {

// Can't be opened, as was found out a moment ago.
class NoStream final : public Stream {
 public:
  NoStream(Loop& loop, User& user) : timer_(loop, [&user] { user.on_end(UV_EPROTO); }) {
    timer_.start_once(Milliseconds(0));
  }
  void write(dns::BytesView) override {}
  void finish() override {}
  std::size_t unsent() const override { return 0; }

 private:
  Timer timer_;
};

}  // namespace

OpensslClient::OpensslClient(const TlsPeer& peer, const TlsEvents& events)
    : handshakes_(TLS_client_method(), peer, events) {
  SSL_CTX* const context = handshakes_.context();
  // The system's own configuration may ask for more.
  if (SSL_CTX_get_min_proto_version(context) < TLS1_2_VERSION)
    require(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
}

void OpensslClient::use_roots(std::shared_ptr<const TlsRoots> roots) {
  handshakes_.use_roots(std::move(roots));
}

std::unique_ptr<Stream> OpensslClient::open(Loop& loop, const Below& below, Stream::User& user) {
  if (handshakes_.is_pausing(below.addresses)) return std::make_unique<NoStream>(loop, user);
  TlsStream::Start start;
  start.ssl = handshakes_.make_ssl(start.handshake);
  return std::make_unique<TlsStream>(*this, std::move(start), below.open, user);
}

void OpensslClient::on_open(const TlsStream& stream) {
  handshakes_.on_open(stream.ssl(), stream.handshake(), SSL_get_version(stream.ssl()));
}

std::string_view OpensslClient::needed_protocol() const {
  const TlsPeer& peer = handshakes_.peer();
  return peer.has_to_choose_it ? std::string_view(peer.protocol) : std::string_view();
}

bool has_tls() { return true; }

std::string tls_version() {
  return std::string("OpenSSL ") + OpenSSL_version(OPENSSL_VERSION_STRING);
}

std::unique_ptr<TlsClient> TlsClient::make(const TlsPeer& peer, const TlsEvents& events) {
  return std::make_unique<OpensslClient>(peer, events);
}

}  // namespace dnslet::io

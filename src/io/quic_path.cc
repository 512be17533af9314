// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/quic_path.h"

#include <openssl/err.h>
#include <openssl/quic.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace dnslet::io {
namespace {

using std::chrono::duration_cast;

QuicPath& path_of(BIO* bio) { return *static_cast<QuicPath*>(BIO_get_data(bio)); }

BIO_MSG& message_at(BIO_MSG* first, std::size_t stride, std::size_t index) {
  return *reinterpret_cast<BIO_MSG*>(reinterpret_cast<uint8_t*>(first) + index * stride);
}

// What a datagram meets on a good path, too: it counts as lost.
bool is_passing(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ENOBUFS ||
         error == EMSGSIZE;
}

}  // namespace

QuicPath::~QuicPath() {
  watch_.reset();
  ssl_.reset();  // before the socket
}

int QuicPath::start(const SocketAddress& to, TlsHandshakes& handshakes,
                    const QuicConnection::Terms& terms) {
  const auto open = [&] {
    return ::socket(to.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  };
  socket_ = Descriptor(open());
  if (!socket_ && loop_.free_descriptor(errno)) socket_ = Descriptor(open());
  if (!socket_ || connect(socket_.get(), &to.any, to.size) != 0) return -errno;

  begun_ = last_received_ = loop_.now();
  handshake_.connected = Clock::now();
  handshakes_ = &handshakes;
  ssl_ = handshakes.make_ssl(handshake_);
  TlsHandshakes::begin(ssl_.get(), handshake_);
  BIO* const bio = BIO_new(method());
  require(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  const auto idle = duration_cast<Milliseconds>(QuicConnection::kIdle).count();
  require(SSL_set_blocking_mode(ssl_.get(), 0) == 1 &&
          SSL_set_event_handling_mode(ssl_.get(), SSL_VALUE_EVENT_HANDLING_MODE_EXPLICIT) == 1 &&
          SSL_set_default_stream_mode(ssl_.get(), SSL_DEFAULT_STREAM_MODE_NONE) == 1 &&
          SSL_set_feature_request_uint(ssl_.get(), SSL_VALUE_QUIC_IDLE_TIMEOUT,
                                       static_cast<uint64_t>(idle)) == 1);
  const int policy = terms.may_open_streams ? SSL_INCOMING_STREAM_POLICY_ACCEPT
                                            : SSL_INCOMING_STREAM_POLICY_REJECT;
  require(SSL_set_incoming_stream_policy(ssl_.get(), policy, terms.violated) == 1);
  step();
  return 0;
}

void QuicPath::watch(std::function<void()> on_ready) {
  watch_.emplace(loop_, socket_.get(), [this, ready = std::move(on_ready)](int) {
    watch_->start(UV_READABLE);  // an ICMP message has paused it
    ready();
  });
  watch_->start(UV_READABLE);
}

void QuicPath::step() {
  ERR_clear_error();
  if (!is_open_) (void)SSL_do_handshake(ssl_.get());  // begins it
  (void)SSL_handle_events(ssl_.get());                // failures are those of end()
  if (!is_open_) is_open_ = SSL_do_handshake(ssl_.get()) == 1;
}

void QuicPath::close(uint64_t code) {
  ERR_clear_error();
  const SSL_SHUTDOWN_EX_ARGS arguments = {code, nullptr};
  constexpr uint64_t kAtOnce =
      SSL_SHUTDOWN_FLAG_RAPID | SSL_SHUTDOWN_FLAG_NO_STREAM_FLUSH | SSL_SHUTDOWN_FLAG_NO_BLOCK;
  (void)SSL_shutdown_ex(ssl_.get(), kAtOnce, &arguments, sizeof arguments);
  (void)SSL_handle_events(ssl_.get());
}

std::optional<QuicPath::End> QuicPath::end() const {
  if (error_ != 0) return End{-error_, {}};
  SSL_CONN_CLOSE_INFO info{};
  if (SSL_get_conn_close_info(ssl_.get(), &info, sizeof info) != 1) return std::nullopt;
  const bool is_ours = (info.flags & SSL_CONN_CLOSE_FLAG_LOCAL) != 0;
  const bool is_transport = (info.flags & SSL_CONN_CLOSE_FLAG_TRANSPORT) != 0;
  if (is_ours && info.error_code == OSSL_QUIC_LOCAL_ERR_IDLE_TIMEOUT) return End{UV_ETIMEDOUT, {}};
  if (!is_open_) return End{UV_EPROTO, handshake_failure(info)};
  if (is_ours && is_transport)
    return End{UV_EPROTO, "it has broken the rules of QUIC: " +
                              std::string(info.reason ? info.reason : "", info.reason_len)};
  const bool is_good = info.error_code == OSSL_QUIC_ERR_NO_ERROR;
  return End{is_good ? UV_EOF : UV_ECONNRESET, {}};
}

// The alert of TLS is the last byte of the code (RFC 9001 section 4.8).
std::string QuicPath::handshake_failure(const SSL_CONN_CLOSE_INFO& info) const {
  constexpr uint64_t kNoProtocol = OSSL_QUIC_ERR_CRYPTO_ERR(SSL_AD_NO_APPLICATION_PROTOCOL);
  if (!handshake_.refusal.empty()) return handshake_.refusal;
  if (info.error_code == kNoProtocol)
    return "it does not speak " + handshakes_->peer().protocol + " (ALPN)";
  if (info.error_code >= OSSL_QUIC_ERR_CRYPTO_ERR_BEGIN &&
      info.error_code <= OSSL_QUIC_ERR_CRYPTO_ERR_END)
    return std::string("the handshake has failed: ") +
           SSL_alert_desc_string_long(static_cast<int>(info.error_code & 0xff));
  return "the connection ended in the handshake";
}

Milliseconds QuicPath::next_step() const {
  if (error_ != 0) return Milliseconds(0);
  timeval after{};
  int is_never = 0;
  if (SSL_get_event_timeout(ssl_.get(), &after, &is_never) != 1 || is_never != 0)
    return Milliseconds::max();
  const Milliseconds due(after.tv_sec * 1000 + (after.tv_usec + 999) / 1000);
  return std::max(due, Milliseconds(1));  // what is due at once has been done in step()
}

// An ICMP message tells of a port that nobody has; less than that says nothing of a connection that
// has been there (RFC 9000 section 14.2.1).
void QuicPath::note_error(int error) {
  if (is_passing(error) || (is_open_ && error != ECONNREFUSED)) return;
  error_ = error;
}

void QuicPath::note_received(std::size_t size) {
  last_received_ = loop_.now();
  if (received_++ == 0) round_trip_ = last_received_ - begun_;
  if (traffic_) traffic_->received += size;
}

// NOLINTNEXTLINE(readability-function-size): as the library calls it
int QuicPath::receive(BIO* bio, BIO_MSG* messages, std::size_t stride, std::size_t count, uint64_t,
                      std::size_t* done) {
  QuicPath& self = path_of(bio);
  for (*done = 0; *done < count; ++*done) {
    BIO_MSG& message = message_at(messages, stride, *done);
    const ssize_t size = recv(self.socket_.get(), message.data, message.data_len, 0);
    if (size < 0) {
      self.note_error(errno);
      break;
    }
    message.data_len = static_cast<std::size_t>(size);
    message.flags = 0;
    self.note_received(message.data_len);
  }
  if (*done > 0) return 1;
  ERR_raise(ERR_LIB_BIO, BIO_R_NON_FATAL);
  return 0;
}

// What the system does not take now is lost, as on any path, and sent again in time.
// NOLINTNEXTLINE(readability-function-size): as the library calls it
int QuicPath::send(BIO* bio, BIO_MSG* messages, std::size_t stride, std::size_t count, uint64_t,
                   std::size_t* done) {
  QuicPath& self = path_of(bio);
  for (*done = 0; *done < count; ++*done) {
    const BIO_MSG& message = message_at(messages, stride, *done);
    const ssize_t size =
        ::send(self.socket_.get(), message.data, message.data_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0)
      self.note_error(errno);
    else if (self.traffic_)
      self.traffic_->sent += static_cast<uint64_t>(size);
  }
  return 1;
}

const BIO_METHOD* QuicPath::method() {
  static const Owned<BIO_METHOD> kMethod = [] {
    Owned<BIO_METHOD> made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams"));
    BIO_meth_set_recvmmsg(made.get(), receive);
    BIO_meth_set_sendmmsg(made.get(), send);
    BIO_meth_set_ctrl(made.get(), [](BIO*, int command, long, void*) {
      return command == BIO_CTRL_FLUSH ? 1L : 0L;
    });
    return made;
  }();
  return kMethod.get();
}

}  // namespace dnslet::io

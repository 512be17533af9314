// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// io/quic by OpenSSL's own QUIC, without threads of its: what has arrived is read in one go, and
// sent is what one turn of the loop has, in one go.

#include "io/quic.h"

#include <openssl/err.h>
#include <openssl/quic.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "io/quic_path.h"
#include "io/tls_handshakes.h"

namespace dnslet::io {
namespace {

// So much has been read that the server has to be told that it may send more.
constexpr std::size_t kManyRead = 16384;

class Connection final : public QuicConnection {
 public:
  struct Place {
    TlsHandshakes& handshakes;
    const QuicClient::Path& path;
  };
  Connection(const Place& place, const Terms& terms, User& user);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  std::optional<uint64_t> open_stream(Direction direction) override;
  bool write(uint64_t stream, dns::BytesView bytes, Last last) override;
  void drop(uint64_t stream) override;
  std::size_t streams_left() const override;
  void flush() override;
  bool has_unsent() const override { return has_unsent_; }
  void abort(uint64_t code) override;
  bool is_path_dead(Milliseconds ago) const override;
  std::optional<Milliseconds> idle_limit() const override;

 private:
  void try_next();
  void try_paths();
  void on_time();
  void step();
  void step_again();
  void take_all();
  void accept_streams();
  bool take(uint64_t number);
  void arm();

  TlsHandshakes& handshakes_;
  Loop& loop_;
  std::vector<SocketAddress> addresses_;
  TcpStream::Traffic* traffic_;
  Terms terms_;
  User& user_;
  std::size_t tried_ = 0;  // of the addresses
  Milliseconds next_try_{0};
  QuicPath::End failed_;  // the last path that did not work
  std::vector<std::unique_ptr<QuicPath>> trying_;
  std::unique_ptr<QuicPath> path_;  // once it is open
  std::map<uint64_t, Owned<SSL>> streams_;
  std::size_t read_ = 0;  // bytes, since step() has been called for them
  bool has_unsent_ = false;
  bool is_turn_due_ = false;  // on_turn() has to be called, as a user may have something to tell
  bool is_closed_ = false;
  Timer timer_;
};

Connection::Connection(const Place& place, const Terms& terms, User& user)
    : handshakes_(place.handshakes),
      loop_(place.path.loop),
      addresses_(place.path.addresses),
      traffic_(place.path.traffic),
      terms_(terms),
      user_(user),
      timer_(loop_, [this] { on_time(); }) {
  if (handshakes_.is_pausing(addresses_.size())) {
    failed_.status = UV_EPROTO;
    tried_ = addresses_.size();
  }
  try_next();
}

Connection::~Connection() {
  streams_.clear();
  if (path_ && !is_closed_) path_->close(terms_.closed);
  const bool has_begun =
      std::ranges::any_of(trying_, [](const auto& path) { return path->received() > 0; });
  if (has_begun) handshakes_.on_failure("the handshake has come to no end");
}

// Tries addresses until one is under way. Where none is, that is told in the next turn of the loop.
void Connection::try_next() {
  while (tried_ < addresses_.size()) {
    auto path = std::make_unique<QuicPath>(loop_, traffic_);
    const int status = path->start(addresses_[tried_++], handshakes_, terms_);
    if (status != 0) {
      failed_ = {status, {}};
      continue;
    }
    path->watch([this] { path_ ? take_all() : try_paths(); });
    trying_.push_back(std::move(path));
    next_try_ = loop_.now() + TcpStream::kNextAddress;
    break;
  }
  arm();
}

void Connection::try_paths() {
  for (std::size_t i = 0; i < trying_.size();) {
    QuicPath& path = *trying_[i];
    path.step();
    if (path.is_open()) {
      path_ = std::move(trying_[i]);
      trying_.clear();
      handshakes_.on_open(path_->ssl(), path_->handshake(), "QUICv1, TLSv1.3");
      timer_.start_once(Milliseconds(0));  // there may be more
      return user_.on_open();
    }
    const auto end = path.end();
    if (!end) {
      ++i;
      continue;
    }
    if (path.received() > 0)
      handshakes_.on_failure(end->reason.empty() ? uv_strerror(end->status) : end->reason);
    failed_ = {end->status, {}};
    trying_.erase(trying_.begin() + static_cast<std::ptrdiff_t>(i));
    next_try_ = loop_.now();
  }
  if (tried_ < addresses_.size() && next_try_ <= loop_.now()) return try_next();
  if (trying_.empty()) return user_.on_end(failed_.status, {});
  arm();
}

void Connection::on_time() { path_ ? take_all() : try_paths(); }

void Connection::step() {
  has_unsent_ = false;
  read_ = 0;
  path_->step();
}

void Connection::arm() {
  Milliseconds after = path_ ? path_->next_step() : Milliseconds::max();
  for (const auto& path : trying_) after = std::min(after, path->next_step());
  if (!path_ && (trying_.empty() || tried_ < addresses_.size()))
    after = std::min(after, trying_.empty() ? Milliseconds(0) : next_try_ - loop_.now());
  if (after == Milliseconds::max()) return timer_.stop();
  timer_.start_once(std::max(after, Milliseconds(0)));
}

void Connection::take_all() {
  step();
  accept_streams();
  std::vector<uint64_t> known;
  known.reserve(streams_.size());
  for (const auto& [number, stream] : streams_) known.push_back(number);
  for (const uint64_t number : known)
    while (take(number)) {  // ends: what has arrived is finite
    }
  if (is_closed_) return user_.on_turn();
  if (const auto end = path_->end()) {
    is_closed_ = true;
    streams_.clear();
    timer_.stop();
    return user_.on_end(end->status, end->reason);
  }
  read_ > kManyRead ? step_again() : arm();
  user_.on_turn();
}

void Connection::accept_streams() {
  if (!terms_.may_open_streams) return;
  while (true) {  // ends: the library bounds them
    Owned<SSL> stream(SSL_accept_stream(path_->ssl(), SSL_ACCEPT_STREAM_NO_BLOCK));
    if (!stream) return;
    const uint64_t number = SSL_get_stream_id(stream.get());
    streams_.emplace(number, std::move(stream));
  }
}

// Whether there may be more on the stream. It is forgotten before its end is told.
bool Connection::take(uint64_t number) {
  static thread_local std::array<uint8_t, 65536> bytes;
  const auto found = streams_.find(number);
  if (found == streams_.end()) return false;
  SSL* const stream = found->second.get();
  ERR_clear_error();
  std::size_t size = 0;
  const bool is_read = SSL_read_ex(stream, bytes.data(), bytes.size(), &size) == 1;
  read_ += size;
  const int state = SSL_get_stream_read_state(stream);
  // Once the connection has ended, which may have come along, the state tells no more of the
  // stream.
  const bool is_over = !is_read && SSL_get_error(stream, 0) == SSL_ERROR_ZERO_RETURN;
  if (is_over || state == SSL_STREAM_STATE_FINISHED) {
    streams_.erase(found);
    user_.on_stream(number, dns::BytesView(bytes).first(size), Last::Yes);
    return false;
  }
  if (is_read) {
    user_.on_stream(number, dns::BytesView(bytes).first(size), Last::No);
    return true;
  }
  if (state != SSL_STREAM_STATE_RESET_REMOTE) return false;
  uint64_t code = 0;
  (void)SSL_get_stream_read_error_code(stream, &code);
  streams_.erase(found);
  user_.on_reset(number, code);
  return false;
}

std::optional<uint64_t> Connection::open_stream(Direction direction) {
  const uint64_t way = direction == Direction::Out ? SSL_STREAM_FLAG_UNI : 0;
  ERR_clear_error();
  Owned<SSL> stream(SSL_new_stream(path_->ssl(), way | SSL_STREAM_FLAG_NO_BLOCK));
  if (!stream) return std::nullopt;
  const uint64_t number = SSL_get_stream_id(stream.get());
  streams_.emplace(number, std::move(stream));
  return number;
}

bool Connection::write(uint64_t stream, dns::BytesView bytes, Last last) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return false;
  ERR_clear_error();
  has_unsent_ = true;
  std::size_t written = 0;
  const uint64_t flags = last == Last::Yes ? SSL_WRITE_FLAG_CONCLUDE : 0;
  const int status =
      SSL_write_ex2(found->second.get(), bytes.data(), bytes.size(), flags, &written);
  const bool is_taken = status == 1 && written == bytes.size();
  if (!is_taken) is_turn_due_ = true;
  return is_taken;
}

void Connection::drop(uint64_t stream) {
  if (streams_.erase(stream) > 0) has_unsent_ = true;
}

std::size_t Connection::streams_left() const {
  uint64_t left = 0;
  if (SSL_get_quic_stream_bidi_local_avail(path_->ssl(), &left) != 1) return 0;
  return static_cast<std::size_t>(left);
}

// What arrives meanwhile is taken in the next turn of the loop.
void Connection::step_again() {
  const uint64_t before = path_->received();
  step();
  arm();
  const bool has_more = path_->received() != before || path_->end();
  if (std::exchange(is_turn_due_, false) || has_more) timer_.start_once(Milliseconds(0));
}

void Connection::flush() {
  if (path_ && !is_closed_) step_again();
}

// There is a turn behind it, as who aborts has something to tell.
void Connection::abort(uint64_t code) {
  streams_.clear();
  path_->close(code);
  is_closed_ = true;
  timer_.start_once(Milliseconds(0));
}

// Who is there acknowledges what it gets within some 25 ms (RFC 9000 section 13.2.1).
bool Connection::is_path_dead(Milliseconds ago) const {
  if (!path_) return false;
  const Milliseconds patience = std::max(Stream::kPathDead, 3 * path_->round_trip());
  return ago >= patience && loop_.now() - path_->last_received() >= ago;
}

// A second before the server may forget it.
std::optional<Milliseconds> Connection::idle_limit() const {
  constexpr Milliseconds kMargin{1000};
  uint64_t told = 0;
  if (SSL_get_feature_peer_request_uint(path_->ssl(), SSL_VALUE_QUIC_IDLE_TIMEOUT, &told) != 1 ||
      told == 0)
    return std::nullopt;
  const auto most = static_cast<uint64_t>(std::chrono::milliseconds(kIdle).count());
  return std::max(Milliseconds(std::min(told, most)) - kMargin, Milliseconds(0));
}

class Client final : public QuicClient {
 public:
  Client(const TlsPeer& peer, const TlsEvents& events)
      : handshakes_(OSSL_QUIC_client_method(), peer, events) {}

  void use_roots(std::shared_ptr<const TlsRoots> roots) override {
    handshakes_.use_roots(std::move(roots));
  }
  const TlsCounts& counts() const override { return handshakes_.counts(); }
  std::unique_ptr<QuicConnection> open(const Path& path, const QuicConnection::Terms& terms,
                                       QuicConnection::User& user) override {
    return std::make_unique<Connection>(Connection::Place{handshakes_, path}, terms, user);
  }

 private:
  TlsHandshakes handshakes_;
};

}  // namespace

bool has_quic() { return true; }

std::unique_ptr<QuicClient> QuicClient::make(const TlsPeer& peer, const TlsEvents& events) {
  return std::make_unique<Client>(peer, events);
}

}  // namespace dnslet::io

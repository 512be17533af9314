// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/ares_channel.h"

#include <netinet/tcp.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

namespace dnslet::io {
namespace {

// Time is kept in Upstream, per question: c-ares' own (adaptive since 1.32) must never strike
// first.
constexpr int kNeverMs = INT_MAX / 4;
// A TCP connection may have been closed by the server since its last use: one more try then.
constexpr int kTries = 2;
// IDs are drawn until one is free, so some must be.
constexpr std::size_t kMaxOpen = 49152;
constexpr std::size_t kMaxQuery = 512;

// Random 16-bit numbers from the operating system, drawn in blocks.
class RandomIds {
 public:
  uint16_t next() {
    if (used_ == ids_.size()) {
      const int status = getentropy(ids_.data(), sizeof ids_);
      assert(status == 0);  // fails before Linux 3.17 only
      (void)status;
      used_ = 0;
    }
    return ids_[used_++];
  }

 private:
  std::array<uint16_t, 128> ids_;
  std::size_t used_ = ids_.size();
};

AresChannel* channel_of(void* data) { return static_cast<AresChannel*>(data); }

}  // namespace

// What c-ares carries for a question; freed in its callback, which always comes.
struct AresChannel::Asked {
  AresChannel* channel;
  uint64_t sequence;
};

struct AresChannel::Stream {
  dns::Bytes incoming;     // from the server, not a whole frame yet
  dns::Bytes shown;        // frames for c-ares
  std::size_t taken = 0;   // of `shown`
  bool is_closed = false;  // the server has closed its side
};

AresChannel::AresChannel(Loop& loop, const Endpoint& server, UpstreamTransport transport)
    : loop_(loop),
      server_(server),
      ports_(server_, [this](uint16_t id) { settle(id, UpstreamResult::Unreachable); }) {
  ares_options options{};
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
             ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_NOROTATE | ARES_OPT_RESOLVCONF |
             ARES_OPT_SOCK_STATE_CB;
  options.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_STAYOPEN;
  if (transport == UpstreamTransport::TcpOnly) options.flags |= ARES_FLAG_USEVC;
  options.timeout = kNeverMs;
  options.tries = kTries;
  std::array<char, 2> lookups = {'b', '\0'};
  options.lookups = lookups.data();
  std::array<char, 10> no_file = {"/dev/null"};  // resolv.conf is read by policy, once
  options.resolvconf_path = no_file.data();
  options.sock_state_cb = [](void* data, ares_socket_t fd, int readable, int writable) {
    channel_of(data)->on_socket_state(fd,
                                      (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
  };
  options.sock_state_cb_data = this;
#if ARES_VERSION >= 0x011600  // 1.22: a cache of its own that is on where it is not switched off
  options.qcache_max_ttl = 0;
  mask |= ARES_OPT_QUERY_CACHE;
#endif
  if (ares_init_options(&channel_, &options, mask) != ARES_SUCCESS) {
    channel_ = nullptr;
    return;
  }
  // The address only names the server to c-ares: connect_socket() has the real one, with its scope.
  Endpoint plain = server;
  plain.scope.clear();
  if (ares_set_servers_ports_csv(channel_, plain.to_text().c_str()) == ARES_SUCCESS) {
    use_own_sockets();
  } else {
    ares_destroy(std::exchange(channel_, nullptr));
  }
}

AresChannel::~AresChannel() {
  if (channel_) ares_destroy(channel_);
}

bool AresChannel::is_usable() const {
  return channel_ != nullptr && ports_.is_open() && sequences_.size() + orphans_ < kMaxOpen;
}

void AresChannel::use_own_sockets() {
  const auto open = [](int domain, int type, int, void* data) {
    return channel_of(data)->open_socket(domain, type);
  };
  const auto close = [](ares_socket_t fd, void* data) {
    return channel_of(data)->close_socket(fd);
  };
  const auto receive = [](ares_socket_t fd, void* buffer, std::size_t size, int, sockaddr* from,
                          ares_socklen_t* from_size, void* data) {
    const dns::MutableBytesView bytes(static_cast<uint8_t*>(buffer), size);
    return channel_of(data)->receive(fd, bytes, from, from_size);
  };
#if ARES_VERSION >= 0x012200  // 1.34
  ares_socket_functions_ex functions{};
  functions.version = 1;
  functions.flags = ARES_SOCKFUNC_FLAG_NONBLOCKING;
  functions.asocket = open;
  functions.aclose = close;
  functions.asetsockopt = [](ares_socket_t, ares_socket_opt_t, const void*, ares_socklen_t, void*) {
    errno = ENOSYS;
    return -1;
  };
  functions.aconnect = [](ares_socket_t fd, const sockaddr*, ares_socklen_t, unsigned, void* data) {
    return channel_of(data)->connect_socket(fd);
  };
  functions.arecvfrom = receive;
  functions.asendto = [](ares_socket_t fd, const void* bytes, std::size_t size, int,
                         const sockaddr*, ares_socklen_t, void* data) {
    const iovec part = {const_cast<void*>(bytes), size};  // NOLINT: it is only read
    return channel_of(data)->send_parts(fd, &part, 1);
  };
  (void)ares_set_socket_functions_ex(channel_, &functions, this);  // fails for a null channel only
#else
  static const ares_socket_functions kFunctions = {
      open, close,
      [](ares_socket_t fd, const sockaddr*, ares_socklen_t, void* data) {
        return channel_of(data)->connect_socket(fd);
      },
      receive,
      [](ares_socket_t fd, const iovec* parts, int count, void* data) {
        return channel_of(data)->send_parts(fd, parts, count);
      }};
  ares_set_socket_functions(channel_, &kFunctions, this);
#endif
}

void AresChannel::send(uint64_t sequence, dns::BytesView query) {
  auto asked = std::make_unique<Asked>(Asked{this, sequence});
  sending_ = sequence;
#if ARES_VERSION >= 0x011c00  // 1.28: draws the ID itself and tells it
  const auto done = [](void* data, ares_status_t status, size_t, const ares_dns_record_t* record) {
    const std::unique_ptr<Asked> owned(static_cast<Asked*>(data));
    const uint16_t id = record ? ares_dns_record_get_id(record) : uint16_t{0};
    owned->channel->on_done(owned->sequence, static_cast<int>(status), id);
  };
  ares_dns_record_t* record = nullptr;
  uint16_t id = 0;
  if (ares_dns_parse(query.data(), query.size(), 0, &record) != ARES_SUCCESS) {
    on_done(sequence, ARES_EBADQUERY, 0);
  } else if (ares_send_dnsrec(channel_, record, done, asked.release(), &id) == ARES_SUCCESS) {
    note_id(id, sequence);
  }
  ares_dns_record_destroy(record);
#else
  const auto done = [](void* data, int status, int, unsigned char* packet, int size) {
    const std::unique_ptr<Asked> owned(static_cast<Asked*>(data));
    dns::Reader reader(dns::BytesView(packet, static_cast<std::size_t>(size)));
    owned->channel->on_done(owned->sequence, status, reader.u16());
  };
  static thread_local RandomIds random_ids;
  std::array<uint8_t, kMaxQuery> copy;
  std::ranges::copy(query, copy.begin());
  uint16_t id = random_ids.next();
  while (sequences_.contains(id)) id = random_ids.next();  // ends: at most kMaxOpen are open
  dns::Writer(copy).u16(id);
  note_id(id, sequence);
  ares_send(channel_, copy.data(), static_cast<int>(query.size()), done, asked.release());
#endif
  sending_ = 0;
}

void AresChannel::note_id(uint16_t id, uint64_t sequence) {
  sequences_[id] = sequence;
  ids_[sequence] = id;
  answers_.expect(id);
}

void AresChannel::forget(uint64_t sequence) {
  const auto found = ids_.find(sequence);
  if (found == ids_.end()) return;
  ports_.close(found->second);
  answers_.forget(found->second);
  sequences_.erase(found->second);
  ids_.erase(found);
  ++orphans_;
}

std::vector<AresChannel::Outcome> AresChannel::take_outcomes() {
  return std::exchange(outcomes_, {});
}

// c-ares has let go of the question.
void AresChannel::on_done(uint64_t sequence, int status, uint16_t id) {
  if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) return;
  if (status == ARES_SUCCESS) {
    outcomes_.push_back({sequence, UpstreamResult::Answer, answers_.take(id)});
  } else {
    const bool is_network = status == ARES_ECONNREFUSED || status == ARES_ETIMEOUT;
    outcomes_.push_back(
        {sequence, is_network ? UpstreamResult::Unreachable : UpstreamResult::Unsendable, {}});
  }
  const std::size_t orphans = orphans_;
  forget(sequence);
  orphans_ = orphans;
}

// The question is over for us, though c-ares still holds it.
void AresChannel::settle(uint16_t id, UpstreamResult result) {
  const auto found = sequences_.find(id);
  if (found == sequences_.end()) return;
  const uint64_t sequence = found->second;
  outcomes_.push_back(
      {sequence, result, result == UpstreamResult::Answer ? answers_.take(id) : dns::Bytes()});
  forget(sequence);
}

void AresChannel::on_socket_state(int fd, int events) {
  if (events == 0) {
    watches_.erase(fd);
    return;
  }
  auto& watch = watches_[fd];
  if (!watch)
    watch = std::make_unique<Watch>(loop_, fd, [this, fd](int ready) { on_ready(fd, ready); });
  watch->start(events);
}

// May end the watch that called it.
void AresChannel::on_ready(int fd, int events) {
  process(fd, events);
  if (has_outcomes()) on_outcomes_();
}

void AresChannel::process(int fd, int events) {
  const auto has_more = [&] {
    const auto stream = streams_.find(fd);
    return stream != streams_.end() && stream->second.taken < stream->second.shown.size();
  };
  do {  // ends: every turn c-ares takes some of what it is shown, or closes the connection
#if ARES_VERSION >= 0x012200
    const unsigned read = events & UV_READABLE ? ARES_FD_EVENT_READ : ARES_FD_EVENT_NONE;
    const unsigned write = events & UV_WRITABLE ? ARES_FD_EVENT_WRITE : ARES_FD_EVENT_NONE;
    const ares_fd_events_t event = {fd, read | write};
    (void)ares_process_fds(channel_, &event, 1, ARES_PROCESS_FLAG_SKIP_NON_FD);  // no memory only
#else
    ares_process_fd(channel_, events & UV_READABLE ? fd : ARES_SOCKET_BAD,
                    events & UV_WRITABLE ? fd : ARES_SOCKET_BAD);
#endif
  } while (has_more());
}

int AresChannel::open_socket(int domain, int type) {
  if (type == SOCK_DGRAM) return ports_.fd();
  const int fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  // A connection that a firewall has forgotten must not swallow questions until they are too late:
  // the kernel ends it, and c-ares tries once more on a new one.
  constexpr unsigned kUnacknowledgedMs = 800;
  constexpr int kOn = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnacknowledgedMs, sizeof kUnacknowledgedMs);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);  // questions are written whole
  streams_[fd] = {};
  return fd;
}

int AresChannel::connect_socket(int fd) {
  return fd == ports_.fd() ? 0 : connect(fd, &server_.any, server_.size);
}

int AresChannel::close_socket(int fd) {
  if (fd == ports_.fd()) return 0;
  streams_.erase(fd);
  return ::close(fd);
}

ssize_t AresChannel::send_parts(int fd, const iovec* parts, int count) {
  if (fd != ports_.fd()) return writev(fd, parts, count);  // SIGPIPE is ignored
  // One datagram is one part. A failure is settled for this question alone: to c-ares it would be
  // the failure of everything under way.
  const dns::BytesView query(static_cast<const uint8_t*>(parts->iov_base), parts->iov_len);
  dns::Reader reader(query);
  if (sending_ != 0) note_id(reader.u16(), sending_);
  ports_.send(query);
  return static_cast<ssize_t>(query.size());
}

ssize_t AresChannel::receive(int fd, dns::MutableBytesView buffer, sockaddr* from,
                             socklen_t* from_size) {
  if (fd != ports_.fd()) return receive_stream(fd, buffer);
  if (from && from_size && *from_size >= server_.size) {  // the ports are connected to it
    std::memcpy(from, &server_.any, server_.size);
    *from_size = server_.size;
  }
  return receive_datagram(buffer);
}

// The next datagram that c-ares can match. What has the right ID on the right port but no question,
// as old servers refuse, is an answer all the same.
ssize_t AresChannel::receive_datagram(dns::MutableBytesView buffer) {
  static thread_local std::array<uint8_t, dns::kMaxMessage> packet;
  while (true) {  // ends: when the ports have no more
    const ssize_t size = ports_.receive(packet);
    if (size < 0) return size;
    dns::Writer shown(buffer);
    const dns::BytesView bytes(packet.data(), static_cast<std::size_t>(size));
    switch (answers_.keep(bytes, shown)) {
      case RawAnswers::Kept::Shown:
        return static_cast<ssize_t>(shown.size());
      case RawAnswers::Kept::BareHeader:
        settle(static_cast<uint16_t>(packet[0] << 8 | packet[1]), UpstreamResult::Answer);
        break;
      case RawAnswers::Kept::Nothing:
        break;
    }
  }
}

ssize_t AresChannel::receive_stream(int fd, dns::MutableBytesView buffer) {
  Stream& stream = streams_[fd];
  if (stream.taken == stream.shown.size() && !stream.is_closed) {
    std::array<uint8_t, 65536> chunk;
    const ssize_t count = recv(fd, chunk.data(), chunk.size(), 0);
    if (count < 0) return count;
    stream.is_closed = count == 0;
    stream.incoming.insert(stream.incoming.end(), chunk.begin(), chunk.begin() + count);
    read_frames(stream);
  }

  const dns::BytesView left = dns::BytesView(stream.shown).subspan(stream.taken);
  if (left.empty() && stream.is_closed) return 0;
  const std::size_t size = std::min(left.size(), buffer.size());
  std::ranges::copy(left.first(size), buffer.begin());
  stream.taken += size;
  if (size > 0) return static_cast<ssize_t>(size);
  errno = EAGAIN;
  return -1;
}

// Turns whole frames of the server into frames for c-ares.
void AresChannel::read_frames(Stream& stream) {
  stream.shown.clear();
  stream.taken = 0;
  std::size_t done = 0;
  while (true) {  // ends: every turn takes at least the two bytes of a length
    dns::Reader reader(dns::BytesView(stream.incoming).subspan(done));
    const dns::BytesView packet = reader.bytes(reader.u16());
    if (!reader.ok()) break;
    done += reader.offset();

    std::array<uint8_t, 2 + RawAnswers::kMaxShown> frame;
    dns::Writer shown(frame);
    shown.u16(0);
    if (answers_.keep(packet, shown) != RawAnswers::Kept::Shown) continue;
    shown.u16_at(0, static_cast<uint16_t>(shown.size() - 2));
    const dns::BytesView bytes = shown.written();
    stream.shown.insert(stream.shown.end(), bytes.begin(), bytes.end());
  }
  stream.incoming.erase(stream.incoming.begin(),
                        stream.incoming.begin() + static_cast<std::ptrdiff_t>(done));
}

}  // namespace dnslet::io

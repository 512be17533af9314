// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/ares_channel.h"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <climits>
#include <cstdlib>
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
constexpr std::size_t kIds = 65536;
constexpr std::size_t kMaxSpare = 262144;  // of the buffer for arrived packets

// Random 16-bit numbers from the operating system, drawn in blocks.
class RandomIds {
 public:
  uint16_t next() {
    if (used_ == ids_.size()) {
      const int status = getentropy(ids_.data(), sizeof ids_);
      assert(status == 0);  // try_system() has drawn some
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

// Whose fault it is that a system call failed.
UpstreamResult failure_of(int error) {
  const bool is_ours =
      error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM || error == EAGAIN;
  return is_ours ? UpstreamResult::NoResources : UpstreamResult::Unreachable;
}

}  // namespace

AresChannel::AresChannel(Loop& loop, const Endpoint& server, UpstreamTransport transport)
    : loop_(loop),
      server_(server),
      ports_(server_,
             [this](uint16_t id) {
               if (Asked* const asked = find_open(id)) settle(*asked, UpstreamResult::Unreachable);
             }),
      by_id_(static_cast<uint16_t*>(std::calloc(kIds, sizeof(uint16_t)))) {
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
  return channel_ != nullptr && by_id_ && ports_.is_open() && asked_.size() < kMaxOpen;
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

uint64_t AresChannel::send(uint64_t token, const dns::QueryBytes& query) {
  const uint64_t number = asked_.add({.channel = this, .token = token, .query = query});
  Asked& asked = *asked_.find(number);
  asked.number = number;
  hand_over(asked);
  send_again();
  return number;
}

// Has c-ares send it. It may be over when this returns.
void AresChannel::hand_over(Asked& asked) {
  sending_ = &asked;
#if ARES_VERSION >= 0x011c00  // 1.28: draws the ID itself and tells it
  static const ares_dns_record_t* const kQuestion = [] {
    const StandIn message = question_stand_in(0);
    ares_dns_record_t* record = nullptr;
    (void)ares_dns_parse(message.data(), message.size(), 0, &record);  // fails without memory only
    return record;
  }();
  const auto done = [](void* data, ares_status_t status, size_t, const ares_dns_record_t*) {
    Asked& over = *static_cast<Asked*>(data);
    over.channel->on_done(over, static_cast<int>(status));
  };
  const uint64_t number = asked.number;
  uint16_t id = 0;
  if (kQuestion == nullptr) {
    on_done(asked, ARES_ENOMEM);
  } else if (ares_send_dnsrec(channel_, kQuestion, done, &asked, &id) == ARES_SUCCESS) {
    if (asked_.find(number)) note_id(id, asked);
  }
#else
  const auto done = [](void* data, int status, int, unsigned char*, int) {
    Asked& over = *static_cast<Asked*>(data);
    over.channel->on_done(over, status);
  };
  static thread_local RandomIds random_ids;
  uint16_t id = asked.port ? asked.id : random_ids.next();  // it is under way with that one
  while (by_id_[id] != 0) id = random_ids.next();           // ends: at most kMaxOpen are open
  note_id(id, asked);
  const StandIn message = question_stand_in(id);
  ares_send(channel_, message.data(), static_cast<int>(message.size()), done, &asked);
#endif
  sending_ = nullptr;
}

// Whether c-ares gives up on a question that need not fail. Either the server has left it
// unanswered when it ended the connection on which it did answer others, as servers do that answer
// so many and no more (RFC 7766 section 6.2.4). Or it is under way over UDP, where c-ares sees no
// failures; but 1.18 counts those of TCP against all questions to the server.
bool AresChannel::is_cut_off(const Asked& asked) const {
  if (sending_ == &asked) return false;
  return asked.port || (asked.connection != 0 && asked.connection == fruitful_);
}

// Ends: a question that comes back at once, or from a connection without any answer, is over.
void AresChannel::send_again() {
  while (!cut_off_.empty()) {
    Asked* const asked = asked_.find(cut_off_.back());
    cut_off_.pop_back();
    asked->connection = 0;
    hand_over(*asked);
  }
}

void AresChannel::note_id(uint16_t id, Asked& asked) {
  asked.id = id;
  dns::Writer(asked.query.view()).u16(id);
  by_id_[id] = static_cast<uint16_t>(Slots<Asked>::place_of(asked.number));
}

AresChannel::Asked* AresChannel::find_open(uint16_t id) {
  Asked* const asked = asked_.at(by_id_[id]);
  return asked && asked->is_open ? asked : nullptr;
}

void AresChannel::forget(uint64_t number) {
  Asked* const asked = asked_.find(number);
  if (!asked || !asked->is_open) return;
  close(*asked);
  ++orphans_;
}

// Nobody waits for it from here on.
void AresChannel::close(Asked& asked) {
  asked.is_open = false;
  if (asked.port) ports_.close(*asked.port);
  asked.port.reset();
}

dns::BytesView AresChannel::packet(const Outcome& outcome) const {
  return dns::BytesView(arrived_).subspan(outcome.packet.offset, outcome.packet.size);
}

// c-ares has let go of the question, which may be handed over again.
void AresChannel::on_done(Asked& asked, int status) {
  if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) return;
  if (!asked.is_open) {
    --orphans_;
  } else if (status == ARES_SUCCESS) {
    outcomes_.push_back({asked.token, UpstreamResult::Answer, asked.packet});
  } else if (is_cut_off(asked)) {
    cut_off_.push_back(asked.number);
    by_id_[asked.id] = 0;
    return;
  } else {
    outcomes_.push_back({asked.token, failure_of(std::exchange(socket_error_, 0)), {}});
  }
  close(asked);
  if (sending_ == &asked) sending_ = nullptr;
  if (asked_.at(by_id_[asked.id]) == &asked) by_id_[asked.id] = 0;  // it may never have got one
  asked_.remove(asked.number);
}

// The question is over for us, though c-ares still holds it.
void AresChannel::settle(Asked& asked, UpstreamResult failure) {
  outcomes_.push_back({asked.token, failure, {}});
  forget(asked.number);
}

void AresChannel::on_socket_state(int fd, int events) {
  if (events == 0) {
    watched_.erase(fd);
    return;
  }
  Watched& watched = watched_[fd];
  watched.events = events;
  if (!watched.watch)
    watched.watch =
        std::make_unique<Watch>(loop_, fd, [this, fd](int ready) { on_ready(fd, ready); });
  watch(fd);
}

// For what c-ares waits, and for room where bytes of ours do.
void AresChannel::watch(int fd) {
  const auto watched = watched_.find(fd);
  if (watched == watched_.end()) return;
  const auto stream = streams_.find(fd);
  const bool is_blocked = stream != streams_.end() && stream->second.is_blocked();
  watched->second.watch->start(watched->second.events | (is_blocked ? UV_WRITABLE : 0));
}

// May end the watch that called it.
void AresChannel::on_ready(int fd, int events) {
  if (const auto stream = streams_.find(fd);
      stream != streams_.end() && stream->second.is_blocked()) {
    if (!stream->second.flush()) events |= UV_READABLE;  // that tells c-ares
  }
  process(fd, events);
  watch(fd);  // for less if all is written now; again if an error with answers before it paused it
  if (!cut_off_.empty()) {
    send_again();
    send_datagrams();
  }
  if (has_outcomes()) on_outcomes_();
  // What lies here has been told, or has been of no use to c-ares.
  arrived_.clear();
  if (arrived_.capacity() > kMaxSpare) arrived_.shrink_to_fit();
}

void AresChannel::process(int fd, int events) {
  const auto has_more = [&] {
    const auto stream = streams_.find(fd);
    return stream != streams_.end() && stream->second.has_shown();
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

// The question that leaves with this ID. The one that c-ares is being given may get it just now.
AresChannel::Asked* AresChannel::find_sent(uint16_t id) {
  if (sending_ && by_id_[id] == 0) note_id(id, *sending_);
  return find_open(id);
}

// A failure is settled for this question alone: to c-ares it would be the failure of everything
// under way.
void AresChannel::queue_datagram(uint16_t id) {
  Asked* const asked = find_sent(id);
  if (!asked || asked->port) return;  // it is under way, and has not failed
  asked->port = ports_.open(id);
  if (!asked->port) return settle(*asked, failure_of(errno));
  unsent_.push_back(asked->number);
}

void AresChannel::send_datagrams() {
  for (const uint64_t number : unsent_) {
    Asked* const asked = asked_.find(number);
    if (!asked || !asked->port) continue;  // it is over
    if (!ports_.send(*asked->port, asked->query.view())) settle(*asked, failure_of(errno));
  }
  unsent_.clear();
}

}  // namespace dnslet::io

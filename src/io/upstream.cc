// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/upstream.h"

#include <ares.h>
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

#include "io/udp_ports.h"

namespace dnslet::io {
namespace {

// Time is kept in Upstream, per question: c-ares' own (adaptive since 1.32) must never strike
// first.
constexpr int kNeverMs = INT_MAX / 4;
constexpr int kEdnsPayload = 1232;
constexpr std::size_t kHeaderSize = 12;  // RFC 1035 section 4.1.1
// A TCP connection may have been closed by the server since its last use: one more try then.
constexpr int kTries = 2;
// Questions with a port of their own, per server: IDs are drawn until one is free.
constexpr std::size_t kMaxOpen = 49152;

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

}  // namespace

// One c-ares channel with its server, its ports and its watched sockets. c-ares keeps a question
// until it is answered or the channel is destroyed, so a channel with questions that nobody
// answered is retired: new questions go to a fresh one, and it ends when its last question has had
// its time.
class Upstream::Channel {
 public:
  Channel(Upstream& owner, Loop& loop, const Endpoint& server, UpstreamTransport transport);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  bool is_usable() const { return channel_ != nullptr && ports_.is_open(); }
  bool is_full() const { return sequences_.size() >= kMaxOpen; }
  // c-ares holds questions that are over for everybody else.
  bool has_orphans() const { return has_orphans_; }
  void note_orphan() { has_orphans_ = true; }
  void send(uint64_t sequence, dns::BytesView query);
  // Nobody waits for this question any more: its port is closed.
  void forget(uint64_t sequence);

 private:
  struct Asked {  // what c-ares carries for us; freed in its callback, which always comes
    Channel* channel;
    uint64_t sequence;
  };

  void configure(const Endpoint& server);
  void use_own_sockets();
  void on_unreachable(uint16_t id);
  void on_socket_state(int fd, int events);
  void process(int fd, int events);
  int open_socket(int domain, int type);
  int connect_socket(int fd);
  ssize_t receive(int fd, dns::MutableBytesView buffer, sockaddr* from, socklen_t* from_size);
  void take_bare_header(dns::BytesView packet);
  ssize_t send_parts(int fd, const iovec* parts, int count);
  int close_socket(int fd);

  Upstream& owner_;
  Loop& loop_;
  SocketAddress server_;
  UdpPorts ports_;
  RandomIds random_ids_;
  uint64_t sending_ = 0;  // the sequence whose query c-ares is being given
  std::unordered_map<uint16_t, uint64_t> sequences_;  // by ID: questions that have a port
  std::unordered_map<uint64_t, uint16_t> ids_;        // the other way round
  std::unordered_map<int, std::unique_ptr<Watch>> watches_;
  bool has_orphans_ = false;
  ares_channel channel_ = nullptr;
};

Upstream::Channel::Channel(Upstream& owner, Loop& loop, const Endpoint& server,
                           UpstreamTransport transport)
    : owner_(owner),
      loop_(loop),
      server_(server),
      ports_(server_, [this](uint16_t id) { on_unreachable(id); }) {
  ares_options options{};
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
             ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_NOROTATE | ARES_OPT_EDNSPSZ |
             ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB;
  options.flags = ARES_FLAG_EDNS | ARES_FLAG_NOCHECKRESP | ARES_FLAG_STAYOPEN;
  if (transport == UpstreamTransport::TcpOnly) options.flags |= ARES_FLAG_USEVC;
  options.timeout = kNeverMs;
  options.tries = kTries;
  options.ednspsz = kEdnsPayload;
  std::array<char, 2> lookups = {'b', '\0'};
  options.lookups = lookups.data();
  std::array<char, 10> no_file = {"/dev/null"};  // resolv.conf is read by policy, once
  options.resolvconf_path = no_file.data();
  options.sock_state_cb = [](void* data, ares_socket_t fd, int readable, int writable) {
    static_cast<Channel*>(data)->on_socket_state(
        fd, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
  };
  options.sock_state_cb_data = this;
#if ARES_VERSION >= 0x011600  // 1.22: a cache and a default server of its own, both unwanted
  options.flags |= ARES_FLAG_NO_DFLT_SVR;
  options.qcache_max_ttl = 0;
  mask |= ARES_OPT_QUERY_CACHE;
#endif
  if (ares_init_options(&channel_, &options, mask) != ARES_SUCCESS) {
    channel_ = nullptr;
    return;
  }
  configure(server);
}

Upstream::Channel::~Channel() {
  if (channel_) ares_destroy(channel_);
}

void Upstream::Channel::configure(const Endpoint& server) {
  ares_addr_port_node node{};
  node.family = server_.any.sa_family;
  std::memcpy(&node.addr, server.address.bytes.data(), server.address.size());
  node.udp_port = server.port;
  node.tcp_port = server.port;
  if (ares_set_servers_ports(channel_, &node) != ARES_SUCCESS) {
    ares_destroy(channel_);
    channel_ = nullptr;
    return;
  }
  use_own_sockets();
}

// UDP goes through ports_; TCP sockets are plain ones, connected to the very server that was
// configured (c-ares before 1.21 can't carry a link-local scope).
void Upstream::Channel::use_own_sockets() {
  static const auto open = [](int domain, int type, int, void* data) {
    return static_cast<Channel*>(data)->open_socket(domain, type);
  };
  static const auto close = [](ares_socket_t fd, void* data) {
    return static_cast<Channel*>(data)->close_socket(fd);
  };
  static const auto receive = [](ares_socket_t fd, void* buffer, std::size_t size, int,
                                 sockaddr* from, ares_socklen_t* from_size, void* data) {
    const dns::MutableBytesView bytes(static_cast<uint8_t*>(buffer), size);
    return static_cast<Channel*>(data)->receive(fd, bytes, from, from_size);
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
    return static_cast<Channel*>(data)->connect_socket(fd);
  };
  functions.arecvfrom = receive;
  functions.asendto = [](ares_socket_t fd, const void* bytes, std::size_t size, int,
                         const sockaddr*, ares_socklen_t, void* data) {
    const iovec part = {const_cast<void*>(bytes), size};
    return static_cast<Channel*>(data)->send_parts(fd, &part, 1);
  };
  (void)ares_set_socket_functions_ex(channel_, &functions, this);  // fails for a null channel only
#else
  static const ares_socket_functions functions = {
      open, close,
      [](ares_socket_t fd, const sockaddr*, ares_socklen_t, void* data) {
        return static_cast<Channel*>(data)->connect_socket(fd);
      },
      receive,
      [](ares_socket_t fd, const iovec* parts, int count, void* data) {
        return static_cast<Channel*>(data)->send_parts(fd, parts, count);
      }};
  ares_set_socket_functions(channel_, &functions, this);
#endif
}

int Upstream::Channel::open_socket(int domain, int type) {
  if (type == SOCK_DGRAM) return ports_.fd();
  return socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int Upstream::Channel::connect_socket(int fd) {
  return fd == ports_.fd() ? 0 : connect(fd, &server_.any, server_.size);
}

int Upstream::Channel::close_socket(int fd) { return fd == ports_.fd() ? 0 : ::close(fd); }

ssize_t Upstream::Channel::receive(int fd, dns::MutableBytesView buffer, sockaddr* from,
                                   socklen_t* from_size) {
  if (fd != ports_.fd()) return recv(fd, buffer.data(), buffer.size(), 0);
  if (from && from_size && *from_size >= server_.size) {  // the ports are connected to it
    std::memcpy(from, &server_.any, server_.size);
    *from_size = server_.size;
  }
  const ssize_t size = ports_.receive(buffer);
  if (size == static_cast<ssize_t>(kHeaderSize)) take_bare_header(buffer.first(kHeaderSize));
  return size;
}

// Old servers refuse with a header alone. c-ares looks for the question in it and drops it, though
// ID and port vouch for it as for any other answer.
void Upstream::Channel::take_bare_header(dns::BytesView packet) {
  dns::Reader reader(packet);
  const auto found = sequences_.find(reader.u16());
  if (found == sequences_.end()) return;
  owner_.tell_later(
      {found->second, UpstreamResult::Answer, dns::Bytes(packet.begin(), packet.end())});
}

ssize_t Upstream::Channel::send_parts(int fd, const iovec* parts, int count) {
  if (fd != ports_.fd()) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
    return sendmsg(fd, &message, MSG_NOSIGNAL);
  }
  // One datagram is one part. A failure is told for this question alone, by on_unreachable: to
  // c-ares it would be the failure of everything under way.
  const dns::BytesView query(static_cast<const uint8_t*>(parts->iov_base), parts->iov_len);
  dns::Reader reader(query);
  const uint16_t id = reader.u16();
  if (sending_ != 0) {
    sequences_[id] = sending_;
    ids_[sending_] = id;
  }
  ports_.send(query);
  return static_cast<ssize_t>(query.size());
}

void Upstream::Channel::on_socket_state(int fd, int events) {
  if (events == 0) {
    watches_.erase(fd);
    return;
  }
  auto& watch = watches_[fd];
  if (!watch)
    watch = std::make_unique<Watch>(loop_, fd, [this, fd](int ready) { process(fd, ready); });
  watch->start(events);
}

void Upstream::Channel::process(int fd, int events) {
#if ARES_VERSION >= 0x012200
  const unsigned read = events & UV_READABLE ? ARES_FD_EVENT_READ : ARES_FD_EVENT_NONE;
  const unsigned write = events & UV_WRITABLE ? ARES_FD_EVENT_WRITE : ARES_FD_EVENT_NONE;
  const ares_fd_events_t event = {fd, read | write};
  (void)ares_process_fds(channel_, &event, 1, ARES_PROCESS_FLAG_SKIP_NON_FD);  // out of memory only
#else
  ares_process_fd(channel_, events & UV_READABLE ? fd : ARES_SOCKET_BAD,
                  events & UV_WRITABLE ? fd : ARES_SOCKET_BAD);
#endif
}

void Upstream::Channel::send(uint64_t sequence, dns::BytesView query) {
  std::array<uint8_t, 512> copy;  // a query of ours is at most 282 bytes
  assert(query.size() <= copy.size());
  std::ranges::copy(query, copy.begin());
  uint16_t id = random_ids_.next();
  while (sequences_.contains(id)) id = random_ids_.next();  // ends: fewer than 65,536 are open
  dns::Writer(copy).u16(id);                                // 1.34 draws another one itself

  const auto done = [](void* data, int status, int, unsigned char* packet, int size) {
    const std::unique_ptr<Asked> asked(static_cast<Asked*>(data));
    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) return;
    const bool is_answer = status == ARES_SUCCESS && packet && size > 0;
    const dns::BytesView bytes =
        is_answer ? dns::BytesView(packet, static_cast<std::size_t>(size)) : dns::BytesView();
    const UpstreamResult failure =
        status == ARES_EBADRESP ? UpstreamResult::Unreadable : UpstreamResult::Unreachable;
    asked->channel->owner_.on_done(asked->sequence, is_answer ? UpstreamResult::Answer : failure,
                                   bytes);
  };
  sending_ = sequence;
  auto asked = std::make_unique<Asked>(Asked{this, sequence});
  ares_send(channel_, copy.data(), static_cast<int>(query.size()), done, asked.release());
  sending_ = 0;
}

void Upstream::Channel::forget(uint64_t sequence) {
  const auto id = ids_.find(sequence);
  if (id == ids_.end()) return;
  ports_.close(id->second);
  sequences_.erase(id->second);
  ids_.erase(id);
}

void Upstream::Channel::on_unreachable(uint16_t id) {
  const auto found = sequences_.find(id);
  if (found == sequences_.end()) return;
  owner_.tell_later({found->second, UpstreamResult::Unreachable, {}});
}

Upstream::Upstream(Loop& loop, const Endpoint& server, const UpstreamSettings& settings,
                   OnResult on_result)
    : loop_(loop),
      server_(server),
      settings_(settings),
      on_result_(std::move(on_result)),
      deadline_timer_(loop, [this] { on_deadline(); }),
      tell_timer_(loop, [this] { tell(); }) {}

Upstream::~Upstream() = default;

void Upstream::ask(uint64_t token, dns::BytesView query) {
  if (!current_ || (!current_->is_usable() && open() == 0))
    current_ = std::make_unique<Channel>(*this, loop_, server_, settings_.transport);
  const uint64_t sequence = next_sequence_++;
  pending_.emplace(sequence, Pending{token, current_.get()});
  deadlines_.push_back({loop_.now() + settings_.timeout, sequence});
  if (!deadline_timer_.is_active()) deadline_timer_.start_once(settings_.timeout);

  if (!current_->is_usable() || current_->is_full()) {
    tell_later({sequence, UpstreamResult::Unreachable, {}});
    return;
  }
  is_asking_ = true;
  current_->send(sequence, query);
  is_asking_ = false;
}

void Upstream::on_done(uint64_t sequence, UpstreamResult result, dns::BytesView packet) {
  if (is_asking_) {  // c-ares has failed at once; an answer can't be there yet
    tell_later({sequence, result, {}});
    return;
  }
  const auto found = pending_.find(sequence);
  if (found == pending_.end()) return;  // nobody waits any more
  const uint64_t token = found->second.token;
  found->second.channel->forget(sequence);
  pending_.erase(found);
  on_result_(token, result, packet);
}

void Upstream::tell_later(Result result) {
  untold_.push_back(std::move(result));
  if (!tell_timer_.is_active()) tell_timer_.start_once(Milliseconds(0));
}

// c-ares knows nothing of these: for it the questions stay open.
void Upstream::tell() {
  for (const auto& [sequence, result, packet] : std::exchange(untold_, {})) {
    const auto found = pending_.find(sequence);
    if (found != pending_.end()) found->second.channel->note_orphan();
    on_done(sequence, result, packet);
  }
}

// Forgets questions whose time is over; retires the channel that still holds them.
void Upstream::on_deadline() {
  const Milliseconds now = loop_.now();
  while (!deadlines_.empty() && deadlines_.front().at <= now) {
    const auto found = pending_.find(deadlines_.front().sequence);
    deadlines_.pop_front();
    if (found == pending_.end()) continue;
    found->second.channel->note_orphan();
    found->second.channel->forget(found->first);
    pending_.erase(found);
  }

  std::erase_if(retired_, [&](const std::unique_ptr<Channel>& channel) {
    return std::ranges::none_of(
        pending_, [&](const auto& entry) { return entry.second.channel == channel.get(); });
  });
  if (current_ && current_->has_orphans()) retired_.push_back(std::move(current_));
  if (!deadlines_.empty()) deadline_timer_.start_once(deadlines_.front().at - now);
}

}  // namespace dnslet::io

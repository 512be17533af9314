// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/address_queries.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "io/socket.h"

namespace dnslet::upstream {
namespace {

using io::Milliseconds;

// The first try; later ones wait longer.
constexpr Milliseconds kTimeout{500};
constexpr int kTries = 3;  // of each server

IpAddress address_of(const sockaddr& socket_address) {
  IpAddress address;
  if (socket_address.sa_family == AF_INET) {
    std::memcpy(address.bytes.data(),
                &reinterpret_cast<const sockaddr_in&>(socket_address).sin_addr, address.size());
    return address;
  }
  address.family = Family::V6;
  std::memcpy(address.bytes.data(),
              &reinterpret_cast<const sockaddr_in6&>(socket_address).sin6_addr, address.size());
  return address;
}

// The lowest of the TTLs, those of the aliases too: the addresses are the name's no longer.
std::chrono::seconds lowest_ttl(const ares_addrinfo& result) {
  int lowest = INT32_MAX;
  for (const auto* node = result.nodes; node; node = node->ai_next)
    lowest = std::min(lowest, node->ai_ttl);
  for (const auto* alias = result.cnames; alias; alias = alias->next)
    lowest = std::min(lowest, alias->ttl);
  return std::chrono::seconds(std::max(lowest, 0));  // RFC 2181 section 8: above 2^31 - 1 is 0
}

std::string reason_of(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
      return "there is no such name";
    case ARES_ENODATA:
      return "it has no address";
    case ARES_ETIMEOUT:
      return "no server answers";
    case ARES_ECONNREFUSED:
      return "no server can be reached";
    case ARES_EBADNAME:
      return "it is no name of a host";
    default:
      return ares_strerror(status);
  }
}

}  // namespace

// Handed to c-ares, which gives it back exactly once.
struct AddressQueries::Question {
  AddressQueries* queries;
  uint64_t token;
  Family family;
};

void AddressQueries::clear_environment() {
  // RES_OPTIONS can't be overruled in all it says (1.34: use-vc), the others are not needed.
  for (const char* const name : {"RES_OPTIONS", "LOCALDOMAIN", "HOSTALIASES", "CARES_HOSTS"})
    (void)unsetenv(name);
}

AddressQueries::AddressQueries(io::Loop& loop, std::vector<Endpoint> servers, OnReport on_report)
    : loop_(loop),
      servers_(std::move(servers)),
      on_report_(std::move(on_report)),
      time_timer_(loop, [this] { on_ready(ARES_SOCKET_BAD, 0); }),
      turn_timer_(loop, [this] { tell(); }) {
  const bool has_library = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
  if (has_library && !open() && channel_) ares_destroy(std::exchange(channel_, nullptr));
}

AddressQueries::~AddressQueries() {
  is_ending_ = true;
  if (channel_) ares_destroy(channel_);
  ares_library_cleanup();
}

bool AddressQueries::open() {
  ares_options options{};
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
             ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_NOROTATE | ARES_OPT_RESOLVCONF |
             ARES_OPT_SOCK_STATE_CB;
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.timeout = static_cast<int>(kTimeout.count());
  options.tries = kTries;
  std::array<char, 2> no_hosts_file = {'b', '\0'};
  options.lookups = no_hosts_file.data();
  std::array<char, 10> no_file = {"/dev/null"};
  options.resolvconf_path = no_file.data();
  options.sock_state_cb = [](void* data, ares_socket_t fd, int readable, int writable) {
    static_cast<AddressQueries*>(data)->on_socket_state(
        fd, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
  };
  options.sock_state_cb_data = this;
#if ARES_VERSION >= 0x011600  // 1.22: a cache of its own that is on where it is not switched off
  options.qcache_max_ttl = 0;
  mask |= ARES_OPT_QUERY_CACHE;
#endif
  if (ares_init_options(&channel_, &options, mask) != ARES_SUCCESS) {
    channel_ = nullptr;
    return false;
  }
  use_own_sockets();
  // Instead of the one that it begins with: 127.0.0.1, which may be dnslet itself. (Not forbidden
  // by ARES_FLAG_NO_DFLT_SVR: with that it will not begin without a server.)
  std::string list;
  for (const Endpoint& server : servers_) {
    Endpoint plain = server;
    plain.scope.clear();
    if (!list.empty()) list += ',';
    list += plain.to_text();
#if ARES_VERSION >= 0x011800  // 1.24: [fe80::1]:53%eth0
    if (!server.scope.empty()) list += '%' + server.scope;
#endif
  }
  return ares_set_servers_ports_csv(channel_, list.c_str()) == ARES_SUCCESS;
}

// Before 1.24 c-ares knows servers without their scope, so it is put back where it connects. It
// takes either all of these functions or none.
void AddressQueries::use_own_sockets() {
#if ARES_VERSION < 0x011800
  const bool has_scope =
      std::ranges::any_of(servers_, [](const Endpoint& server) { return !server.scope.empty(); });
  if (!has_scope) return;
  static const ares_socket_functions kFunctions = {
      [](int domain, int type, int protocol, void*) {
        return ::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
      },
      [](ares_socket_t fd, void*) { return ::close(fd); },
      [](ares_socket_t fd, const sockaddr* address, ares_socklen_t size, void* data) {
        return static_cast<const AddressQueries*>(data)->connect_to(fd, address, size);
      },
      [](ares_socket_t fd, void* buffer, std::size_t size, int flags, sockaddr* from,
         ares_socklen_t* from_size,
         void*) { return ::recvfrom(fd, buffer, size, flags, from, from_size); },
      [](ares_socket_t fd, const iovec* parts, int count, void*) {
        return ::writev(fd, parts, count);
      }};
  ares_set_socket_functions(channel_, &kFunctions, this);
#endif
}

int AddressQueries::connect_to(int fd, const sockaddr* address, socklen_t size) const {
  const IpAddress wanted = address_of(*address);
  const auto server = std::ranges::find(servers_, wanted, &Endpoint::address);
  if (server == servers_.end() || server->scope.empty()) return connect(fd, address, size);
  const io::SocketAddress with_scope(*server);
  return connect(fd, &with_scope.any, with_scope.size);
}

void AddressQueries::ask(const std::string& host, Family family, uint64_t token) {
  auto* const question = new Question{this, token, family};
  const auto done = [](void* data, int status, int, ares_addrinfo* result) {
    const std::unique_ptr<Question> owned(static_cast<Question*>(data));
    owned->queries->on_done(*owned, status, result);
    if (result) ares_freeaddrinfo(result);
  };
  if (!channel_) return done(question, ARES_ENOMEM, 0, nullptr);
  ares_addrinfo_hints hints{};
  hints.ai_family = family == Family::V4 ? AF_INET : AF_INET6;
  hints.ai_flags = ARES_AI_NOSORT;  // it would connect to each to find the route
  ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, done, question);
  wait_for_time();
}

void AddressQueries::on_done(const Question& question, int status, const ares_addrinfo* result) {
  if (is_ending_) return;
  Report report;
  report.token = question.token;
  report.family = question.family;
  if (status == ARES_ENOTFOUND || status == ARES_ENODATA) report.outcome = Outcome::None;
  if (status == ARES_SUCCESS && result) {
    for (const auto* node = result->nodes; node; node = node->ai_next)
      if (node->ai_family == AF_INET || node->ai_family == AF_INET6)
        if (const IpAddress address = address_of(*node->ai_addr);
            std::ranges::find(report.addresses, address) == report.addresses.end())
          report.addresses.push_back(address);
    report.ttl = lowest_ttl(*result);
    report.outcome = report.addresses.empty() ? Outcome::None : Outcome::Addresses;
    status = report.addresses.empty() ? ARES_ENODATA : status;
  }
  if (report.outcome != Outcome::Addresses) report.reason = reason_of(status);
  reports_.push_back(std::move(report));
  if (!turn_timer_.is_active()) turn_timer_.start_once(Milliseconds(0));
}

void AddressQueries::tell() {
  const std::vector<Report> reports = std::exchange(reports_, {});
  for (const Report& report : reports) on_report_(report);
}

// c-ares closes the descriptor after it has told that it waits for nothing there.
void AddressQueries::on_socket_state(int fd, int events) {
  if (events == 0) {
    watched_.erase(fd);
    return;
  }
  Watched& watched = watched_[fd];
  watched.events = events;
  if (!watched.watch)
    watched.watch =
        std::make_unique<io::Watch>(loop_, fd, [this, fd](int ready) { on_ready(fd, ready); });
  watched.watch->start(events);
}

// May end the watch that called it.
void AddressQueries::on_ready(int fd, int events) {
  ares_process_fd(channel_, events & UV_READABLE ? fd : ARES_SOCKET_BAD,
                  events & UV_WRITABLE ? fd : ARES_SOCKET_BAD);
  // Again if an error with an answer before it has paused it.
  if (const auto watched = watched_.find(fd); watched != watched_.end())
    watched->second.watch->start(watched->second.events);
  wait_for_time();
}

void AddressQueries::wait_for_time() {
  timeval left{};
  if (!ares_timeout(channel_, nullptr, &left)) return time_timer_.stop();
  const std::chrono::microseconds time =
      std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
  time_timer_.start_once(std::chrono::ceil<Milliseconds>(time));
}

}  // namespace dnslet::upstream

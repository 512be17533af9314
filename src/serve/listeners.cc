// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "serve/listeners.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <thread>
#include <utility>

#include "io/systemd.h"

namespace dnslet::serve {
namespace {

// UDP and TCP must share the port: where the system chose it for UDP, TCP may find it taken.
constexpr int kPortTries = 16;

// How long an IPv6 address is waited for that has just been given to an interface. The kernel needs
// a second or two.
constexpr std::chrono::seconds kTentative{5};

using Clock = std::chrono::steady_clock;
using Sockets = std::vector<io::BoundSocket>;

constexpr std::string_view kListen = "--listen";

// The reason in bind_socket's sentence, and what helps against it.
std::string with_remedy(const Error& error, const Endpoint& endpoint, std::string_view flag) {
  const auto says = [&](int code) {
    return error.text.find(uv_strerror(code)) != std::string::npos;
  };
  if (says(UV_EADDRINUSE))
    return error.text + "; stop what uses it, or choose another address or port with " +
           std::string(flag);
  const io::AddressState state =
      says(UV_EADDRNOTAVAIL) ? io::state_of(endpoint) : io::AddressState::Unknown;
  if (state == io::AddressState::Tentative)
    return error.text + "; the system still looks for other hosts that have it: start dnslet later";
  if (state == io::AddressState::Duplicate)
    return error.text + "; another host on the link has it, too: give this one another address";
  if (says(UV_EADDRNOTAVAIL))
    return error.text + "; choose an address that this host has with " + std::string(flag);
  if (says(UV_ENODEV))
    return error.text + "; name an interface that this host has behind the % in " +
           std::string(flag);
  if (says(UV_EINVAL))
    return error.text + "; in " + std::string(flag) +
           " a link-local address needs its interface, as in [fe80::1%eth0]:53, and an IPv4 "
           "address is written as such";
  if (says(UV_EAFNOSUPPORT))
    return error.text +
           "; this system has no such sockets: choose an address of the other family "
           "with " +
           std::string(flag);
  if (says(UV_EMFILE)) return error.text + "; raise the limit of open files (ulimit -n)";
  if (endpoint.port >= 1024 || !says(UV_EACCES)) return error.text;
  return error.text + "; choose a port from 1024 on with " + std::string(flag) +
         ", start as root with --user (docker run -u 0 -e DNSMASQ_USER=65534), lower the limit "
         "(docker run --sysctl net.ipv4.ip_unprivileged_port_start=0, not on the host's network), "
         "or give the binary cap_net_bind_service";
}

// Waits for an address that is still tentative.
Result<io::Descriptor> bind_when_ready(const Endpoint& endpoint, io::SocketKind kind,
                                       Clock::time_point until) {
  constexpr std::chrono::milliseconds kPause{20};
  bool is_last = false;
  while (true) {  // ends: at `until`, or with the try after the address has become usable
    auto socket = io::bind_socket(endpoint, kind);
    const io::AddressState state = socket ? io::AddressState::Usable : io::state_of(endpoint);
    const bool may_wait = state == io::AddressState::Tentative || state == io::AddressState::Usable;
    if (socket || is_last || !may_wait || Clock::now() >= until) return socket;
    is_last = state == io::AddressState::Usable;
    std::this_thread::sleep_for(kPause);
  }
}

// A UDP and a TCP socket on the same endpoint, added to `sockets`.
Status bind_both(const Endpoint& endpoint, Clock::time_point until, Sockets& sockets) {
  for (int left = kPortTries;; --left) {
    auto udp = bind_when_ready(endpoint, io::SocketKind::Udp, until);
    if (!udp) return Error{with_remedy(udp.error(), endpoint, kListen)};
    auto tcp = io::bind_socket(io::bound_endpoint(*udp), io::SocketKind::Tcp);
    if (!tcp && (endpoint.port != 0 || left == 0))
      return Error{with_remedy(tcp.error(), endpoint, kListen)};
    if (!tcp) continue;
    sockets.push_back({io::SocketKind::Udp, std::move(*udp)});
    sockets.push_back({io::SocketKind::Tcp, std::move(*tcp)});
    return Done();
  }
}

// Makes lists of further sockets like those of the first, until there is one for each worker.
Status multiply(DividedSockets& divided, std::size_t workers,
                Result<io::Descriptor> (*another)(const io::BoundSocket&)) {
  while (divided.size() < workers) {
    Sockets more;
    for (const io::BoundSocket& first : divided.front()) {
      auto socket = another(first);
      if (!socket) return socket.error();
      more.push_back({first.kind, std::move(*socket), first.encrypted});
    }
    divided.push_back(std::move(more));
  }
  return Done();
}

bool contains(std::span<const Endpoint> endpoints, const Endpoint& wanted) {
  return std::ranges::find(endpoints, wanted) != endpoints.end();
}

// The endpoints that reach the sockets, each once.
std::vector<Endpoint> heard_by(const Sockets& sockets) {
  std::vector<Endpoint> heard;
  const auto add = [&heard](const Endpoint& endpoint) {
    if (!contains(heard, endpoint)) heard.push_back(endpoint);
  };
  for (const io::BoundSocket& bound : sockets) {
    const Endpoint endpoint = io::bound_endpoint(bound.socket);
    add(endpoint);
    // systemd's own default for ListenDatagram=53: [::] hears IPv4 as well.
    if (endpoint.address.is_wildcard() && io::takes_both_families(bound.socket))
      add({IpAddress(), endpoint.port, ""});
  }
  return heard;
}

}  // namespace

Result<Sockets> take_passed_sockets(config::Options& options) {
  if (!options.systemd) return Sockets();
  auto sockets = io::take_passed_sockets();
  if (!sockets)
    return Error{"--systemd: " + sockets.error().text +
                 ", or leave out --systemd (DNSMASQ_SYSTEMD) to bind the addresses of --listen"};
  options.listen = heard_by(*sockets);
  return sockets;
}

Result<io::Descriptor> bind_for(const Endpoint& endpoint, io::SocketKind kind,
                                std::string_view flag) {
  auto socket = bind_when_ready(endpoint, kind, Clock::now() + kTentative);
  if (!socket) return Error{with_remedy(socket.error(), endpoint, flag)};
  return socket;
}

Result<DividedSockets> bind_sockets(std::span<const Endpoint> endpoints, std::size_t workers) {
  DividedSockets divided(1);
  const Clock::time_point until = Clock::now() + kTentative;
  for (const Endpoint& endpoint : endpoints)
    if (Status status = bind_both(endpoint, until, divided.front()); !status) return status.error();
  if (Status status = multiply(divided, workers, io::bind_beside); !status) return status.error();
  return divided;
}

Status bind_encrypted(std::span<const EncryptedListener> listeners, DividedSockets& divided) {
  DividedSockets encrypted(1);
  for (const EncryptedListener& listener : listeners) {
    const auto kind = is_over_udp(listener.protocol) ? io::SocketKind::Udp : io::SocketKind::Tcp;
    auto socket = bind_for(listener.endpoint, kind, kListen);
    if (!socket) return socket.error();
    encrypted.front().push_back({kind, std::move(*socket), &listener});
  }
  if (Status status = multiply(encrypted, divided.size(), io::bind_beside); !status) return status;
  for (std::size_t i = 0; i < divided.size(); ++i)
    std::ranges::move(encrypted[i], std::back_inserter(divided[i]));
  return Done();
}

Result<DividedSockets> divide_passed(Sockets passed, std::size_t workers) {
  DividedSockets divided(1);
  divided.front() = std::move(passed);
  const auto copy = [](const io::BoundSocket& bound) { return io::duplicate(bound.socket); };
  if (Status status = multiply(divided, workers, copy); !status) return status.error();
  return divided;
}

std::string list_endpoints(const EndpointsOf& endpoints_of) {
  const std::vector<Endpoint> udp = endpoints_of(Protocol::Udp);
  const std::vector<Endpoint> tcp = endpoints_of(Protocol::Tcp);
  std::string both;
  std::string udp_only;
  std::string tcp_only;
  for (const Endpoint& endpoint : udp)
    (contains(tcp, endpoint) ? both : udp_only) += ' ' + endpoint.to_text();
  for (const Endpoint& endpoint : tcp)
    if (!contains(udp, endpoint)) tcp_only += ' ' + endpoint.to_text();

  std::string text;
  const auto add = [&text](const char* name, const std::string& list) {
    if (!list.empty()) text += (text.empty() ? "" : " ") + (name + list);
  };
  add("udp+tcp", both);
  add("udp", udp_only);
  add("tcp", tcp_only);
  for (const Protocol protocol : {Protocol::Tls, Protocol::Https, Protocol::Quic}) {
    std::string all;
    for (const Endpoint& endpoint : endpoints_of(protocol)) all += ' ' + endpoint.to_text();
    add(kProtocolNames[static_cast<std::size_t>(protocol)], all);
  }
  return text;
}

}  // namespace dnslet::serve

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/healthcheck.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "app/encrypted_check.h"
#include "app/quic_check.h"
#include "dns/reply.h"
#include "io/framing.h"
#include "io/quic.h"
#include "io/socket.h"
#include "io/tls_server.h"

namespace dnslet::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPatience{900};  // for all addresses together

Endpoint reachable(Endpoint endpoint) {
  if (endpoint.address.is_wildcard())
    endpoint.address = IpAddress::loopback(endpoint.address.family);
  return endpoint;
}

bool wait_for(int fd, short events, Clock::time_point deadline) {
  while (true) {  // ends: at the deadline
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    pollfd entry = {fd, events, 0};
    const int count = poll(&entry, 1, static_cast<int>(left.count()));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
}

// Sends `request` and reads until `prefix` bytes and the start of an answer are there.
bool exchange(int fd, dns::BytesView request, std::size_t prefix, Clock::time_point deadline) {
  if (!wait_for(fd, POLLOUT, deadline)) return false;
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    return false;
  dns::Reader sent(request.subspan(prefix));
  const uint16_t id = sent.u16();

  std::array<uint8_t, 1500> buffer;
  std::size_t filled = 0;
  while (wait_for(fd, POLLIN, deadline)) {  // ends: at the deadline, or when it is full or closed
    const ssize_t count = recv(fd, buffer.data() + filled, buffer.size() - filled, 0);
    if (count <= 0) return false;
    filled += static_cast<std::size_t>(count);
    const dns::BytesView received(buffer.data(), filled);
    if (filled >= prefix + 4) return is_answer(received.subspan(prefix), id);
  }
  return false;
}

// One that is answered without upstream.
dns::Bytes make_query() {
  dns::Question question;
  question.name = *dns::Name::from_text("localhost");
  const dns::QueryBytes message = dns::build_upstream_query(question, {});
  dns::Bytes query(message.view().begin(), message.view().end());
  if (getentropy(query.data(), 2) != 0) query[0] = 0;  // the ID
  return query;
}

bool answers(const Endpoint& endpoint, io::SocketKind kind, Clock::time_point deadline) {
  const bool is_udp = kind == io::SocketKind::Udp;
  const io::SocketAddress address(endpoint);
  const io::Descriptor fd(
      socket(address.any.sa_family, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0));
  if (!fd) return false;
  if (connect(fd.get(), &address.any, address.size) != 0 && errno != EINPROGRESS) return false;

  const dns::Bytes query = make_query();
  if (is_udp) return exchange(fd.get(), query, 0, deadline);
  dns::Bytes framed;
  io::LengthFraming().add_answer(0, query, framed);
  return exchange(fd.get(), framed, framed.size() - query.size(), deadline);
}

Health check_encrypted(const config::Options& options, Clock::time_point deadline) {
  const auto key = io::key_of_certificate(options.tls_cert);
  if (!key) return {false, "unhealthy: " + key.error().text};
  std::string asked;
  for (EncryptedListener listener : options.encrypted) {
    listener.endpoint = reachable(listener.endpoint);
    const std::string name = listener.endpoint.to_text() + '/' +
                             kProtocolNames[static_cast<std::size_t>(listener.protocol)];
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    const auto answers = io::has_quic() && listener.protocol == Protocol::Quic ? answers_over_quic
                                                                               : answers_encrypted;
    if (!answers(listener, *key, make_query(), std::max(left, std::chrono::milliseconds(0))))
      return {false, "unhealthy: no answer with the certificate of --tls-cert from " + name};
    asked += ' ' + name;
  }
  return {true, "healthy:" + asked};
}

}  // namespace

Health check_health(const config::Options& options) {
  const Clock::time_point deadline = Clock::now() + kPatience;
  if (io::has_tls() && options.listen.empty()) return check_encrypted(options, deadline);
  std::string asked;
  for (const Endpoint& listener : options.listen) {
    const Endpoint endpoint = reachable(listener);
    for (const io::SocketKind kind : {io::SocketKind::Udp, io::SocketKind::Tcp}) {
      const std::string name = endpoint.to_text() + (kind == io::SocketKind::Udp ? "/udp" : "/tcp");
      if (!answers(endpoint, kind, deadline)) return {false, "unhealthy: no answer from " + name};
      asked += ' ' + name;
    }
  }
  return {true, "healthy:" + asked};
}

}  // namespace dnslet::app

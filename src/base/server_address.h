// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A server as an option names it: how it is reached, and where. A plain value: equal ones are the
// same server, however they were spelled.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"

namespace dnslet {

inline constexpr uint16_t kDnsPort = 53;
inline constexpr std::string_view kResolved = "resolved";  // the source of its name
inline constexpr std::string_view kSystem = "system";      // that of resolv.conf
inline constexpr uint16_t kHttpsPort = 443;                // RFC 9110 section 4.2.2

enum class Protocol : uint8_t {
  Udp,  // and TCP for what does not fit
  Tcp,
  Tls,    // DNS over TLS (RFC 7858)
  Https,  // DNS over HTTPS (RFC 8484)
  Quic,   // DNS over QUIC (RFC 9250)
  H3,     // DNS over HTTPS, by HTTP/3 (RFC 9114)
};
inline constexpr std::size_t kProtocols = 6;
// The first ones, which clients may use.
inline constexpr std::size_t kClientProtocols = 5;
constexpr bool is_for_clients(Protocol protocol) {
  return static_cast<std::size_t>(protocol) < kClientProtocols;
}
constexpr bool is_encrypted(Protocol protocol) { return protocol >= Protocol::Tls; }
// As in options and logs, by Protocol.
inline constexpr std::array<const char*, kProtocols> kProtocolNames = {"udp",   "tcp",  "tls",
                                                                       "https", "quic", "h3"};
// The same way back, in any case of letters; nullopt: none of them.
std::optional<Protocol> protocol_from_text(std::string_view text);
// Whether questions are requests of HTTP, for a path.
constexpr bool is_http(Protocol protocol) {
  return protocol == Protocol::Https || protocol == Protocol::H3;
}
constexpr bool is_over_quic(Protocol protocol) {
  return protocol == Protocol::Quic || protocol == Protocol::H3;
}
// Whether it is carried by UDP alone.
constexpr bool is_over_udp(Protocol protocol) {
  return protocol == Protocol::Udp || is_over_quic(protocol);
}
// Where a protocol is usually spoken (RFC 7858 section 3.1, RFC 9250 section 4.1.1; RFC 9110
// section 4.2.2).
constexpr uint16_t usual_port(Protocol protocol) {
  if (is_http(protocol)) return kHttpsPort;
  return is_encrypted(protocol) ? 853 : kDnsPort;
}

// A SOCKS5 proxy in front of a server (RFC 1928). Written by name it has a host, else an endpoint.
struct Proxy {
  std::string host{};
  std::optional<Endpoint> endpoint{};
  uint16_t port = 0;
  std::string user{};  // empty: none; as it is sent (RFC 1929), like the password
  std::string password{};

  auto operator<=>(const Proxy&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct ServerAddress {
  Protocol protocol = Protocol::Udp;
  std::string host{};  // a name in lower case without a final dot; empty: see endpoint
  std::optional<Endpoint> endpoint{};  // where no name has to be resolved; nullopt: see host
  uint16_t port = 0;             // never 0 once parsed; that of the endpoint, where there is one
  std::string verified{};        // the name of its certificate, where it is not that of the host
  std::string path{};            // of HTTP, with its slash; else empty
  std::optional<Proxy> proxy{};  // through which it is reached
  std::string source{};          // "dhcp:eth0": it stands for the servers that others know

  auto operator<=>(const ServerAddress&) const = default;  // NOLINT(modernize-use-nullptr)

  static ServerAddress at(const Endpoint& endpoint, Protocol protocol = Protocol::Udp) {
    return {.protocol = protocol, .endpoint = endpoint, .port = endpoint.port};
  }
  // Whether a name has to be resolved here before it can be reached. Behind a proxy that is the
  // proxy's: it resolves the server's own.
  bool is_name() const { return !dialled() && !is_source(); }
  bool is_source() const { return !source.empty(); }
  bool is_system() const { return source == kSystem; }
  // Of whom addresses have to be told before it can be reached: a host, or a source, which begins
  // with a blank, as no host does.
  std::string name_to_resolve() const {
    if (is_source()) return ' ' + source;
    return proxy ? proxy->host : host;
  }
  const std::optional<Endpoint>& dialled() const { return proxy ? proxy->endpoint : endpoint; }
  uint16_t dialled_port() const { return proxy ? proxy->port : port; }
  // Whether nothing is said to it before its certificate holds.
  bool is_encrypted() const { return dnslet::is_encrypted(protocol); }
  bool is_over_quic() const { return dnslet::is_over_quic(protocol); }
  // Links of systemd-resolved say it of their servers.
  bool may_be_encrypted() const { return is_encrypted() || source == kResolved; }
  // What its certificate has to be for: a name, or an address.
  std::string name_to_verify() const;
  // Of HTTP: whom requests name (RFC 9110 section 7.2).
  std::string authority() const;
  // As options write it, with its port: "10.0.0.1:53", "[fe80::1%eth0]:53", "tcp://dns.test:53",
  // "tls://10.0.0.1:853#dns.test", "https://dns.test:443/dns-query",
  // "socks5://user@10.0.0.9:1080/tls://dns.test:853". Never with a password.
  std::string to_text() const;
};

// Where clients are served over TLS, HTTPS or QUIC.
struct EncryptedListener {
  Protocol protocol = Protocol::Tls;
  Endpoint endpoint{};
  std::string path{};  // of Https, with its slash; else empty

  bool operator==(const EncryptedListener&) const = default;
};

}  // namespace dnslet

// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "base/mapped_address.h"

namespace dnslet {
namespace {

constexpr std::size_t kMaxAddressText = 63;

std::optional<unsigned> parse_number(std::string_view text, unsigned max) {
  unsigned value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || stop != end || value > max) return std::nullopt;
  return value;
}

struct HostPort {
  std::string_view host;
  std::string_view port;  // empty: none given
};

// Splits without judging either half. nullopt: a bracket without its partner, an empty port.
std::optional<HostPort> split_port(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(close + 1);
    const std::string_view host = text.substr(1, close - 1);
    if (host.find(':') == std::string_view::npos) return std::nullopt;
    if (rest.empty()) return HostPort{host, {}};
    if (rest.size() < 2 || rest[0] != ':') return std::nullopt;
    return HostPort{host, rest.substr(1)};
  }

  const std::size_t colon = text.find(':');
  const bool is_v6 = colon != std::string_view::npos && colon != text.rfind(':');
  if (colon == std::string_view::npos || is_v6) return HostPort{text, {}};
  if (colon + 1 == text.size()) return std::nullopt;
  return HostPort{text.substr(0, colon), text.substr(colon + 1)};
}

// The name of an interface, as Linux takes it, or its number. Brackets are those of the address.
bool is_scope(std::string_view text) {
  return !text.empty() && text.size() < 16 && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 127 && c != ':' && c != '/' && c != '[' && c != ']';
  });
}

}  // namespace

std::optional<IpAddress> IpAddress::from_text(std::string_view text) {
  if (text.empty() || text.size() > kMaxAddressText) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;

  std::array<char, kMaxAddressText + 1> terminated{};
  std::copy(text.begin(), text.end(), terminated.begin());
  IpAddress address;
  const bool is_v6 = text.find(':') != std::string_view::npos;
  address.family = is_v6 ? Family::V6 : Family::V4;
  if (inet_pton(is_v6 ? AF_INET6 : AF_INET, terminated.data(), address.bytes.data()) != 1)
    return std::nullopt;
  return address;
}

IpAddress IpAddress::v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  IpAddress address;
  address.bytes = {a, b, c, d};
  return address;
}

IpAddress IpAddress::loopback(Family family) {
  if (family == Family::V4) return v4(127, 0, 0, 1);
  IpAddress address;
  address.family = Family::V6;
  address.bytes[15] = 1;
  return address;
}

bool IpAddress::is_wildcard() const {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const {
  return family == Family::V4 ? bytes[0] == 127 : *this == loopback(Family::V6);
}

std::string IpAddress::to_text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family == Family::V4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

std::optional<Endpoint> Endpoint::from_text(std::string_view text, uint16_t default_port) {
  const auto parts = split_port(text);
  if (!parts) return std::nullopt;

  Endpoint endpoint;
  endpoint.port = default_port;
  if (!parts->port.empty()) {
    const auto port = parse_number(parts->port, 65535);
    if (!port) return std::nullopt;
    endpoint.port = static_cast<uint16_t>(*port);
  }

  std::string_view host = parts->host;
  const std::size_t percent = host.find('%');
  if (percent != std::string_view::npos) {
    const std::string_view scope = host.substr(percent + 1);
    if (!is_scope(scope)) return std::nullopt;
    endpoint.scope = scope;
    host = host.substr(0, percent);
  }

  const auto address = IpAddress::from_text(host);
  if (!address || (!endpoint.scope.empty() && address->family == Family::V4)) return std::nullopt;
  endpoint.address = *address;
  return endpoint;
}

std::string Endpoint::to_text() const {
  const std::string port_text = ":" + std::to_string(port);
  if (address.family == Family::V4) return address.to_text() + port_text;
  return "[" + address.to_text() + (scope.empty() ? "" : "%" + scope) + "]" + port_text;
}

std::optional<Network> Network::from_text(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::from_text(text.substr(0, slash));
  if (!address) return std::nullopt;

  const auto width = static_cast<unsigned>(address->size() * 8);
  const auto prefix = slash == std::string_view::npos ? std::optional(width)
                                                      : parse_number(text.substr(slash + 1), width);
  if (!prefix) return std::nullopt;
  const IpAddress plain = unmapped(*address);
  const bool is_v4 = plain.family != address->family && *prefix >= kMappedBits;
  if (is_v4) return Network{plain, static_cast<uint8_t>(*prefix - kMappedBits)};
  return Network{*address, static_cast<uint8_t>(*prefix)};
}

Network Network::of(const IpAddress& address, uint8_t prefix) {
  Network network{address, prefix};
  auto& bytes = network.address.bytes;
  const std::size_t whole = prefix / 8;
  if (whole < bytes.size()) bytes[whole] &= static_cast<uint8_t>(0xff00U >> prefix % 8);
  for (std::size_t i = whole + 1; i < bytes.size(); ++i) bytes[i] = 0;
  return network;
}

bool Network::contains(const IpAddress& candidate) const {
  const IpAddress plain = unmapped(candidate);
  return covers({plain, static_cast<uint8_t>(plain.size() * 8)});
}

bool Network::covers(const Network& other) const {
  if (other.address.family != address.family || other.prefix < prefix) return false;

  const std::size_t whole = prefix / 8;
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  other.address.bytes.begin()))
    return false;
  const unsigned rest = prefix % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xffU << (8 - rest);
  return ((address.bytes[whole] ^ other.address.bytes[whole]) & mask) == 0;
}

std::string Network::to_text() const { return address.to_text() + "/" + std::to_string(prefix); }

bool any_contains(const std::vector<Network>& networks, const IpAddress& address) {
  return std::ranges::any_of(networks,
                             [&](const Network& network) { return network.contains(address); });
}

std::vector<Network> private_networks() {
  std::vector<Network> networks;
  for (const char* text : {"127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                           "100.64.0.0/10", "169.254.0.0/16", "fe80::/10", "fc00::/7"})
    networks.push_back(*Network::from_text(text));
  return networks;
}

}  // namespace dnslet

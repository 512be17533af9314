// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/server_address.h"

#include <algorithm>

#include "base/redis_server.h"
#include "base/text.h"

namespace dnslet {
namespace {

// HOST:PORT of a server or a proxy.
template <typename Place>
std::string place_text(const Place& place) {
  return place.endpoint ? place.endpoint->to_text() : place.host + ':' + std::to_string(place.port);
}

}  // namespace

std::string ServerAddress::name_to_verify() const {
  if (!verified.empty()) return verified;
  return endpoint ? endpoint->address.to_text() : host;
}

std::string ServerAddress::authority() const {
  const std::string name = name_to_verify();
  const bool is_v6 = name.find(':') != std::string::npos;
  const std::string text = is_v6 ? '[' + name + ']' : name;
  return port == kHttpsPort ? text : text + ':' + std::to_string(port);
}

std::optional<Protocol> protocol_from_text(std::string_view text) {
  const auto* const found = std::ranges::find(kProtocolNames, lower_case(text));
  if (found == kProtocolNames.end()) return std::nullopt;
  return static_cast<Protocol>(found - kProtocolNames.begin());
}

std::string ServerAddress::to_text() const {
  if (is_source()) return source;
  std::string before;
  if (proxy) {
    before = "socks5://" + (proxy->user.empty() ? "" : percent_encoded(proxy->user) + '@');
    before += place_text(*proxy) + '/';
  }
  std::string text = before;
  if (protocol != Protocol::Udp)
    text += std::string(kProtocolNames[static_cast<std::size_t>(protocol)]) + "://";
  text += place_text(*this) + path;
  return verified.empty() ? text : text + '#' + verified;
}

std::string RedisServer::to_text() const {
  if (!socket.empty()) return "unix:" + socket;
  const std::string text =
      (place.protocol == Protocol::Tls ? "rediss://" : "redis://") + place_text(place);
  return database == 0 ? text : text + '/' + std::to_string(database);
}

}  // namespace dnslet

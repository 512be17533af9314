// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/server_url.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "base/text.h"
#include "dns/name.h"
#include "io/http3.h"
#include "io/quic.h"
#include "io/resolved.h"
#include "io/tls.h"

namespace dnslet::config {
namespace {

constexpr std::string_view kServer =
    "a server: write an address or a name, with a port or without, for example 10.0.0.1, "
    "[fd00::1]:53, dns.example:53, tcp://10.0.0.1 or https://dns.example/dns-query (a "
    "comma in a path is written %2C)";
constexpr std::string_view kHttpsServer =
    "a server over HTTPS: write it with its path, for example https://dns.example/dns-query";
constexpr std::string_view kCertificate =
    "a server: behind # stands the name of its certificate, for example dns.example";
constexpr std::string_view kProxied =
    "a server behind a proxy: write the proxy, a slash and tcp://, tls:// or https://, for example "
    "socks5://10.0.0.9:1080/tls://dns.example";
constexpr std::string_view kNotProxied =
    "a server behind a proxy: QUIC goes through none; write tcp://, tls:// or https://";
constexpr std::string_view kProxyUser =
    "a server behind a proxy: its user is written USER:PASSWORD@, each of 255 bytes at most, with "
    "%40 for @, %2F for / and %25 for %";
constexpr std::string_view kNoZone =
    "a server behind a proxy: an address with a zone means nothing there";
constexpr std::string_view kDhcpServer =
    "a source of servers: behind dhcp: stands an interface, for example dhcp:eth0";
constexpr std::string_view kSocks = "socks5://";
constexpr std::string_view kDhcp = "dhcp:";
constexpr std::size_t kMaxPath = 1024;
constexpr std::size_t kMaxHost = 253;

// What this build can't reach.
struct Missing {
  std::string_view start;  // in lower case
  std::string_view what;
  bool (*is_here)() = [] { return false; };
};
constexpr auto kMissing = std::to_array<Missing>({
    {"quic://", "DNS over QUIC", io::has_quic},
    {"h3://", "DNS over HTTP/3", io::has_http3},
});

Error missing(std::string_view text, std::string_view what) {
  const std::string ways =
      io::has_tls() ? "tls://, https://, tcp:// or udp://" : "tcp:// or udp://";
  return Error{in_quotes(text) + " asks for " + std::string(what) +
               ", which this build does not have; write " + ways + " and an address or a name"};
}

bool is_number(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

// A host may be called like a word, and have a port.
std::optional<Error> find_missing(std::string_view text) {
  const std::string folded = lower_case(text);
  for (const Missing& way : kMissing)
    if (!way.is_here() && folded.starts_with(way.start) &&
        (folded.size() == way.start.size() || !is_number(folded.substr(way.start.size()))))
      return missing(text, way.what);
  return std::nullopt;
}

bool is_host_label(std::string_view label) {
  const bool is_clean = std::ranges::all_of(label, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  return is_clean && !label.empty() && !label.starts_with('-') && !label.ends_with('-');
}

// A name as RFC 1123 has it, and underscores, which Compose puts into its own. A last label of
// digits is that of a mistyped address. Empty: it is none.
std::string host_name(std::string_view text) {
  std::string name = lower_case(text);
  if (name.ends_with('.')) name.pop_back();
  if (name.empty() || name.size() > kMaxHost || !dns::Name::from_text(name)) return {};
  std::string_view rest = name;
  while (true) {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    if (!is_host_label(label)) return {};
    if (dot == std::string_view::npos) return is_number(label) ? std::string() : name;
    rest.remove_prefix(dot + 1);
  }
}

// 0: not a port that a server can have.
uint16_t parse_port(std::string_view text) {
  uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, port);
  return status == std::errc() && stop == end ? port : uint16_t{0};
}

// "https:1.1.1.1" has no host of that name.
std::optional<Error> find_lone_scheme(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view rest = text.substr(std::min(colon + 1, text.size()));
  const bool is_scheme = protocol_from_text(text.substr(0, colon)) ||
                         lower_case(text.substr(0, colon)) + "://" == kSocks;
  if (!is_scheme || rest.starts_with("//") || is_number(rest)) return std::nullopt;
  return Error{in_quotes(text) + " lacks slashes: write " + lower_case(text.substr(0, colon)) +
               "://"};
}

// An interface's name as Linux has them. Names of digits alone are ports of a host "dhcp".
bool is_interface(std::string_view text) {
  constexpr std::size_t kMax = 15;  // IFNAMSIZ without the zero
  return !text.empty() && text.size() <= kMax && text != "." && text != ".." &&
         text.find_first_of(":/ \t\r\n%[]@#") == std::string_view::npos;
}

bool is_dhcp(std::string_view text) {
  return lower_case(text.substr(0, kDhcp.size())) == kDhcp &&
         (text.size() == kDhcp.size() || !is_number(text.substr(kDhcp.size())));
}

// dhcp:IFACE
Result<ServerAddress> parse_dhcp(std::string_view text) {
  const std::string_view interface = text.substr(kDhcp.size());
  if (!is_interface(interface)) return not_a(text, kDhcpServer);
  return ServerAddress{.port = kDnsPort, .source = std::string(kDhcp) + std::string(interface)};
}

// HOST[:PORT], into a server or a proxy.
template <typename Place>
Status read_place(std::string_view text, std::string_view place, uint16_t usual_port, Place& into) {
  into.endpoint = Endpoint::from_text(place, usual_port);
  if (into.endpoint) {
    into.port = into.endpoint->port;
  } else {
    const std::size_t colon = std::min(place.rfind(':'), place.size());
    into.host = host_name(place.substr(0, colon));
    if (into.host.empty()) return not_a(text, kServer);
    into.port = colon == place.size() ? usual_port : parse_port(place.substr(colon + 1));
  }
  if (into.port == 0) return not_a(text, "a server: its port is from 1 to 65535");
  return Done{};
}

// Takes #NAME off the end of the place.
Status read_certificate(std::string_view text, std::string_view& place, ServerAddress& server) {
  if (!io::has_tls())
    return only_in_full(in_quotes(text) + " asks for DNS over " +
                        (server.protocol == Protocol::Tls ? "TLS" : "HTTPS"));
  const std::size_t mark = place.find('#');
  if (mark == std::string_view::npos) return Done{};
  server.verified = name_of_certificate(place.substr(mark + 1));
  if (server.verified.empty()) return not_a(text, kCertificate);
  place = place.substr(0, mark);
  return Done{};
}

// Whether it may stand in a path or its query as it is sent (RFC 3986 sections 3.3, 3.4); commas
// and semicolons part servers here, and are written %2C and %3B.
bool is_in_path(char c) {
  constexpr std::string_view kMarks = "-._~%!$&'()*+=:@/?";
  return is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos;
}

// Takes /PATH off the end of the place.
Status read_path(std::string_view text, std::string_view& place, ServerAddress& server) {
  constexpr std::string_view kTemplate = "{?dns}";
  const std::size_t slash = std::min(place.find('/'), place.size());
  std::string_view path = place.substr(slash);
  place = place.substr(0, slash);
  if (path.ends_with(kTemplate)) path.remove_suffix(kTemplate.size());
  const bool is_clean = path.size() <= kMaxPath && std::ranges::all_of(path, is_in_path) &&
                        percent_decoded(path).has_value();
  if (path.empty() || !is_clean || place.find('@') != std::string_view::npos)
    return not_a(text, kHttpsServer);
  server.path = path;
  return Done{};
}

// What is anything else is percent-encoded.
bool is_in_user(char c) { return is_in_path(c) && c != '@' && c != '/' && c != '?'; }

// [USER:PASSWORD@]HOST[:PORT]
Status read_proxy(std::string_view text, std::string_view place, Proxy& proxy) {
  constexpr std::size_t kMost = 255;  // RFC 1929 section 2
  const std::size_t at = place.rfind('@');
  if (at != std::string_view::npos) {
    const std::string_view names = place.substr(0, at);
    const std::size_t colon = names.find(':');
    const auto user = percent_decoded(names.substr(0, colon));
    const auto password =
        colon == std::string_view::npos ? std::nullopt : percent_decoded(names.substr(colon + 1));
    if (!user || !password || !std::ranges::all_of(names, is_in_user) || user->empty() ||
        user->size() > kMost || password->size() > kMost)
      return not_a(text, kProxyUser);
    proxy.user = *user;
    proxy.password = *password;
    place.remove_prefix(at + 1);
  }
  return read_place(text, place, kSocksPort, proxy);
}

bool is_proxied(std::string_view text) {
  return lower_case(text.substr(0, kSocks.size())) == kSocks;
}

// socks5://PROXY/SERVER
Result<ServerAddress> parse_proxied(std::string_view text) {
  const std::string_view rest = text.substr(kSocks.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return not_a(text, kProxied);
  Proxy proxy;
  if (Status status = read_proxy(text, rest.substr(0, slash), proxy); !status)
    return status.error();
  const std::string_view behind = rest.substr(slash + 1);
  if (is_proxied(behind)) return not_a(text, kProxied);
  auto server = parse_server(behind);
  if (!server) return server.error();
  if (server->protocol == Protocol::Udp) return not_a(text, kProxied);
  if (server->is_over_quic()) return not_a(text, kNotProxied);
  if (server->endpoint && !server->endpoint->scope.empty()) return not_a(text, kNoZone);
  server->proxy = std::move(proxy);
  return server;
}

Result<ServerAddress> parse_resolved(std::string_view text) {
  if (io::has_resolved()) return ServerAddress{.port = kDnsPort, .source = std::string(kResolved)};
  return Error{in_quotes(text) +
               " asks for the servers of systemd-resolved, which takes a dnslet with libsystemd, "
               "and not a static program; here write system, with --resolv-conf "
               "/run/systemd/resolve/resolv.conf (DNSMASQ_RESOLV_CONF)"};
}

}  // namespace

Error only_in_full(const std::string& asked) {
  return Error{asked + ", which the variant dnslet-min does not have; dnslet has it"};
}

std::string name_of_certificate(std::string_view text) {
  const auto address = IpAddress::from_text(text);
  return address ? address->to_text() : host_name(text);
}

Result<ServerAddress> parse_server(std::string_view text) {
  if (is_proxied(text)) return parse_proxied(text);
  if (is_dhcp(text)) return parse_dhcp(text);
  const std::string word = lower_case(text);
  if (word == kResolved) return parse_resolved(text);
  if (word == kSystem) return ServerAddress{.port = kDnsPort, .source = word};
  if (auto error = find_missing(text)) return *error;
  if (auto error = find_lone_scheme(text)) return *error;

  ServerAddress server;
  std::string_view place = text;
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    const auto protocol = protocol_from_text(text.substr(0, scheme));
    if (!protocol)
      return Error{in_quotes(text) + ": " + in_quotes(text.substr(0, scheme + 3)) +
                   " is no way to a server; write udp://, tcp://, tls://, https://" +
                   (io::has_quic() ? ", quic://, h3://" : "") + " or socks5://"};
    server.protocol = *protocol;
    place.remove_prefix(scheme + 3);
  }
  if (server.is_encrypted()) {
    if (Status status = read_certificate(text, place, server); !status) return status.error();
  }
  if (is_http(server.protocol)) {
    if (Status status = read_path(text, place, server); !status) return status.error();
  }
  if (Status status = read_place(text, place, usual_port(server.protocol), server); !status)
    return status.error();
  if (server.verified == (server.endpoint ? server.endpoint->address.to_text() : server.host))
    server.verified.clear();  // the same server
  return server;
}

Result<ServerAddress> parse_place(std::string_view text, uint16_t usual_port) {
  ServerAddress server;
  if (Status status = read_place(text, text, usual_port, server); !status) return status.error();
  return server;
}

bool looks_like_server(std::string_view text) {
  const std::string word = lower_case(text);
  return text.find_first_of(":[") != std::string_view::npos || IpAddress::from_text(text) ||
         word == kResolved || word == kSystem;
}

}  // namespace dnslet::config

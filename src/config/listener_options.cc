// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/listener_options.h"

#include <algorithm>
#include <string>

#include "base/text.h"
#include "config/server_url.h"
#include "io/quic.h"
#include "io/tls.h"

namespace dnslet::config {
namespace {

constexpr std::string_view kUsualPath = "/dns-query";  // RFC 8484 section 4.1.1
constexpr std::string_view kListener =
    "a listener: an IP address with a port or without, for example 0.0.0.0:53, tls://0.0.0.0, "
    "quic://0.0.0.0, or https://[::]:8443/dns-query";

// A path that can be compared with what is sent, byte by byte.
bool is_path_of_listener(std::string_view path) {
  constexpr std::string_view kMarks = "-._~!$&'()*+=:@/";
  return std::ranges::all_of(
      path, [&](char c) { return is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos; });
}

Status add_encrypted(std::string_view text, std::size_t scheme, Options& options) {
  const auto protocol = protocol_from_text(text.substr(0, scheme));
  if (!protocol || !is_encrypted(*protocol) || !is_for_clients(*protocol))
    return Error{in_quotes(text) +
                 " is no listener; write tls://, https://, quic://, or the address alone, which is "
                 "served over UDP and TCP"};
  if (!io::has_tls()) return only_in_full(in_quotes(text) + " encrypts what it serves");
  if (*protocol == Protocol::Quic && !io::has_quic())
    return Error{in_quotes(text) +
                 " is served over QUIC, which this build has not; those with OpenSSL 3.5 or later "
                 "have it: on Debian 13, on Alpine, and the static program for musl"};
  EncryptedListener listener{*protocol};
  std::string_view place = text.substr(scheme + 3);
  if (*protocol == Protocol::Https) {
    const std::size_t slash = std::min(place.find('/'), place.size());
    listener.path = slash == place.size() ? kUsualPath : place.substr(slash);
    place = place.substr(0, slash);
  }
  const auto endpoint = Endpoint::from_text(place, usual_port(*protocol));
  if (!endpoint || !is_path_of_listener(listener.path)) return not_a(text, kListener);
  listener.endpoint = *endpoint;
  options.encrypted.push_back(std::move(listener));
  return Done{};
}

}  // namespace

Status store_listeners(std::string_view text, const NumberRange&, Options& options) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();
  for (const std::string_view element : *elements) {
    const std::size_t scheme = element.find("://");
    if (scheme != std::string_view::npos) {
      if (Status status = add_encrypted(element, scheme, options); !status) return status;
      continue;
    }
    const auto endpoint = parse_endpoint(element);
    if (!endpoint) return endpoint.error();
    options.listen.push_back(*endpoint);
  }
  return Done{};
}

Status complete_listeners(Options& options) {
  std::vector<Endpoint> tcp = options.listen;
  std::vector<Endpoint> udp = options.listen;
  for (const EncryptedListener& listener : options.encrypted)
    (is_over_udp(listener.protocol) ? udp : tcp).push_back(listener.endpoint);
  for (const std::vector<Endpoint>& all : {tcp, udp})
    for (auto listener = all.begin(); listener != all.end(); ++listener)
      if (listener->port != 0 && std::find(all.begin(), listener, *listener) != listener)
        return Error{in_quotes(listener->to_text()) + " is given twice"};
  return Done{};
}

Status check_certificate(const Options& options) {
  if (options.encrypted.empty() || !options.tls_cert.empty()) return Done{};
  return Error{
      "--listen (DNSMASQ_LISTEN): tls://, https:// and quic:// need a certificate; name its file "
      "with --tls-cert (DNSMASQ_TLS_CERT), and that of its key with --tls-key (DNSMASQ_TLS_KEY)"};
}

}  // namespace dnslet::config

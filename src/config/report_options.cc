// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/report_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "base/text.h"
#include "config/option_values.h"
#include "config/server_url.h"

namespace dnslet::config {
namespace {

constexpr std::size_t kMaxName = 200;  // bytes of a prefix, a key, a path
constexpr std::string_view kScheme = "http://";

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

// nullopt: no address, or no port behind it.
std::optional<Endpoint> parse_address_and_port(std::string_view text) {
  auto endpoint = Endpoint::from_text(text, 0);
  const auto other = Endpoint::from_text(text, 1);  // differs where the port is left out
  if (!endpoint || endpoint != other) return std::nullopt;
  return endpoint;
}

}  // namespace

Result<io::Level> parse_log_level(std::string_view text) {
  constexpr std::array<std::string_view, 4> kLevels = {"error", "warning", "info", "debug"};
  const std::string level = lower_case(text);
  const auto* const found = std::ranges::find(kLevels, level == "warn" ? "warning" : level);
  if (found == kLevels.end()) return not_a(text, "error, warning, info or debug");
  return static_cast<io::Level>(found - kLevels.begin());
}

Result<bool> parse_log_format(std::string_view text) {
  const std::string format = lower_case(text);
  if (format != "text" && format != "json") return not_a(text, "text or json");
  return format == "json";
}

Result<Endpoint> parse_metrics(std::string_view text) {
  const auto endpoint = parse_address_and_port(text);
  if (endpoint) return *endpoint;
  return not_a(text,
               "an IP address with a port, for example 127.0.0.1:9153 or [::1]:9153 (names are "
               "not accepted here)");
}

Result<std::vector<std::string>> parse_metrics_host(std::string_view text) {
  const Error error = not_a(text, "a list of host names, for example dnslet,dns.example.com");
  std::vector<std::string> hosts;
  const auto elements = parse_list(text);
  if (!elements) return elements.error();
  for (const std::string_view element : *elements) {
    std::string host = lower_case(element);
    if (host.ends_with('.')) host.pop_back();
    const bool is_name = !host.empty() && std::ranges::all_of(host, [](char c) {
      return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
    });
    if (!is_name) return error;
    hosts.push_back(std::move(host));
  }
  return hosts;
}

Result<ServerAddress> parse_graphite_server(std::string_view text) {
  auto server = parse_server(text);
  // Without a port it would be DNS's.
  const bool has_port = server && (server->is_name() ? text.find(':') != std::string_view::npos
                                                     : parse_address_and_port(text).has_value());
  if (has_port && text.find("://") == std::string_view::npos) return server;
  return not_a(text, "a host with a port, for example 10.0.0.9:2003 or carbon.example:2003");
}

Result<std::string> parse_graphite_prefix(std::string_view text) {
  const bool is_clean = std::ranges::all_of(
      text, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
  const bool has_empty_word =
      text.starts_with('.') || text.ends_with('.') || text.find("..") != std::string_view::npos;
  if (!is_clean || has_empty_word || text.size() > kMaxName)
    return not_a(text,
                 "a prefix: write letters, digits, - and _ with dots between words, for example "
                 "dns.host1");
  return std::string(text);
}

Result<std::string> parse_stathat_user(std::string_view text) {
  if (!is_printable(text) || text.size() > kMaxName)
    return not_a(text, "an EZ key of StatHat, for example somebody@example.com");
  return std::string(text);
}

Result<HttpUrl> parse_url(std::string_view text) {
  const Error error = not_a(text, "a URL, for example http://127.0.0.1:8080/ez");
  if (!text.starts_with(kScheme) || !is_printable(text) || text.size() > kMaxName) return error;
  const std::string_view rest = text.substr(kScheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view authority = rest.substr(0, slash);

  HttpUrl url;
  url.path = slash < rest.size() ? rest.substr(slash) : "/";
  const std::size_t colon = std::min(authority.rfind(':'), authority.size());
  url.host = authority.substr(0, colon);
  if (url.host.empty()) return error;
  if (colon == authority.size()) return url;

  const std::string_view port = authority.substr(colon + 1);
  const auto [end, status] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (status != std::errc() || end != port.data() + port.size() || url.port == 0) return error;
  return url;
}

}  // namespace dnslet::config
